"""run: an application on gunicorn, with one worker of the kind gthread."""

import os
import sys

from bench.given import PORT


def run(application):
    options = ["--worker-class=gthread", "--threads=4", "--workers=1", f"--bind=127.0.0.1:{PORT}"]
    # A worker that was held by the bench has not failed.
    options += ["--timeout=0", "--log-level=warning"]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options, application])
