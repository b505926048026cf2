"""FilePart: a part of a file that is sent by the kernel, from descriptor to descriptor."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["AHEAD", "FilePart"]

STEP = 65536
AHEAD = 1024 * 1024
"""Bytes that `fetch` sees to. The rest is fetched while these are sent."""


class FilePart:
    """`count` bytes of a file from `offset` on, and `head`, the bytes that go before them.

    A message for a connection that can send files (`FileMessage` in `kroute.net`); its length is
    that of all it has. It keeps a descriptor of its own, so that whoever opened the file may close
    it, and closes that when it is gone: sent, or dropped.

    fd: of a regular file. Raises OSError.
    """

    __slots__ = ("count", "fd", "head", "offset")

    def __init__(self, fd: int, offset: int, count: int) -> None:
        self.head = b""
        self.offset = offset
        self.count = count
        self.fd = -1
        self.fd = os.dup(fd)

    def __len__(self) -> int:
        return len(self.head) + self.count

    def __del__(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def fetch(self) -> None:
        """See that the beginning is in memory; waits for the disk where it must. For threads."""
        for at in self._steps():
            if not self._is_in_memory(at):
                os.pread(self.fd, STEP, at)

    @property
    def is_fetched(self) -> bool:
        """Whether the beginning is in memory, so that nobody waits for the disk."""
        return all(map(self._is_in_memory, self._steps()))

    def _steps(self) -> Iterator[int]:
        """Where the disk may have to be waited for: the kernel reads no less than a step."""
        yield from range(self.offset, self.offset + min(self.count, AHEAD), STEP)

    def _is_in_memory(self, at: int) -> bool:
        try:
            return os.preadv(self.fd, [bytearray(1)], at, os.RWF_NOWAIT) == 1
        except OSError:  # it is not, or the file system cannot tell
            return False
