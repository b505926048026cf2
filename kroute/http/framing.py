"""AnswerFraming: responses to bytes (RFC 9112). Sans-io; the caller brings the date."""

from __future__ import annotations

import re
from enum import Enum

from .errors import LocalProtocolError

__all__ = ["CONTINUE", "AnswerFraming", "Headers"]

Headers = list[tuple[str, str]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
STATUS = re.compile(r"([1-5]\d\d) [\t \x21-\x7e\x80-\xff]*")
MAX_NAMES = 1024


class _Kind(Enum):
    """What a header field means for the framing."""

    PLAIN = 0
    LENGTH = 1
    DATE = 2
    CONNECTION = 3
    OURS = 4


_KINDS = {
    "content-length": _Kind.LENGTH,
    "date": _Kind.DATE,
    "connection": _Kind.CONNECTION,
    "transfer-encoding": _Kind.OURS,
    "keep-alive": _Kind.OURS,
}


class _Body(Enum):
    """How the end of a body is told (RFC 9112, section 6.3)."""

    NONE = 0
    LENGTH = 1
    CHUNKED = 2
    CLOSE = 3


class AnswerFraming:
    """Turns the answers of one connection into bytes, one after the other.

    For each request `begin`, then `whole`, or `start`, any number of `data`, `end`. `keep_alive`
    says after the end whether the connection can have another request.
    """

    _names: dict[str, _Kind] = {}  # names found to be good; bounded by MAX_NAMES

    def __init__(self) -> None:
        self.keep_alive = True
        self._head_only = False
        self._modern = True
        self._body = _Body.NONE
        self._left = 0

    def begin(self, method: str, modern: bool, keep_alive: bool) -> None:
        """Get ready for the answer to a request. modern: it came as HTTP/1.1."""
        self._head_only = method == "HEAD"
        self._modern = modern
        self.keep_alive = keep_alive

    def whole(self, status: str, headers: Headers, body: bytes, date: str) -> bytes:
        """An answer in one piece. Raises LocalProtocolError where it cannot be sent as it is; then
        nothing counts as sent."""
        head = self.start(status, headers, len(body), date)
        if self._body is _Body.LENGTH:
            if self._left != len(body):
                raise LocalProtocolError(
                    f"Content-Length says {self._left} bytes, the body has {len(body)}"
                )
            self._left = 0
            return head + body
        return head

    def start(self, status: str, headers: Headers, length: int | None, date: str) -> bytes:
        """The head of an answer. length: bytes of body to come, None if not known yet.

        A Content-Length among `headers` counts instead of `length`. Raises LocalProtocolError for
        a status or a header field that would not arrive as it was meant.
        """
        match = STATUS.fullmatch(status)
        if match is None:
            raise LocalProtocolError(f"{status!r} is not a status: '200 OK' is")
        code = match[1]
        lines = ["HTTP/1.1 " + status]
        dated = False
        names = self._names
        for name, value in headers:
            kind = names.get(name) or self._classify(name)
            if kind is not _Kind.PLAIN:
                if kind is _Kind.LENGTH:
                    length = self._declared(value)
                    continue
                if kind is _Kind.CONNECTION:
                    if value.lower() != "close":
                        raise LocalProtocolError(f"Connection: {value!r} is the server's to say")
                    self.keep_alive = False
                    continue
                if kind is _Kind.DATE:
                    dated = True
                else:
                    raise LocalProtocolError(f"{name} is the server's to say")
            lines.append(f"{name}: {value}")
        if not dated:
            lines.append("Date: " + date)
        self._frame(code, length, lines)
        return self._encode(lines)

    def _frame(self, code: str, length: int | None, lines: list[str]) -> None:
        """Choose how the end of the body is told, and say so."""
        self._left = 0
        if code[0] == "1" or code == "204":
            self._body = _Body.NONE  # RFC 9110, section 8.6: and no Content-Length
        elif code == "304" or self._head_only:
            self._body = _Body.NONE
            if length is not None and not (code == "304" and not length):
                lines.append(f"Content-Length: {length}")
        elif length is not None:
            self._body = _Body.LENGTH
            self._left = length
            lines.append(f"Content-Length: {length}")
        elif self._modern:
            self._body = _Body.CHUNKED
            lines.append("Transfer-Encoding: chunked")
        else:
            self._body = _Body.CLOSE
            self.keep_alive = False
        if not self.keep_alive:
            lines.append("Connection: close")
        elif not self._modern:
            lines.append("Connection: keep-alive")

    @staticmethod
    def _encode(lines: list[str]) -> bytes:
        text = "\r\n".join(lines) + "\r\n\r\n"
        ends = len(lines) + 1
        if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
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

    @staticmethod
    def _declared(value: str) -> int:
        if not (value.isascii() and value.isdigit()):
            raise LocalProtocolError(f"Content-Length: {value!r} is not a number of bytes")
        return int(value)

    @classmethod
    def _classify(cls, name: str) -> _Kind:
        if not NAME.fullmatch(name):
            raise LocalProtocolError(f"{name!r} is not the name of a header field")
        kind = _KINDS.get(name.lower(), _Kind.PLAIN)
        if len(cls._names) < MAX_NAMES:
            cls._names[name] = kind
        return kind

    @property
    def wants_body(self) -> bool:
        """Whether anything of a body is sent at all: not for HEAD, 204 and 304."""
        return self._body is not _Body.NONE

    def data(self, data: bytes) -> bytes:
        """A part of the body. Raises LocalProtocolError for more than Content-Length said."""
        if self._body is _Body.CHUNKED:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        if self._body is _Body.LENGTH:
            self._left -= len(data)
            if self._left < 0:
                raise LocalProtocolError(
                    f"the body has {-self._left} bytes more than its Content-Length"
                )
            return data
        return data if self._body is _Body.CLOSE else b""

    def end(self) -> bytes:
        """The end of the body. Raises LocalProtocolError for less than Content-Length said."""
        if self._left:
            raise LocalProtocolError(f"{self._left} bytes of the Content-Length were not sent")
        return b"0\r\n\r\n" if self._body is _Body.CHUNKED else b""
