"""Capacity: how many connections there may be at a time, on all listeners that share it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Capacity"]


class Capacity:
    """Counts connections up to `limit`, and tells who waits when there is room again."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._waiting: list[Callable[[], None]] = []

    @property
    def full(self) -> bool:
        """Whether the next connection has to wait."""
        return self.taken >= self.limit

    def take(self) -> None:
        """One more is open."""
        self.taken += 1

    def give_back(self) -> None:
        """One is closed: call all who wait, who look for themselves whether there is room."""
        self.taken -= 1
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def wait(self, callback: Callable[[], None]) -> None:
        """Call `callback`, once, when a connection is closed."""
        self._waiting.append(callback)
