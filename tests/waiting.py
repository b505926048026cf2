"""wait_until: what happens elsewhere, in a thread or a process, is waited for by the clock.
PATIENCE: how long a test waits for anything.

listens: whether somebody does at an address.

A number of turns is no measure: a busy machine, or a faster one, spends them before anything has
happened.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["PATIENCE", "listens", "wait_until"]

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds after which what has not happened never will. A test has 60 for all that it does."""

BETWEEN = 0.002
"""Seconds between two looks."""


def wait_until(
    happened: Callable[[], T], what: str = "what was waited for", between: float = BETWEEN
) -> T:
    """Look again and again until `happened` gives something true, and return that.

    between: seconds from one look to the next, where `happened` takes part in what it waits for.
    Raises AssertionError, which names `what`, where nothing has come about for PATIENCE.
    """
    give_up = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < give_up, f"{what} never came about"
        time.sleep(between)
    return found


def listens(address: str | tuple[str, int]) -> bool:
    """address: a path of a Unix socket, or a host and a port."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0
