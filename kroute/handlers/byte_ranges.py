"""wanted_ranges, multipart, content_range: parts of a body (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["MAX_RANGES", "content_range", "multipart", "wanted_ranges"]

Range = tuple[int, int]
"""From the first number up to the second: half-open, as slices are."""

MAX_RANGES = 16
"""More of them in one request are an attack, or no use (RFC 9110, section 14.2)."""

GAP = 128
"""Bytes between two ranges that are cheaper to send than another heading (section 15.3.7.2)."""

# Section 14.1.2: first-last, first-, or -suffix. No file has more bytes than 18 digits can say.
SPEC = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


def wanted_ranges(header: str, size: int) -> list[Range] | None:
    """The ranges of a body of `size` bytes that a Range field asks for, at most MAX_RANGES; [] for
    none that it has: 416. None: the field is to be ignored, as section 14.2 wants it for another
    unit and allows for a broken field, for too many ranges and for an empty body.

    Those that overlap or nearly touch are made one. The others stay in the order they came in.
    """
    unit, _, specs = header.partition("=")
    parts = [spec.strip(" \t") for spec in specs.split(",")]
    parts = [part for part in parts if part]  # RFC 9110, section 5.6.1.2
    if unit.lower() != "bytes" or not size or not 0 < len(parts) <= MAX_RANGES:
        return None
    found = []
    for part in parts:
        spec = SPEC.fullmatch(part)
        if spec is None or part == "-":
            return None
        first, last = spec.groups()
        if first and last and int(last) < int(first):
            return None  # section 14.1.1: such a one makes the whole field invalid
        start = int(first) if first else max(0, size - int(last))
        stop = min(size, int(last) + 1) if first and last else size
        if start < stop:
            found.append((start, stop))
    return _coalesced(found)


def _coalesced(ranges: Sequence[Range]) -> list[Range]:
    merged: list[tuple[int, int, int]] = []  # place, start, stop
    for start, stop, place in sorted((*each, place) for place, each in enumerate(ranges)):
        if merged and start <= merged[-1][2] + GAP:
            before = merged.pop()
            place, start, stop = min(before[0], place), before[1], max(before[2], stop)
        merged.append((place, start, stop))
    return [(start, stop) for _, start, stop in sorted(merged)]


def content_range(part: Range, size: int) -> str:
    """The value of Content-Range for a part of a body of `size` bytes (section 14.4)."""
    return f"bytes {part[0]}-{part[1] - 1}/{size}"


def multipart(
    parts: Sequence[Range], size: int, content_type: str, boundary: str
) -> list[bytes | Range]:
    """The pieces of a body of type multipart/byteranges (section 14.6)."""
    pieces: list[bytes | Range] = []
    for part in parts:
        heading = (
            f"--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {content_range(part, size)}\r\n\r\n"
        )
        pieces += [(b"\r\n" if pieces else b"") + heading.encode("latin-1"), part]
    return [*pieces, f"\r\n--{boundary}--\r\n".encode("ascii")]
