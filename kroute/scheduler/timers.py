"""Timer, Timers, Member: what is to be called later, soonest first.

Times are seconds of a monotonic clock that the caller names; nothing here reads one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Protocol

__all__ = ["Member", "Timer", "Timers"]


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


class Member(Protocol):
    """Who is called in a second in which many are, and has no timer of its own.

    second: the one that counts. What is found of it in others is of an earlier time.
    """

    second: int | None

    def __call__(self) -> object: ...


class _Crowd(Timer):
    """A timer that its members share. here: how many of them are still to be called."""

    __slots__ = ("here", "members", "second")

    def __init__(self, second: int, owner: Timers) -> None:
        super().__init__(second, _nobody, owner)
        self.second = second
        self.members: list[Member] = []
        self.here = 0

    def pop(self) -> Member | None:
        """The next one to be called; None after the last."""
        while self.members:
            member = self.members.pop()
            if member.second == self.second:
                self.here -= 1
                return member
        return None


def _nobody() -> None:
    """The callback of a crowd, which calls its members instead."""


class Timers:
    """A heap of timers. Cancelled ones are left in it until they surface or outnumber the rest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._cancelled = 0
        self._crowds: dict[int, _Crowd] = {}

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def add(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` at `when` or as soon as possible after it."""
        timer = Timer(when, callback, self)
        self._push(timer)
        return timer

    def _push(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.when, next(self._order), timer))

    def join(self, second: int, member: Member) -> None:
        """Call `member` at a whole second, with all others that are to be called then, in any
        order: thousands of them take one timer and the room of a list."""
        crowd = self._crowds.get(second)
        if crowd is None:
            crowd = self._crowds[second] = _Crowd(second, self)
            self._push(crowd)
        member.second = second
        crowd.members.append(member)
        crowd.here += 1

    def leave(self, member: Member) -> None:
        """Do not call `member`. Those that have left are found in the list until they are the
        most of it."""
        second, member.second = member.second, None
        crowd = self._crowds.get(second) if second is not None else None
        if crowd is None:
            return
        crowd.here -= 1
        if not crowd.here:
            del self._crowds[crowd.second]
            crowd.cancel()
        elif len(crowd.members) > 64 and crowd.here * 2 < len(crowd.members):
            crowd.members = [each for each in crowd.members if each.second == second]

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
        timer = self._heap[0][2]
        if isinstance(timer, _Crowd):
            member = timer.pop()
            if member is not None:
                return member
            self._crowds.pop(timer.second, None)
        heapq.heappop(self._heap)
        callback, timer.callback = timer.callback, None
        return callback

    def cancelled(self) -> None:
        """Note that a timer was cancelled. Bounds the heap: at most half of it is waste."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
