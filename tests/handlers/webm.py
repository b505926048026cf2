"""make_webm: a video without an encoder: a minute of it, first red and then blue.

Its container is Matroska's (RFC 9559). Each second is a cluster with padding in it, so that the
file is as long as if there were something to see, and a player that seeks has to ask for another
range.
"""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["HALF", "LENGTH", "make_webm"]

LENGTH = 60
HALF = 30
"""Seconds: of all, and of the red part."""

PADDING = 1 << 20
"""Bytes, each second."""

WIDTH, HEIGHT = 64, 48
RATE = 10
"""Frames in a second."""

# One key frame each of VP8 (RFC 6386).
RED = bytes.fromhex(
    "9003009d012a4000300000470885858899848802020275aa03f803fa02073b861d31b3c59900fefd6ef3ffe46fe3e7"
    "46ffc8e3fffc4a9ee389e3fffc4680"
)
BLUE = bytes.fromhex(
    "5003009d012a4000300000470885858899848802020275aa03f8020708e0fdf426cf2e00feff4d12fffc4aa7f12a9f"
    "c4aa7ff12a9ffd187f0c3f861fde10"
)


def _element(kind: str, *content: bytes) -> bytes:
    """kind: its ID, in hexadecimal. Sizes are written in eight bytes, whatever they are."""
    data = b"".join(content)
    return bytes.fromhex(kind) + struct.pack("!Q", 1 << 56 | len(data)) + data


def _number(kind: str, value: int) -> bytes:
    return _element(kind, struct.pack("!Q", value))


def _cluster(second: int) -> bytes:
    """The frames of one second, and padding."""
    frame = RED if second < HALF else BLUE
    blocks = [
        _element("a3", struct.pack("!BhB", 0x81, at * 1000 // RATE, 0x80), frame)
        for at in range(RATE)
    ]
    padding = _element("ec", bytes(PADDING))
    return _element("1f43b675", _number("e7", second * 1000), *blocks, padding)


def _cue(second: int, position: int) -> bytes:
    """Where the cluster of a second is."""
    place = _element("b7", _number("f7", 1), _number("f1", position))
    return _element("bb", _number("b3", second * 1000), place)


def make_webm(path: Path) -> None:
    """Write the video to a file."""
    head = _element(
        "1a45dfa3", _element("4282", b"webm"), _number("4287", 4), _number("4285", 2)
    )
    picture = _element("e0", _number("b0", WIDTH), _number("ba", HEIGHT))
    codec = _element("86", b"V_VP8")
    track = _element("ae", _number("d7", 1), _number("73c5", 1), _number("83", 1), codec, picture)
    known = _element(
        "1549a966",
        _number("2ad7b1", 1_000_000),
        _element("4489", struct.pack("!d", LENGTH * 1000)),
        _element("4d80", b"kroute"),
        _element("5741", b"kroute"),
    ) + _element("1654ae6b", track)
    clusters = [_cluster(second) for second in range(LENGTH)]
    cues = b""
    for _ in range(2):  # the second time, how long they are is known
        position = len(known) + len(_element("1c53bb6b", cues))
        cues = b""
        for second, cluster in enumerate(clusters):
            cues += _cue(second, position)
            position += len(cluster)
    path.write_bytes(head + _element("18538067", known, _element("1c53bb6b", cues), *clusters))
