"""watch_sleeps: from then on a test that sleeps for LONGEST or longer fails, where it sleeps.

allow: whether the test that runs now may, as those of `make load` do.

What a test waits for it looks for again and again (tests/waiting.py), or has an event for.
"""

from __future__ import annotations

import sys
import time

__all__ = ["LONGEST", "allow", "watch_sleeps"]

LONGEST = 0.05
"""Seconds."""

_sleep = time.sleep
_allowed = False


def allow(long: bool) -> None:
    global _allowed
    _allowed = long


def _watched_sleep(seconds: float) -> None:
    asleep = sys._getframe(1)
    module = asleep.f_globals.get("__name__", "")
    # What others do inside, subprocess for one, is not for us to say.
    if seconds >= LONGEST and not _allowed and module.partition(".")[0] == "tests":
        raise AssertionError(f"{module}, line {asleep.f_lineno}, sleeps for {seconds} s")
    _sleep(seconds)


def watch_sleeps() -> None:
    """To be called before a test module is imported, as that may have `from time import sleep`."""
    time.sleep = _watched_sleep
