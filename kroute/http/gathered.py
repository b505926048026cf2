"""Gathered: bytes that are sent together without being joined."""

from __future__ import annotations

__all__ = ["Gathered"]


class Gathered:
    """A message for a connection that takes one (`GatheredMessage` in `kroute.net`): a long part
    of a body between the bytes that frame it, none of which are copied."""

    __slots__ = ("_length", "buffers")

    def __init__(self, *buffers: bytes) -> None:
        self.buffers = buffers
        self._length = sum(map(len, buffers))

    def __len__(self) -> int:
        return self._length
