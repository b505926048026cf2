"""WebSocket (RFC 6455, RFC 7692): the handshake, and frames to messages and back. Sans-io.

wsproto reads and writes the frames; what is added here is the limits, and what to answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import webob.exc
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

from .request import Request
from .response import Response

__all__ = ["Close", "HTTPUpgradeRequired", "WebSocketFrames", "accept_websocket"]

VERSION = "13"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SLICE = 4096
"""Bytes that are read at a time: what is compressed in them may be a thousand times as long, and
only then is looked at how long."""

PARAMETER = re.compile(
    r"(server_no_context_takeover|client_no_context_takeover)"
    r"|(server_max_window_bits)=\d{1,2}|(client_max_window_bits)(?:=\d{1,2})?"
)
"""Of an offer of compression (RFC 7692, section 7.1)."""

MAX_PARTS = 256
"""Of a message that is not complete; more are joined, as small ones take more than their bytes."""

NO_CODE = 1005
NO_CLOSE = 1006
"""What is never sent: codes for a close frame without one, and for no close frame at all."""


class HTTPUpgradeRequired(webob.exc.HTTPClientError):
    """426: this URL speaks another protocol (RFC 9110, section 15.5.22)."""

    code = 426
    title = "Upgrade Required"
    explanation = "This URL speaks WebSocket."


@dataclass(frozen=True)
class Close:
    """The end of a WebSocket: its code and the reason given.

    1000: done, 1001: going away, 1002: not the protocol, 1003: not this kind of message,
    1007: not UTF-8, 1008: not allowed, 1009: too long, 1011: failed, 1013: try again later.
    """

    code: int = 1000
    reason: str = ""


def accept_websocket(
    request: Request,
    subprotocols: Sequence[str] = (),
    origins: Collection[str] | None = None,
    compress: bool = True,
    max_message: int = 1024 * 1024,
) -> tuple[Response, WebSocketFrames]:
    """The answer to a handshake, and what reads and writes the frames after it.

    subprotocols: those that are spoken, best first. origins: whose pages may connect, None for
    all. Raises HTTPUpgradeRequired, HTTPBadRequest or HTTPForbidden for a request that cannot be
    accepted (RFC 6455, section 4.2).
    """
    headers = request.headers
    if "websocket" not in _tokens(headers.get("Upgrade", "")):
        raise HTTPUpgradeRequired(headers=[("Upgrade", "websocket")])
    if headers.get("Sec-WebSocket-Version", "").strip() != VERSION:
        raise HTTPUpgradeRequired(
            "The version of WebSocket is 13.",
            headers=[("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)],
        )
    if "upgrade" not in _tokens(headers.get("Connection", "")):
        raise webob.exc.HTTPBadRequest("A handshake has Connection: Upgrade.")
    key = headers.get("Sec-WebSocket-Key", "").strip()
    if not _is_key(key):
        raise webob.exc.HTTPBadRequest("A handshake has a Sec-WebSocket-Key of 16 bytes.")
    if origins is not None and headers.get("Origin") not in origins:
        raise webob.exc.HTTPForbidden("Pages of this origin may not connect.")
    answer = [
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Accept", _accept(key)),
    ]
    asked = [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    chosen = next((each for each in subprotocols if each in asked), None)
    if chosen is not None:
        answer.append(("Sec-WebSocket-Protocol", chosen))
    deflate = None
    if compress:
        deflate, accepted = _deflate(headers.get("Sec-WebSocket-Extensions", ""))
        if deflate is not None:
            answer.append(("Sec-WebSocket-Extensions", accepted))
    response = Response(status=101, headerlist=answer)
    return response, WebSocketFrames(deflate, max_message, chosen)


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",")]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode(), validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def _deflate(offers: str) -> tuple[PerMessageDeflate | None, str]:
    """Compression, where the client offers it in a way that can be had; other offers are passed
    over (RFC 7692, section 5.1).

    Without context takeover: nothing is kept for a client between messages, and an idle one costs
    no 300 KiB of zlib.
    """
    for offer in offers.replace('"', "").split(","):
        name, *parameters = [each.strip() for each in offer.split(";")]
        if name == PerMessageDeflate.name and _are_parameters(parameters):
            extension = PerMessageDeflate(True, None, True, None)
            accepted = extension.accept(offer)
            if isinstance(accepted, str):
                return extension, f"{PerMessageDeflate.name}; {accepted}"
    return None, ""


def _are_parameters(given: list[str]) -> bool:
    """Whether all are known, have a value if they need one, and come once."""
    found = map(PARAMETER.fullmatch, given)
    return len({each[each.lastindex or 0] for each in found if each}) == len(given)


class WebSocketFrames:
    """The frames of one connection, seen from the server.

    `feed` what came and take what it means from it; what is to be sent in answer to that is in
    `out`. subprotocol: the one that was agreed on. max_message: bytes.
    """

    _last: ClassVar[tuple[str | bytes, int, bytes]] = ("", -1, b"")
    """The message that was made last, for whom, and its frame."""

    def __init__(
        self, deflate: PerMessageDeflate | None, max_message: int, subprotocol: str | None = None
    ) -> None:
        self.subprotocol = subprotocol
        self.out: list[bytes] = []
        self._connection = Connection(ConnectionType.SERVER, [] if deflate is None else [deflate])
        self._window = 0 if deflate is None else deflate.server_max_window_bits
        self._max_message = max_message
        self._parts: list[str | bytes] = []
        self._size = 0
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether neither side has said that this is the end."""
        return self._connection.state is ConnectionState.OPEN and not self._closed

    def feed(self, data: bytes) -> Iterator[str | bytes | Close]:
        """What came: messages, as they are asked for, and the end, after which there is no more.

        A `Close` is what the other side sent, or what it was sent for a breach of the protocol; it
        is acknowledged already.
        """
        for at in range(0, len(data), SLICE):
            if self._closed or self._connection.state is ConnectionState.CLOSED:
                return
            self._connection.receive_data(data[at : at + SLICE])
            for event in self._connection.events():
                meant = self._understand(event)
                if meant is not None:
                    yield meant
                if self._closed:
                    return

    def _understand(self, event: Event) -> str | bytes | Close | None:
        if isinstance(event, (TextMessage, BytesMessage)):
            return self._add(event)
        if isinstance(event, Ping):
            if self.open:
                self.out.append(self._connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            return self._end(Close(int(event.code), event.reason or ""))
        return None

    def _add(self, event: TextMessage | BytesMessage) -> str | bytes | Close | None:
        """A frame, or a part of one."""
        data = event.data if isinstance(event, TextMessage) else bytes(event.data)
        self._size += len(data) if isinstance(data, bytes) else len(data.encode("utf-8"))
        if self._size > self._max_message:
            return self._end(Close(1009, f"a message has at most {self._max_message} bytes"))
        if data:
            self._parts.append(data)
        if event.message_finished or len(self._parts) > MAX_PARTS:
            self._parts = [type(data)().join(self._parts)]  # type: ignore[arg-type]
        if not event.message_finished:
            return None
        (message,), self._parts, self._size = self._parts, [], 0
        return message

    def _end(self, close: Close) -> Close:
        """The other side has closed, or is not to be listened to any more."""
        if self._connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            code = 1000 if close.code == NO_CODE else close.code
            reason = "" if code == 1000 else close.reason
            self.out.append(self._connection.send(CloseConnection(code, _short(reason))))
        self._closed = True
        self._parts.clear()
        return close

    def message(self, data: str | bytes) -> bytes:
        """The bytes of a message; b"" after the end."""
        if not self.open:
            return b""
        # What one says all hear: the same str or bytes. As nothing is kept between messages, it
        # is the same frame for all whose compression is the same.
        last = WebSocketFrames._last
        if last[0] is data and last[1] == self._window:
            return last[2]
        event = TextMessage(data) if isinstance(data, str) else BytesMessage(data)
        made = self._connection.send(event)
        WebSocketFrames._last = data, self._window, made
        return made

    def ping(self) -> bytes:
        """The bytes of a ping; b"" after the end."""
        return self._connection.send(Ping()) if self.open else b""

    def close(self, close: Close) -> bytes:
        """The bytes of the end; b"" where it was said already."""
        if not self.open:
            return b""
        return self._connection.send(CloseConnection(close.code, _short(close.reason)))


def _short(reason: str) -> str:
    """As much of a reason as fits into a close frame: 123 bytes."""
    return reason.encode("utf-8")[:123].decode("utf-8", "ignore")
