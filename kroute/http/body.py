"""RequestBody, EMPTY_BODY, UNREAD_BODY: the body of a request while it comes, and as a file."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

__all__ = ["EMPTY_BODY", "UNREAD_BODY", "BodyTooLarge", "EmptyBody", "RequestBody", "SharedBytes"]


class BodyTooLarge(Exception):
    """A request body is over its limit."""


class EmptyBody(io.RawIOBase):
    """The body of a request without one: a file at its end. One for all; it cannot be closed."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return b""

    def readall(self) -> bytes:
        return b""

    def readinto(self, buffer: object) -> int:
        return 0

    def readline(self, size: int | None = -1) -> bytes:
        return b""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass


EMPTY_BODY = EmptyBody()


class UnreadBody(EmptyBody):
    """The body of a request that was not received yet, or is read by its handler as it comes: it
    is nowhere else to be had."""

    def read(self, size: int | None = -1) -> bytes:
        raise RuntimeError(
            "the body of this request is yet to be read by its handler, as it comes; for hooks "
            "that read it, declare the route or the mount with stream=False, and them as "
            "before_request"
        )

    readall = readline = read
    readinto = read  # type: ignore[assignment]

    def __iter__(self) -> Iterator[bytes]:
        yield self.read()


UNREAD_BODY = UnreadBody()


class _Memory:
    """The memory that all large bodies of this process share, whichever thread collects them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a body may be collected as garbage at any time
        self.taken = 0

    def take(self, size: int, most: int) -> bool:
        """Take `size` bytes of it, if that makes no more than `most` altogether."""
        with self._lock:
            if self.taken + size > most:
                return False
            self.taken += size
            return True

    def give_back(self, size: int) -> None:
        with self._lock:
            self.taken -= size


MEMORY = _Memory()


class SharedBytes(io.BytesIO):
    """A body in the memory that all share: counted there until it is closed, or gone. (Whoever
    has the file may have it alone, as a handler that goes on without its client.)"""

    _counted = 0

    def __init__(self, data: bytes, counted: int) -> None:
        super().__init__(data)
        self._counted = counted

    def close(self) -> None:
        counted, self._counted = self._counted, 0
        super().close()
        if counted:
            MEMORY.give_back(counted)

    def __del__(self) -> None:
        self.close()


class RequestBody:
    """Collects a body: in memory up to `in_memory` bytes, and beyond as long as all such bodies
    have at most `together` bytes; then in a temporary file.

    limit: bytes; one more and `write` raises BodyTooLarge. (A SpooledTemporaryFile would do, but
    before Python 3.11 it is not all that a file is.)
    """

    SMALL = 4096
    """Bytes of a part that is put together with others; a longer one is kept as it came."""

    def __init__(self, limit: int, in_memory: int, together: int = 0) -> None:
        self._limit = limit
        self._in_memory = in_memory
        self._together = together
        self._shared = 0  # bytes that are counted in MEMORY; a file sees to its own
        self._parts: list[bytes] = []
        self._tail = bytearray()  # small parts after those
        self._file: IO[bytes] | None = None
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add a part. Not after `file()`."""
        size = self.size + len(data)
        if size > self._limit:
            raise BodyTooLarge
        if size > self._in_memory and self._file is None:
            if MEMORY.take(size - self._shared, self._together):
                self._shared = size
            else:
                self._move_to_disk()
        self.size = size
        if self._file is not None:
            self._file.write(data)
        elif len(data) < self.SMALL and self._parts:
            self._tail += data
        else:
            if self._tail:
                self._parts.append(bytes(self._tail))
                self._tail.clear()
            self._parts.append(data)

    def _move_to_disk(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._file.write(self._whole())
        if self._shared:
            self._let_go()

    def _whole(self) -> bytes:
        """All that is in memory, which is given to the caller."""
        if self._tail:
            self._parts.append(bytes(self._tail))
        whole = b"".join(self._parts)
        self._forget()
        return whole

    def _forget(self) -> None:
        self._parts.clear()
        self._tail.clear()

    def _let_go(self) -> None:
        MEMORY.give_back(self._shared)
        self._shared = 0

    def file(self) -> IO[bytes]:
        """The whole, to be read from its start."""
        if self._file is None:
            whole, shared, self._shared = self._whole(), self._shared, 0
            self._file = SharedBytes(whole, shared) if shared else io.BytesIO(whole)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Give back memory or disk."""
        if self._file is None:
            self._forget()
        else:
            self._file.close()
        if self._shared:
            self._let_go()

    def __del__(self) -> None:
        if self._shared:
            self._let_go()
