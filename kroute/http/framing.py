"""AnswerFraming: responses to bytes (RFC 9112). Sans-io; the caller brings the date."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .errors import LocalProtocolError

__all__ = ["CONTINUE", "AnswerFraming", "Headers"]

Headers = list[tuple[str, str]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9112, section 4. A code alone will do; the space that has to follow it is added.
STATUS = re.compile(r"([1-5][0-9]{2})( [\t \x21-\x7e\x80-\xff]*)?")
MAX_NAMES, MAX_NAME = 1024, 64
MAX_HEADS, MAX_HEAD = 256, 1024


# What a header field means for the framing. (Numbers, as an Enum takes ten times as long to ask.)
PLAIN, LENGTH, DATE, CONNECTION, OURS = range(1, 6)

KINDS = {
    "content-length": LENGTH,
    "date": DATE,
    "connection": CONNECTION,
    "transfer-encoding": OURS,
    "keep-alive": OURS,
}

# How the end of a body is told (RFC 9112, section 6.3).
NO_BODY, BY_LENGTH, BY_CHUNKS, BY_CLOSE = range(4)

# No content, whatever its length is said to be (RFC 9110, sections 15.3.5, 15.3.6, 15.4.5).
BODILESS = frozenset(("204", "205", "304"))

# The heads of this second, with what `keep_alive`, `_body` and `wants_body` are after them: a busy
# server sends many that are alike. By all that they are made of; bounded by MAX_HEADS.
_heads: dict[tuple[Any, ...], tuple[bytes, bool, int, bool]] = {}
_date = ""


class AnswerFraming:
    """Turns the answers of one connection into bytes, one after the other.

    For each request `begin`, then `whole`, or `start`, any number of `data`, `end`. `keep_alive`
    says after the end whether the connection can have another request; `wants_body` after the head
    whether anything of a body is sent at all: not for HEAD, 204 and 304. A head that raises
    LocalProtocolError has changed nothing, so that another one can be sent instead.
    """

    _names: dict[str, int] = {}  # names found to be good; bounded by MAX_NAMES

    __slots__ = ("_body", "_head_only", "_left", "_modern", "keep_alive", "wants_body")

    def __init__(self) -> None:
        self.keep_alive = True
        self._head_only = False
        self._modern = True
        self._body = NO_BODY
        self.wants_body = False
        self._left = 0

    def begin(self, method: str, modern: bool, keep_alive: bool) -> None:
        """Get ready for the answer to a request. modern: it came as HTTP/1.1."""
        self._head_only = method == "HEAD"
        self._modern = modern
        self.keep_alive = keep_alive

    def whole(self, status: str, headers: Headers, body: bytes, date: str) -> bytes:
        """An answer in one piece. Raises LocalProtocolError where it cannot be sent as it is."""
        head = self.announce(status, headers, len(body), date)
        return head + body if self.wants_body else head

    def announce(self, status: str, headers: Headers, length: int, date: str) -> bytes:
        """The head of an answer whose body goes another way, in one piece of `length` bytes, if
        `wants_body`. Raises LocalProtocolError."""
        global _date
        if date != _date:
            _date = date
            _heads.clear()
        key: Any = (status, length, self._head_only, self._modern, self.keep_alive, *headers)
        try:
            known = _heads.get(key)
        except TypeError:  # a list in it; or what is no string, and `_head` will say so
            key = known = None
        if known is not None:
            head, self.keep_alive, self._body, self.wants_body = known
            self._left = 0
            return head
        head = self._head(status, headers, length, date, True)
        self._left = 0
        if key and len(_heads) < MAX_HEADS and len(head) <= MAX_HEAD:
            _heads[key] = head, self.keep_alive, self._body, self.wants_body
        return head

    def start(self, status: str, headers: Headers, length: int | None, date: str) -> bytes:
        """The head of an answer. length: bytes of body to come, None if not known yet.

        A Content-Length among `headers` counts instead of `length`. Raises LocalProtocolError for
        a status or a header field that would not arrive as it was meant.
        """
        return self._head(status, headers, length, date, False)

    def interim(self, status: str, headers: Headers) -> bytes:
        """An answer before the answer, such as 103 (Early Hints); b"" for a client that does not
        know of them (RFC 9110, section 15.2). Raises LocalProtocolError."""
        line, code = _status_line(status)
        lines = [line]
        length, close, _ = self._add_fields(lines, headers)
        if code[0] != "1" or code == "101":
            raise LocalProtocolError(f"{status!r} is not the status of an interim answer")
        if length is not None or close:
            raise LocalProtocolError("an interim answer has no body and does not close")
        return _encode(lines) if self._modern else b""

    def upgrade(self, headers: Headers) -> bytes:
        """A 101 (Switching Protocols): after it, `data` are bytes as they are, and the end is that
        of the connection. Raises LocalProtocolError."""
        lines = ["HTTP/1.1 101 Switching Protocols"]
        length, _, _ = self._add_fields(lines, headers)
        if length is not None:
            raise LocalProtocolError("an answer that switches protocols has no body")
        head = _encode([*lines, "Connection: Upgrade"])
        self.keep_alive = False
        self._body = BY_CLOSE
        self.wants_body = True
        return head

    def _head(
        self, status: str, headers: Headers, length: int | None, date: str, is_all: bool
    ) -> bytes:
        """The head of an answer with a body of `length`; is_all: that is certain."""
        line, code = _status_line(status)
        if code[0] == "1":
            raise LocalProtocolError(f"{status!r} leaves the client waiting for an answer")
        lines = [line]
        declared, close, dated = self._add_fields(lines, headers)
        if not dated:
            lines.append("Date: " + date)
        body = self._choose(code, length if declared is None else declared)
        if declared is not None:
            if is_all and body == BY_LENGTH and declared != length:
                raise LocalProtocolError(
                    f"Content-Length says {declared} bytes, the body has {length}"
                )
            length = declared
        keep_alive = self.keep_alive and not close and body != BY_CLOSE
        self._add_framing(lines, code, body, length, keep_alive)
        head = _encode(lines)
        self.keep_alive = keep_alive
        self._body = body
        self.wants_body = body != NO_BODY
        self._left = length or 0 if body == BY_LENGTH else 0
        return head

    def _add_fields(self, lines: list[str], headers: Headers) -> tuple[int | None, bool, bool]:
        """Add the fields of an author. Returns what they say of the framing: the length of the
        body, whether to close; and whether there is a date."""
        length, close, dated = None, False, False
        names = self._names
        try:
            for name, value in headers:
                kind = names.get(name) or self._classify(name)
                if kind != PLAIN:
                    if kind == LENGTH:
                        length = _declared(value, length)
                        continue
                    if kind == CONNECTION and value.lower() == "close":
                        close = True
                        continue
                    if kind != DATE:
                        raise LocalProtocolError(f"{name}: {value!r} is the server's to say")
                    dated = True
                lines.append(name + ": " + value)
        except (TypeError, ValueError, AttributeError) as error:
            raise LocalProtocolError(f"a header field is not two strings: {error}") from error
        return length, close, dated

    def _choose(self, code: str, length: int | None) -> int:
        """How the end of the body is told."""
        if code in BODILESS or self._head_only:
            return NO_BODY
        if length is not None:
            return BY_LENGTH
        return BY_CHUNKS if self._modern else BY_CLOSE

    def _add_framing(
        self, lines: list[str], code: str, body: int, length: int | None, keep_alive: bool
    ) -> None:
        """Say how long the body is, and whether the connection persists."""
        if body == BY_CHUNKS:
            lines.append("Transfer-Encoding: chunked")
        elif code == "205":
            lines.append("Content-Length: 0")  # RFC 9110, section 15.3.6
        elif length is not None and code != "204" and (length or code != "304"):
            # RFC 9110, section 8.6: not with 204; with 304 only what a 200 would have, and the
            # body of a 304 does not tell.
            lines.append(f"Content-Length: {length}")
        if not keep_alive:
            lines.append("Connection: close")
        elif not self._modern:
            lines.append("Connection: keep-alive")

    @classmethod
    def _classify(cls, name: str) -> int:
        if not NAME.fullmatch(name):
            raise LocalProtocolError(f"{name!r} is not the name of a header field")
        kind = KINDS.get(name.lower(), PLAIN)
        if len(name) <= MAX_NAME:
            if len(cls._names) >= MAX_NAMES:
                cls._names.clear()  # somebody makes names up; the usual ones will be back soon
            cls._names[name] = kind
        return kind

    def data(self, data: bytes) -> bytes:
        """A part of the body. Raises LocalProtocolError for more than Content-Length said."""
        if self._body == BY_CHUNKS:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        if self._body == BY_LENGTH:
            self._count(len(data))
            return data
        return data if self._body == BY_CLOSE else b""

    def around(self, size: int) -> tuple[bytes, bytes]:
        """What goes before and after a part of the body, of `size` bytes and not empty, that goes
        another way. Raises LocalProtocolError as `data`."""
        if self._body == BY_CHUNKS:
            return b"%x\r\n" % size, b"\r\n"
        if self._body == BY_LENGTH:
            self._count(size)
        return b"", b""

    def _count(self, size: int) -> None:
        left = self._left - size
        if left < 0:
            self.keep_alive = False
            raise LocalProtocolError(f"the body has {-left} bytes more than its Content-Length")
        self._left = left

    def end(self) -> bytes:
        """The end of the body. Raises LocalProtocolError for less than Content-Length said."""
        if self._left:
            self.keep_alive = False
            raise LocalProtocolError(f"{self._left} bytes of the Content-Length were not sent")
        return b"0\r\n\r\n" if self._body == BY_CHUNKS else b""


@lru_cache(256)
def _status_line(status: str) -> tuple[str, str]:
    """The first line of an answer, and the code in it."""
    match = STATUS.fullmatch(status)
    if match is None:
        raise LocalProtocolError(f"{status!r} is not a status: '200 OK' is")
    code, reason = match.groups()
    return f"HTTP/1.1 {code}{reason or ' '}", code


def _declared(value: str, before: int | None) -> int:
    """What a Content-Length says, after what one before it said."""
    if not (value.isascii() and value.isdigit()):
        raise LocalProtocolError(f"Content-Length: {value!r} is not a number of bytes")
    if before is not None and before != int(value):
        raise LocalProtocolError(f"Content-Length: both {before} and {value}")
    return int(value)


def _encode(lines: list[str]) -> bytes:
    text = "\r\n".join(lines) + "\r\n\r\n"
    ends = len(lines) + 1
    if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
        # RFC 9110, section 5.5: these are the ones that others would misread.
        raise LocalProtocolError(
            "a header value has a CR, LF or NUL in it: "
            + next(repr(line) for line in lines if re.search("[\r\n\0]", line))
        )
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(
            f"a header value has {text[error.start]!r} in it, which is not Latin-1"
        ) from error
