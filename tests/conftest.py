"""needs("curl"): a test that uses a program which a bare machine may lack."""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skipped where the program is missing")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                # CI installs them all: there it is an error that one is missing.
                (pytest.fail if os.environ.get("KROUTE_ALL") else pytest.skip)(
                    f"{program} is not installed"
                )
