"""RequestParser and its events: what a client's bytes say. Sans-io, on httptools (llhttp).

Head: the start of a request. Data: a part of its body. End: the end of its body; there is neither
after a Head whose `body_length` is 0.
NEED_DATA: no event until more bytes come.

The parser cuts the stream of bytes into heads and bodies itself and hands each head whole to
llhttp. So it knows where every message ends (llhttp does not say), can stop there, can count a
head before it looks into it, and can let any method token through (llhttp knows a list of them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Union

import httptools

from .errors import RemoteProtocolError
from .limits import Limits

__all__ = ["NEED_DATA", "Data", "End", "Event", "Head", "NeedData", "RequestParser"]


@dataclass(slots=True)
class Head:
    """The start of a request.

    headers: (name, value) in order, the bytes as they came, without the white space around values.
    body_length: bytes of body to come; 0 for none, None if it is chunked.
    """

    method: bytes
    target: bytes
    version: bytes
    headers: list[tuple[bytes, bytes]]
    body_length: int | None
    keep_alive: bool


@dataclass(slots=True)
class Data:
    """A part of the body, with its framing taken off."""

    data: bytes


@dataclass(slots=True)
class End:
    """The end of the body. trailers: header fields that followed a chunked one."""

    trailers: list[tuple[bytes, bytes]]


class NeedData(Enum):
    """The type of NEED_DATA."""

    NEED_DATA = "need data"


NEED_DATA: Final = NeedData.NEED_DATA
Event = Union[Head, Data, End]

# RFC 9110, section 5.6.2
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9112, section 2.2: a recipient MAY take a bare LF for a line end. It is a way to smuggle
# requests past a proxy that does not, so we do not either; a bare CR must not be taken for one.
BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
BARE_LINE_END_SO_FAR = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")

UPGRADE = re.compile(rb"\r\nUpgrade:", re.IGNORECASE)

# llhttp's list, without those that it treats in ways of its own (CONNECT, PRI, SOURCE).
KNOWN_METHODS = frozenset(
    b"GET HEAD POST PUT PATCH DELETE OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH "
    b"SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE LINK UNLINK".split()
)

VERSIONS = frozenset((b"HTTP/1.1", b"HTTP/1.0"))


class RequestParser:
    """Bytes in by `feed`, events out by `next_event`.

    After the end of a request it goes on with the next one when it is asked for the next event;
    bytes that are not asked for stay in `buffered`. After a RemoteProtocolError, and after a Head
    with `keep_alive` false and its body, it is of no more use.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = b""
        self._scanned = 0  # bytes of an unfinished head that hold no end of it
        self._state: Callable[[], Event | NeedData] = self._read_head
        self._remaining = 0
        self._chunks: list[bytes] = []
        self._complete = False
        self._overhead = 0  # bytes of framing since the last byte of a chunked body
        self._headers: list[tuple[bytes, bytes]] = []
        self._llhttp: Any = httptools.HttpRequestParser(self)

    @property
    def buffered(self) -> bytes:
        """Bytes that were fed and not yet looked at."""
        return self._buffer

    @property
    def in_message(self) -> bool:
        """Whether a request has begun and not ended."""
        return bool(self._buffer) or self._state != self._read_head

    def feed(self, data: bytes) -> None:
        """Add what has come from the client."""
        self._buffer = self._buffer + data if self._buffer else data

    def next_event(self) -> Event | NeedData:
        """The next thing that the bytes say. Raises RemoteProtocolError where it is not HTTP."""
        return self._state()

    # The states.

    def _read_head(self) -> Event | NeedData:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._scanned)
        if end < 0 or buffer.startswith(b"\r\n"):
            return self._incomplete_head()
        end += 4
        self._check_size(buffer, end)
        self._scanned = 0
        self._buffer = buffer[end:] if end < len(buffer) else b""
        return self._parse_head(buffer[:end] if end < len(buffer) else buffer)

    def _incomplete_head(self) -> Event | NeedData:
        """No end of a head in sight yet: what is there may be wrong already."""
        if self._buffer.startswith(b"\r\n"):
            # RFC 9112, section 2.2: at least one empty line before a request line is ignored.
            self._buffer = self._buffer[2:]
            self._scanned = 0
            return self._read_head()
        buffer = self._buffer
        if BARE_LINE_END_SO_FAR.search(buffer, max(0, self._scanned - 1)):
            raise RemoteProtocolError("a line ends with a bare CR or LF; CRLF is right")
        self._check_size(buffer, len(buffer))
        self._scanned = max(0, len(buffer) - 3)
        return NEED_DATA

    def _check_size(self, head: bytes, size: int) -> None:
        line = head.find(b"\r\n", 0, self._limits.request_line + 2)
        if line < 0 and size > self._limits.request_line:
            raise RemoteProtocolError(
                f"the request line is longer than {self._limits.request_line} bytes", 414
            )
        if size > self._limits.header_bytes:
            raise RemoteProtocolError(
                f"the header fields are longer than {self._limits.header_bytes} bytes", 431
            )

    def _parse_head(self, head: bytes) -> Event:
        line, _, _ = head.partition(b"\r\n")
        words = line.split(b" ")
        if len(words) != 3 or not words[1]:
            raise RemoteProtocolError("the request line is not METHOD TARGET HTTP/1.1")
        method, target, version = words
        if version not in VERSIONS:
            if re.fullmatch(rb"HTTP/\d\.\d", version):
                raise RemoteProtocolError("only HTTP/1.1 and HTTP/1.0 are spoken here", 505)
            raise RemoteProtocolError("the request line does not end with an HTTP version")
        if BARE_LINE_END.search(head):
            raise RemoteProtocolError("a line ends with a bare CR or LF; CRLF is right")
        if method not in KNOWN_METHODS:
            if not TOKEN.fullmatch(method):
                raise RemoteProtocolError("the method is not a token (RFC 9110, section 9.1)")
            # For llhttp it is a GET; nothing in the framing of a request depends on its method.
            head = b"GET" + head[len(method) :]
        headers = self._feed_head(head)
        if len(headers) > self._limits.header_fields:
            raise RemoteProtocolError(
                f"more than {self._limits.header_fields} header fields", 431
            )
        keep_alive = self._llhttp.should_keep_alive()
        length = 0 if self._complete else self._body_length(headers)
        return Head(method, target, version, headers, length, keep_alive)

    def _feed_head(self, head: bytes) -> list[tuple[bytes, bytes]]:
        """Have llhttp look at a head; return its fields."""
        self._headers = headers = []
        self._complete = False
        try:
            self._llhttp_feed(head)
        except httptools.HttpParserUpgrade:
            # An upgrade is for a handler to agree to; until then the body is a body (RFC 9110,
            # section 7.8), which llhttp does not look for in such a request. So it gets to see
            # the head once more, without the offer.
            self._headers = []
            self._complete = False
            self._llhttp = httptools.HttpRequestParser(self)
            self._llhttp_feed(UPGRADE.sub(b"\r\nOffered:", head))
        self._headers = []  # from here on they are trailers
        return headers

    def _body_length(self, headers: list[tuple[bytes, bytes]]) -> int | None:
        """How long the body is by the header fields, which llhttp found to be consistent."""
        for name, value in headers:
            if name.lower() == b"content-length":
                self._remaining = int(value)
                self._state = self._read_body
                return self._remaining
        self._state = self._read_chunked
        self._overhead = 0
        return None

    def _read_body(self) -> Event | NeedData:
        """A body of known length."""
        data = self._buffer
        if not data:
            return NEED_DATA
        if len(data) > self._remaining:
            self._buffer = data[self._remaining :]
            data = data[: self._remaining]
        else:
            self._buffer = b""
        self._remaining -= len(data)
        self._llhttp_feed(data)
        self._chunks.clear()
        if not self._remaining:
            self._state = self._read_end
        return Data(data)

    def _read_chunked(self) -> Event | NeedData:
        """A chunked body. Its last chunk and its trailers end with an empty line, so no message
        ends inside a piece that is cut after each empty line. (Data may hold one too; that only
        makes a piece more.)"""
        while self._buffer and not self._complete:
            buffer = self._buffer
            end = buffer.find(b"\r\n\r\n", self._scanned)
            if end >= 0:
                end += 4
                piece, self._buffer, self._scanned = buffer[:end], buffer[end:], 0
            elif len(buffer) > 3:
                # The empty line may have begun: keep its possible start back.
                piece, self._buffer, self._scanned = buffer[:-3], buffer[-3:], 0
            else:
                break
            self._llhttp_feed(piece)
            self._overhead += len(piece)
            if self._chunks:
                self._overhead = 0
            elif self._overhead > self._limits.header_bytes:
                raise RemoteProtocolError("the chunk extensions or trailers are too long", 431)
        if self._complete:
            self._state = self._read_end
        if self._chunks:
            data = b"".join(self._chunks)
            self._chunks.clear()
            return Data(data)
        return self._read_end() if self._complete else NEED_DATA

    def _read_end(self) -> Event:
        self._state = self._read_head
        return End(self._headers)

    def close(self) -> None:
        """Let go of llhttp, which holds a reference to this object."""
        self._llhttp = None

    # What llhttp calls.

    def _llhttp_feed(self, data: bytes) -> None:
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise
        except httptools.HttpParserError as error:
            raise RemoteProtocolError(str(error) or type(error).__name__) from error

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self._chunks.append(data)

    def on_message_complete(self) -> None:
        self._complete = True
