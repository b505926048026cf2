"""Deadline: a time limit that is moved all the time and hardly ever reached."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic

from ..scheduler import Scheduler, Timer

__all__ = ["Deadline"]


class Deadline:
    """Calls `reached` at a time that may be put off cheaply, as for each request of a connection.

    It has one timer, which is let run when the limit is moved and only then looks where that has
    gone. Times are rounded up to whole seconds, so that thousands of them are due together and
    cost one wake-up.
    """

    def __init__(self, home: Scheduler, reached: Callable[[], None]) -> None:
        self._home = home
        self._reached = reached
        self._at: float | None = None
        self._timer: Timer | None = None

    def set(self, seconds: float) -> None:
        """Let it be reached in `seconds`, or up to a second later; not before."""
        self._at = at = monotonic() + seconds
        timer = self._timer
        if timer is None or at < timer.when - 1:
            if timer is not None:
                timer.cancel()
            self._timer = self._home.timers.add(ceil(at), self._look)

    def clear(self) -> None:
        """Let it not be reached."""
        self._at = None

    def close(self) -> None:
        """Let go of the timer."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        timer, self._timer = self._timer, None
        if self._at is None or timer is None:
            return
        if self._at > timer.when:
            self._timer = self._home.timers.add(ceil(self._at), self._look)
        else:
            self._at = None
            self._reached()
