"""needs("curl"): a test that uses a program which a bare machine may lack.

certificate: of localhost, signed by itself, with its key.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from . import sleeping

sleeping.watch_sleeps()

# The same examples each time; how long one takes says more of the machine than of kroute.
settings.register_profile(
    "kroute", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kroute")

# Many containers forbid to keep what was compiled. Each of the processes that tests start would
# compile kroute anew then, and pytest all tests in each run.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class Certificate(NamedTuple):
    """The files of a certificate and its key."""

    certfile: Path
    keyfile: Path


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skipped where the program is missing")


def pytest_collection_finish() -> None:
    # Thousands of tests and all modules, which stay to the end: a collection of garbage takes a
    # tenth of a second with them and a millisecond without.
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    sleeping.allow(item.get_closest_marker("load") is not None)
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                # CI installs them all: there it is an error that one is missing.
                (pytest.fail if os.environ.get("KROUTE_ALL") else pytest.skip)(
                    f"{program} is not installed"
                )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """To be used under needs("openssl")."""
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    subprocess.run(
        f"openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 "
        f"-out {made.certfile} -keyout {made.keyfile}".split(),
        check=True,
        capture_output=True,
    )
    return made
