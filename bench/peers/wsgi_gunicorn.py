"""Flask on gunicorn: one worker with threads."""

import os
import sys

from bench.given import PORT
from bench.peers.wsgi_site import THREADS

if __name__ == "__main__":
    command = f"-m gunicorn -k gthread --threads {THREADS} -b 127.0.0.1:{PORT}"
    site = ["--no-control-socket", "bench.peers.wsgi_site:app"]
    os.execv(sys.executable, [sys.executable, *command.split(), *site])
