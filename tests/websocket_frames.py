"""Frames of WebSocket as a client writes and reads them (RFC 6455, section 5.2)."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["Frame", "frame", "read_frames"]


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """One frame of a client (section 5.2)."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack("!BH", bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", bit | 127, len(payload))
    if not masked:
        return head + payload
    key = b"\x01\x02\x03\x04"
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    return head + key + bytes(a ^ b for a, b in zip(payload, mask, strict=True))


class Frame(NamedTuple):
    """A frame of a server."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Of a close frame."""
        return int.from_bytes(self.payload[:2], "big")


def read_frames(data: bytes) -> list[Frame]:
    """The frames that `data` is made of, to the last byte."""
    found = []
    while data:
        assert data[0] & 0x80, "the servers frames are whole messages"
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        assert len(data) >= at + size, "a frame is cut"
        found.append(Frame(data[0] & 0x0F, data[at : at + size]))
        data = data[at + size :]
    return found
