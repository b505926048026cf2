"""Head, parse_head, parse_trailers: a complete block of lines, taken apart (RFC 9112).

httptools (llhttp) reads the fields and is strict about their lines. What they mean for the
connection - length of the body, keep-alive - is worked out here, because there llhttp differs
from the RFCs (it takes Proxy-Connection for Connection) and one release of it from the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from .errors import RemoteProtocolError

__all__ = ["Fields", "Head", "parse_head", "parse_trailers"]

Fields = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Head:
    """The start of a request.

    version: the one to answer in, b"HTTP/1.0" or b"HTTP/1.1". headers: (name, value) in order, the
    bytes as they came, without the white space around values. body_length: bytes of body to come;
    0 for none, None if it is chunked. expect_continue: the client may wait for a 100 (Continue)
    before it sends them.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: Fields
    body_length: int | None
    keep_alive: bool
    expect_continue: bool = False


# RFC 9110, section 5.6.2
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9112, section 3: one space between the parts. A target is any visible ASCII without "#". RFC
# 3986 allows less, but browsers send such as "|" and "{" as they are (WHATWG URL, query state).
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!\"$-~]+) HTTP/([0-9])\.([0-9])\r\n")

# RFC 9110, section 8.6. More digits than a file can have bytes are no length.
LENGTH = re.compile(rb"[0-9]{1,19}")

# The fields that mean something for the connection, and for nothing after it.
_SPECIAL = frozenset((b"connection", b"content-length", b"expect", b"transfer-encoding"))

MAX_NAMES, MAX_NAME = 1024, 64
_names: dict[bytes, bytes] = {}  # good names: which of _SPECIAL they are, or b""


def parse_head(block: bytes, max_fields: int) -> Head:
    """Request line and header fields. Raises RemoteProtocolError where they are not HTTP."""
    match = REQUEST_LINE.match(block)
    if match is None:
        raise RemoteProtocolError("the request line is not METHOD TARGET HTTP/1.1")
    method, target, major, minor = match.groups()
    if major != b"1":
        raise RemoteProtocolError("only HTTP/1.1 and HTTP/1.0 are spoken here", 505)
    # RFC 9110, section 2.5: a higher minor version is processed as the highest that is known.
    modern = minor != b"0"
    headers = _read_fields(block[match.end() - 2 :], max_fields)
    special = _special(headers)
    return Head(
        method,
        target,
        b"HTTP/1.1" if modern else b"HTTP/1.0",
        headers,
        _body_length(special, modern) if special else 0,
        _keeps_alive(special.get(b"connection"), modern),
        # RFC 9110, section 10.1.1: the expectation of an HTTP/1.0 client is ignored.
        modern and special.get(b"expect", b"").lower() == b"100-continue",
    )


def parse_trailers(block: bytes, max_fields: int) -> Fields:
    """The fields after a chunked body, without those about framing, which have no place there."""
    trailers = _read_fields(b"\r\n" + block, max_fields)
    if _special(trailers):
        raise RemoteProtocolError("a trailer cannot frame a message (RFC 9110, section 6.5.1)")
    return trailers


class _Fields(Fields):
    """A list that llhttp fills."""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.append((name, value.rstrip()))


def _read_fields(lines: bytes, max_fields: int) -> Fields:
    """Have llhttp read field lines, from the end of the line before them to the empty line.

    It never sees a method or a target, so it can have no opinion on them.
    """
    fields = _Fields()
    try:
        httptools.HttpRequestParser(fields).feed_data(b"GET / HTTP/1.1" + lines)
    except httptools.HttpParserUpgrade:
        pass  # an offer, for a handler to take up; until then the connection speaks HTTP/1
    except httptools.HttpParserError as error:
        raise RemoteProtocolError(f"in the header fields: {error}") from error
    if len(fields) > max_fields:
        raise RemoteProtocolError(f"more than {max_fields} header fields", 431)
    if lines.count(b"\n") != len(fields) + 2:
        # RFC 9112, section 5.2: obs-fold, which llhttp before 9.2 takes.
        raise RemoteProtocolError("a header field goes over several lines")
    return fields


def _special(fields: Fields) -> dict[bytes, bytes]:
    """The values of those fields that mean something for the connection; of several with one name
    the list of values (RFC 9110, section 5.3)."""
    special: dict[bytes, bytes] = {}
    for name, value in fields:
        known = _names.get(name)
        if known is None:
            known = _check_name(name)
        if known:
            special[known] = special[known] + b", " + value if known in special else value
    return special


def _check_name(name: bytes) -> bytes:
    """What a field name means here; kept for the next time."""
    if not TOKEN.fullmatch(name):
        # RFC 9112, section 5.1: no white space before the colon; llhttp before 9.2 takes it.
        raise RemoteProtocolError("the name of a header field is not a token")
    lower = name.lower()
    known = lower if lower in _SPECIAL else b""
    if len(name) <= MAX_NAME:
        if len(_names) >= MAX_NAMES:
            _names.clear()  # somebody makes names up; the usual ones will be back soon
        _names[name] = known
    return known


def _body_length(special: dict[bytes, bytes], modern: bool) -> int | None:
    """How long the body is (RFC 9112, section 6.3), None if chunked.

    Where two readers could come to two answers, this one refuses to come to any.
    """
    length = special.get(b"content-length")
    coding = special.get(b"transfer-encoding")
    if coding is not None:
        _check_coding(coding, modern)
        if length is not None:
            raise RemoteProtocolError("both Transfer-Encoding and Content-Length")
        return None
    if length is None:
        return 0
    if not LENGTH.fullmatch(length):
        raise RemoteProtocolError("Content-Length is not one number of bytes")
    return int(length)


def _check_coding(coding: bytes, modern: bool) -> None:
    """Raise unless a transfer coding is `chunked` alone, the only one that is understood."""
    if not modern:
        raise RemoteProtocolError("HTTP/1.0 has no Transfer-Encoding (RFC 9112, section 6.1)")
    *others, last = (name.strip().lower() for name in coding.split(b","))
    if last != b"chunked" or last in others or b"" in others:
        raise RemoteProtocolError("Transfer-Encoding does not end with one `chunked`")
    if others:
        raise RemoteProtocolError("no transfer coding but `chunked` is understood", 501)


def _keeps_alive(connection: bytes | None, modern: bool) -> bool:
    """Whether the client wants the connection to persist (RFC 9112, section 9.3)."""
    if connection is None:
        return modern
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (modern or b"keep-alive" in options)
