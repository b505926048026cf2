"""Body, Piece: what an answer has of a file, read or sent bit by bit."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from ..http import FilePart
from .file_parts import PART
from .static_seen import NotSeen

__all__ = ["CHUNK", "Body", "Piece"]

Piece = bytes | tuple[int, int]
"""Bytes to be sent, or those of a file from the first number up to the second."""

CHUNK = 64 * 1024
"""Bytes that are read at once. More of them are not faster (64 to 256 KiB were measured), and a
client that does not read costs two times as many."""

AHEAD = 1024 * 1024
"""Bytes that the kernel is asked to fetch when a disk had to be waited for. (A third faster.)"""

NOW: int | None = getattr(os, "RWF_NOWAIT", None)

T = TypeVar("T")


class _Scratch(threading.local):
    """Where the kernel puts what is read at once: memory that is new each time costs more than
    copying out of it."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(CHUNK))


_scratch = _Scratch()


class Body:
    """The pieces of a body, and the file that they come from.

    A thread may be at work on the file when nobody wants it any more: whoever leaves last closes
    it, once.

    in_parts: the kernel may send parts of the file. waits: whoever opens and reads it may wait for
    a disk. names: that lead to the file. from_memory: what `first` gave was in memory.
    """

    def __init__(self, in_parts: bool = False) -> None:
        self.in_parts = in_parts
        self.waits = True
        self.names: Sequence[bytes] = ()
        self.from_memory = False
        self._fd = -1
        self._pieces: deque[Piece] = deque()
        self._using = threading.Lock()
        self._left = False

    def use(self, function: Callable[..., T], *args: Any) -> T:
        """Call what uses the file; for threads."""
        try:
            with self._using:
                return function(*args)
        finally:
            if self._left:
                self.close()

    def close(self) -> None:
        """Close the file, now or when it is not in use any more. May be called again."""
        self._left = True
        if self._using.acquire(blocking=False):
            fd, self._fd = self._fd, -1
            self._using.release()
            if fd >= 0:
                os.close(fd)

    def hold(self, fd: int, names: Sequence[bytes] = ()) -> None:
        """Take an open file; the one before is closed."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self.names = names

    def take(self, pieces: Iterable[Piece]) -> None:
        """Take note of what is to be read, and of nothing before."""
        self._pieces = deque(piece for piece in pieces if piece != (0, 0))

    @property
    def more(self) -> bool:
        """Whether there is something to read."""
        return bool(self._pieces)

    @property
    def is_read(self) -> bool:
        """Whether the next bytes are to be read: few go out faster in one piece with the head."""
        if not (self._pieces and self.in_parts):
            return self.more
        piece = self._pieces[0]
        return isinstance(piece, bytes) or piece[1] - piece[0] <= CHUNK

    def first(self) -> bytes:
        """The first bytes. Raises EOFError as `read`; NotSeen for a disk unless it `waits`."""
        of_file = not isinstance(self._pieces[0], bytes)
        data = self.read_now()
        if data is not None:
            self.from_memory = of_file
            return data
        if not self.waits:
            raise NotSeen
        return self.read()

    def read(self) -> bytes:
        """The next bytes, from a disk that may have to be waited for. Raises EOFError where the
        file has become shorter than it was."""
        piece = self._pieces[0]
        if isinstance(piece, bytes):
            self._pieces.popleft()
            return piece
        size = piece[1] - piece[0]
        if size > CHUNK and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd, piece[0], min(AHEAD, size), os.POSIX_FADV_WILLNEED)
        data = os.pread(self._fd, min(CHUNK, size), piece[0])
        self._advance(len(data))
        return data

    def read_now(self) -> bytes | None:
        """The next bytes if they are in memory, None if the disk would have to be waited for."""
        piece = self._pieces[0]
        if isinstance(piece, bytes):
            return self.read()
        if NOW is None:
            return None
        room = _scratch.view[: min(CHUNK, piece[1] - piece[0])]
        try:
            size = os.preadv(self._fd, [room], piece[0], NOW)
        except OSError:  # not in memory, or a file system that cannot tell; `read` will say
            return None
        self._advance(size)
        return bytes(room[:size])

    def part(self) -> bytes | FilePart:
        """As `read`, for the kernel to send what comes out of the file."""
        piece = self._pieces[0]
        if isinstance(piece, bytes):
            return self.read()
        part = FilePart(self._fd, piece[0], min(PART, piece[1] - piece[0]))
        self._advance(part.count)
        return part

    def _advance(self, size: int) -> None:
        piece = self._pieces[0]
        assert isinstance(piece, tuple)
        if not size:
            raise EOFError(f"a file became shorter while it was sent: it ends at {piece[0]}")
        start = piece[0] + size
        if start < piece[1]:
            self._pieces[0] = (start, piece[1])
        else:
            self._pieces.popleft()
