"""Deadline: a time limit that is moved all the time and hardly ever reached."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic

from ..scheduler import Scheduler

__all__ = ["Deadline"]


class Deadline:
    """Calls `reached` at a time that may be put off cheaply, as for each request of a connection.

    It is called by the scheduler's timers in the second in which it was to be reached, and only
    then looks where that has gone. Times are rounded up to whole seconds, so that thousands of
    them have one timer and cost one wake-up.
    """

    __slots__ = ("_at", "_home", "_reached", "second")

    def __init__(self, home: Scheduler, reached: Callable[[], None]) -> None:
        self._home = home
        self._reached = reached
        self._at: float | None = None
        self.second: int | None = None  # see `Member`

    def set(self, seconds: float) -> None:
        """Let it be reached in `seconds`, or up to a second later; not before."""
        self._at = at = monotonic() + seconds
        second = self.second
        if second is None or at < second - 1:
            timers = self._home.timers
            if second is not None:
                timers.leave(self)
            timers.join(ceil(at), self)

    def clear(self) -> None:
        """Let it not be reached."""
        self._at = None

    def close(self) -> None:
        """Let it never be called again."""
        self._at = None
        self._home.timers.leave(self)

    def __call__(self) -> None:
        at, second = self._at, self.second
        self.second = None
        if at is None or second is None:
            return
        if at > second:
            self._home.timers.join(ceil(at), self)
        else:
            self._at = None
            self._reached()
