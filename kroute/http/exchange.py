"""Exchange: a request and the way of its answer; the contract of the rooms that serve it.

The protocol component makes one for each request and is its `Sink`: it puts answers on the wire.
The Dispatcher is its `Rules`: it knows what counts as an answer and what to say of an error. A
handler sees the exchange alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

import webob

from .environ import RAW_PATH
from .file_part import FilePart
from .request import Request
from .response import Response, close_body

__all__ = [
    "BodyTaker",
    "Exchange",
    "Handler",
    "Hinting",
    "Rules",
    "SendsFiles",
    "Sink",
    "Streaming",
    "Upgradable",
]

log = logging.getLogger("kroute.http")


class Sink(Protocol):
    """Where an answer goes: to one client.

    `whole` and `start` raise LocalProtocolError, before anything is sent, for a response that
    cannot be sent as it is; `data` and `end` where a body is not as long as was said.
    """

    def whole(self, exchange: Exchange, response: webob.Response, body: bytes) -> None:
        """Send an answer in one piece."""

    def start(self, exchange: Exchange, response: webob.Response, length: int | None) -> bool:
        """Send the head of an answer; length: bytes of its body where they are known. Returns
        whether anything of the body is wanted (not for HEAD, 204 and 304)."""

    def data(self, exchange: Exchange, data: bytes) -> bool:
        """Send a part of the body. False: enough for now; `exchange.on_drain` is called when more
        can be sent."""

    def end(self, exchange: Exchange) -> None:
        """The body is complete."""

    def cut(self, exchange: Exchange) -> None:
        """The answer has begun and cannot be completed: let the client see that."""

    def receive(self, exchange: Exchange, limit: int | None, ready: Callable[[], None]) -> None:
        """Receive the body of the request into its environ and then call `ready`, once.

        limit: bytes, None for the server's own. Over it the client is answered 413 instead.
        """

    def later(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the others have had their turn."""


class BodyTaker(Protocol):
    """Who takes the body of a request part by part."""

    def take(self, data: bytes) -> bool:
        """Take a part; b"" is the end. False: no more until `Streaming.more` is called."""

    def fail(self, error: Exception) -> None:
        """There is more of it than there may be: `error` is the answer to that."""


@runtime_checkable
class Streaming(Sink, Protocol):
    """A `Sink` that can give the body of a request part by part, at the pace of who takes it."""

    def stream(self, exchange: Exchange, limit: int | None, taker: BodyTaker) -> None:
        """Give the body to `taker`, from the first call of `more` on. limit: as for `receive`.
        Called before `Handler.start` returns; and again, before `more`, to name another taker."""

    def more(self, exchange: Exchange) -> None:
        """Go on giving what the client sends."""


@runtime_checkable
class Hinting(Sink, Protocol):
    """A `Sink` that can send an answer before the answer."""

    def interim(
        self, exchange: Exchange, status: str, headers: list[tuple[str, str]]
    ) -> None:
        """Send a 1xx. Raises LocalProtocolError, before anything is sent, for one that cannot be
        sent as it is."""


class SendsFiles(Sink, Protocol):
    """A `Sink` that can have the kernel send files. can_send_files: whether its connection can."""

    can_send_files: bool

    def file(self, exchange: Exchange, response: webob.Response, part: FilePart) -> None:
        """Send an answer whose body is a part of a file. Raises LocalProtocolError as `whole`."""

    def part(self, exchange: Exchange, part: FilePart) -> bool:
        """As `data`, for a part of a file that is not empty."""


class Upgradable(Sink, Protocol):
    """A `Sink` that can hand over its connection to another protocol, such as WebSocket."""

    def upgrade(
        self, exchange: Exchange, response: webob.Response, receive: Callable[[bytes], bool]
    ) -> None:
        """Send a 101. From then on `data` sends bytes as they are, `end` closes the connection,
        and `receive` is given what the client sends; where it returns False, it is given no more
        until `more` is called. Raises LocalProtocolError before anything is sent."""

    def more(self, exchange: Exchange) -> None:
        """Go on giving what the client sends to `receive`."""


class Rules(Protocol):
    """What an application says of answers and errors."""

    def answer(self, exchange: Exchange, value: Any) -> webob.Response:
        """Make a response of what a handler answered. May raise what a hook raises."""

    def error(self, exchange: Exchange, error: Exception) -> webob.Response:
        """Make a response of what was raised on the way to an answer. Raises nothing."""


class Handler(Protocol):
    """What stands behind a URL and a method.

    max_body: bytes that the body of a request may have, None for the server's own limit.
    takes_bytes: whether it can do with a path that is not UTF-8. streams: whether it is started
    before the body of a request is received, and sees to that.
    """

    max_body: int | None
    takes_bytes: bool
    streams: bool

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See to the answer, now or later. Raises nothing."""


class Exchange:
    """One request and its answer.

    request: what was asked. has_body: whether it has a body that was not received yet. started:
    whether a part of the answer is on its way. done: whether the answer is complete, or nobody is
    there to get it. on_drain, on_gone, on_leave: set by the handler, called when more can be sent,
    when the client is gone, and when the server would stop and waits for the end of this.
    """

    __slots__ = (
        "done",
        "has_body",
        "on_drain",
        "on_gone",
        "on_leave",
        "request",
        "rules",
        "sink",
        "started",
    )

    rules: Rules

    def __init__(self, request: Request, sink: Sink, has_body: bool = False) -> None:
        self.request = request
        self.sink = sink
        self.has_body = has_body
        self.started = False
        self.done = False
        self.on_drain: Callable[[], None] | None = None
        self.on_gone: Callable[[], None] | None = None
        self.on_leave: Callable[[], None] | None = None

    def send(self, response: webob.Response) -> None:
        """Answer with a response that has gone through the rules, its body in one piece.

        Raises LocalProtocolError for one that cannot be sent, and what its `app_iter` raises.
        """
        body: Any = response.app_iter
        try:
            self.sink.whole(self, response, b"".join(body))
        finally:
            close_body(body)

    def fail(self, error: Exception) -> None:
        """End the exchange with `error`: as an answer if none has begun, otherwise by cutting it.

        The author's own `webob.exc` exceptions are answers like any other; they come here too.
        """
        if self.done:
            log.error("%s failed after its answer", self, exc_info=error)
        elif self.started:
            log.error("%s failed in the middle of its answer", self, exc_info=error)
            self.sink.cut(self)
        else:
            self._answer_error(error)

    def note(self, error: Exception) -> None:
        """Hear what a handler raised that has the connection, and logs and closes it itself. For
        tests, which raise it; elsewhere nobody asks."""

    def _answer_error(self, error: Exception) -> None:
        """Send what the rules say of an error; where even that cannot be sent, a bare 500."""
        for _ in range(2):
            try:
                self.send(self.rules.error(self, error))
                return
            except Exception as reason:
                log.error("%s: the answer to %r failed", self, error, exc_info=reason)
                error = reason
        self.sink.whole(self, Response(b"", 500, content_type="text/plain"), b"")

    def gone(self) -> None:
        """There is nobody left to answer: let go of the handler. For sinks.

        A handler that goes on all the same sets `sink` and `done` anew, and sees to the body.
        """
        self.done = True
        on_gone, self.on_gone, self.on_drain = self.on_gone, None, None
        if on_gone is not None:
            on_gone()

    def __str__(self) -> str:
        # Not `request.path`, which cannot be had of a path that is not UTF-8.
        environ = self.request.environ
        path = environ.get(RAW_PATH) or quote(environ["PATH_INFO"], encoding="latin-1")
        return f"{self.request.method} {path}"
