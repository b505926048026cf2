"""Timer, Timers: what is to be called later, soonest first.

Times are seconds of a monotonic clock that the caller names; nothing here reads one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

__all__ = ["Timer", "Timers"]


class Timer:
    """One call in the future. `when`: seconds on the caller's clock; `cancel()` takes it back."""

    __slots__ = ("_owner", "callback", "when")

    def __init__(self, when: float, callback: Callable[[], object], owner: Timers) -> None:
        self.when = when
        self.callback: Callable[[], object] | None = callback
        self._owner = owner

    def cancel(self) -> None:
        """Make sure that the callback is not called any more. May be called more than once."""
        if self.callback is not None:
            self.callback = None
            self._owner.cancelled()


class Timers:
    """A heap of timers. Cancelled ones are left in it until they surface or outnumber the rest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def add(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` at `when` or as soon as possible after it."""
        timer = Timer(when, callback, self)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def next_due(self) -> float | None:
        """When the next timer is due, or None if there is none."""
        while self._heap and self._heap[0][2].callback is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Callable[[], object] | None:
        """Take out the first callback that is due at `now`, or return None.

        One at a time, so that it can still cancel the next: in order of time, then of adding.
        """
        when = self.next_due()
        if when is None or when > now:
            return None
        timer = heapq.heappop(self._heap)[2]
        callback, timer.callback = timer.callback, None
        return callback

    def cancelled(self) -> None:
        """Note that a timer was cancelled. Bounds the heap: at most half of it is waste."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
