"""mutate: raw requests with something wrong in them, perhaps; from a dice, so always the same."""

from __future__ import annotations

import random

__all__ = ["mutate"]

# What means something to a parser, or looks as if it did.
BITS = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b":", b",", b";", b"=", b'"'),
    *(b"\0", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\x85", b"\xa0", b"\xff", b"\\", b"_", b"("),
    *(b"0", b"5", b"f", b"-", b"+", b"0x", b"a", b"*", b"/", b"#", b"?", b"%00", b"%0d%0a"),
    *(b"chunked", b"identity", b"close", b"keep-alive", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"),
    *(b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Content-Length:\r\n"),
    *(b"Content-Length : 5\r\n", b"Content_Length: 5\r\n", b" Content-Length: 5\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"transfer-encoding:\r\n"),
    *(b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n"),
    *(b"Host: b\r\n", b"Host:\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n"),
    *(b"Connection: upgrade\r\nUpgrade: x\r\n", b"Expect: 100-continue\r\n", b"X: y\r\n"),
    *(b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"5\r\nhello\r\n", b"1;a=b\r\nx\r\n", b"ffffffff\r\n"),
    *(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 4\r\n"),
]


def mutate(raw: bytes, dice: random.Random) -> bytes:
    """`raw` changed in one to four places, by a bit put in, taken out, doubled or exchanged."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        raw = dice.choice(WAYS)(raw, dice)
    return raw


def _splice(raw: bytes, dice: random.Random) -> bytes:
    i = dice.randrange(len(raw) + 1)
    j = min(len(raw), i + dice.choice((0, 0, 1, 1, 2, 8)))
    return raw[:i] + dice.choice((b"", raw[i:j] * 2, dice.choice(BITS))) + raw[j:]


def _flip(raw: bytes, dice: random.Random) -> bytes:
    if not raw:
        return raw
    i = dice.randrange(len(raw))
    return raw[:i] + bytes([raw[i] ^ 1 << dice.randrange(8)]) + raw[i + 1 :]


def _shuffle(raw: bytes, dice: random.Random) -> bytes:
    """A line taken out, put in twice, or in another place."""
    lines = raw.split(b"\r\n")
    line = lines.pop(dice.randrange(len(lines)))
    for _ in range(dice.choice((0, 1, 2))):
        lines.insert(dice.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)


def _add_line(raw: bytes, dice: random.Random) -> bytes:
    """A bit at the beginning of a line, where whole fields and chunks do most."""
    starts = [i + 2 for i in range(len(raw)) if raw.startswith(b"\r\n", i)] or [0]
    i = dice.choice(starts)
    return raw[:i] + dice.choice(BITS) + raw[i:]


WAYS = (_splice, _splice, _splice, _flip, _shuffle, _add_line)
