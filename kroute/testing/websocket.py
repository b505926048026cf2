"""WebSocketSession: the client's end of a WebSocket; WebSocketClosed, WebSocketRefused."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

from ..gateway import AnswerCut, SocketAnswer
from ..http import Response
from .parts import Parts
from .session import Session

__all__ = ["HANDSHAKE", "WebSocketClosed", "WebSocketRefused", "WebSocketSession"]

FAILED = 1011
ABNORMAL = 1006

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # the one of RFC 6455, section 1.3
}


class WebSocketRefused(Exception):
    """The answer to a handshake was no 101. response: what it was."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status}: {response.text:.200}")
        self.response = response


class WebSocketClosed(Exception):
    """The application has closed. code, reason: what it said; 1006 if it said nothing."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class WebSocketSession(Session["WebSocketSession"]):
    """A WebSocket in the hands of a test. Use it as a context manager: at the end it is closed,
    and the application has its time to close, too.

    Pings are answered while something is received. subprotocol: the one that was agreed on, or
    None. timeout: seconds that a message may be in coming.
    """

    def __init__(self, answer: SocketAnswer, raise_errors: bool, timeout: float) -> None:
        self._answer = answer
        self._parts = Parts(answer, raise_errors)
        self._raise_errors = raise_errors
        self._timeout = timeout
        self._connection = Connection(ConnectionType.CLIENT)
        self._messages: deque[str | bytes] = deque()
        self._pieces: list[str | bytes] = []
        self._closed: WebSocketClosed | None = None
        headers = {name.lower(): value for name, value in answer.headers}
        self.subprotocol = headers.get("sec-websocket-protocol")

    def send(self, message: Any) -> None:
        """Send str as text, bytes as they are, anything else as JSON. Raises WebSocketClosed."""
        if self._closed is not None:
            raise self._closed
        event: Event = (
            BytesMessage(message)
            if isinstance(message, bytes)
            else TextMessage(message if isinstance(message, str) else json.dumps(message))
        )
        self._answer.give(self._connection.send(event))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """The next message. timeout: seconds, instead of the session's own.

        Raises WebSocketClosed where there are no more, TimeoutError where none comes in time, and
        what a generator handler raised.
        """
        end = monotonic() + (self._timeout if timeout is None else timeout)
        while not self._messages:
            if self._closed is not None:
                self._raise(self._closed)
            self._feed(self._parts.next(max(0.0, end - monotonic())))
        return self._messages.popleft()

    def receive_json(self, timeout: float | None = None) -> Any:
        """The next message, as JSON. See `receive`; raises ValueError for what is none."""
        return json.loads(self.receive(timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close, and wait until the application does so too, for `timeout` seconds at most.
        Messages that come before that can be received yet."""
        if self._connection.state is ConnectionState.OPEN:
            self._answer.give(self._connection.send(CloseConnection(code, reason)))
        end = monotonic() + self._timeout
        with suppress(TimeoutError, AnswerCut):
            while self._closed is None:
                self._feed(self._parts.next(max(0.0, end - monotonic())))
        self._answer.close()

    def _raise(self, closed: WebSocketClosed) -> None:
        error = self._answer.exchange.error
        if self._raise_errors and closed.code == FAILED and error is not None:
            raise error
        raise closed

    def _feed(self, data: bytes) -> None:
        """Take what the application sends; b"": the end of the connection."""
        if not data and self._closed is None:
            self._closed = WebSocketClosed(ABNORMAL, "")
        self._connection.receive_data(data or None)
        for event in self._connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                self._take(event)
            elif isinstance(event, Ping):
                self._answer.give(self._connection.send(event.response()))
            elif isinstance(event, CloseConnection) and self._closed is None:
                self._closed = WebSocketClosed(int(event.code), event.reason or "")
                if self._connection.state is ConnectionState.REMOTE_CLOSING:
                    self._answer.give(self._connection.send(event.response()))

    def _take(self, event: TextMessage | BytesMessage) -> None:
        data = event.data if isinstance(event, TextMessage) else bytes(event.data)
        self._pieces.append(data)
        if event.message_finished:
            pieces: Sequence[Any] = self._pieces
            self._messages.append(type(data)().join(pieces))
            self._pieces = []
