"""Output: the parts of an answer, between the thread that makes them and the scheduler's."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Output"]

HIGH, LOW = 524288, 65536
"""Bytes that wait to be sent at which the application is made to wait, and may go on. Between them
are some parts as applications have them: a switch between threads takes longer than one."""

BLOCK = 65536
"""Bytes of small parts that are sent together."""


class Output:
    """Parts of a body that one thread leaves and another takes; more than HIGH bytes make the
    first one wait.

    ended: whether the last part was left.
    """

    __slots__ = ("_awaited", "_changed", "_full", "_over", "_parts", "_size", "ended")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._full = False  # the application waits
        self._awaited = True  # nobody is going to look for parts until he is told to
        self._over = False  # nobody wants any more
        self.ended = False

    # In the thread of the application.

    def put(self, data: bytes, end: bool) -> bool:
        """Leave a part. Returns whether the other side is to be told to take it; it may be at that
        already, or have enough for now."""
        with self._changed:
            self._parts.append(data)
            self._size += len(data)
            self.ended = end
            self._full = self._size >= HIGH and not end
            awaited, self._awaited = self._awaited, False
            return awaited

    @property
    def full(self) -> bool:
        """Whether it is time to `wait`."""
        return self._full

    def wait(self, seconds: float) -> bool:
        """Wait until there is room, or nobody wants any more. False: it was not so in time."""
        with self._changed:
            return self._changed.wait_for(self._may_go_on, seconds)

    def _may_go_on(self) -> bool:
        return self._over or not self._full

    # In the scheduler's thread.

    def take(self) -> bytes:
        """What is to be sent next: a part, or some small ones; b"" for nothing, when `put` says
        that what comes is awaited."""
        parts, size = self._parts, 0
        block = []
        with self._changed:
            while parts and (not size or size + len(parts[0]) <= BLOCK):
                size += len(parts[0])
                block.append(parts.popleft())
            self._size -= size
            if self._full and self._size <= LOW:
                self._full = False
                self._changed.notify()
            self._awaited = not (size or self.ended)
        return block[0] if len(block) == 1 else b"".join(block)

    @property
    def is_sent(self) -> bool:
        """Whether there is nothing left, and nothing to come."""
        return self.ended and not self._parts

    def close(self) -> None:
        """Nobody wants any more: nothing is kept, and nobody waits."""
        with self._changed:
            self._over = True
            self._parts.clear()
            self._changed.notify()
