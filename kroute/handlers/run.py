"""Run: a generator handler on its way through an exchange; deliver: a response on its; failure:
what a handler raised."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import webob
from Axon.Ipc import WaitComplete, ipc, newComponent

from ..http import Exchange, FilePart, Hinting, close_body
from ..scheduler import Coroutine, Waiting, in_thread
from .file_parts import can_send_files, file_parts
from .hints import EarlyHints
from .unattended import Unattended

__all__ = ["Run", "deliver", "failure"]

log = logging.getLogger("kroute.handlers")

CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")
"""What WebOb looks at; at If-Range together with Range."""

TURN = 64
"""Steps that a handler takes in one go before others have their turn."""


def deliver(exchange: Exchange, response: webob.Response) -> None:
    """Send a response that nothing follows. Raises LocalProtocolError for one that cannot be sent
    as it is; never after something was sent."""
    body = response.app_iter
    if type(body) is list:
        if response.conditional_response:
            response = _conditional(exchange, response)
            body = list(response.app_iter)
        data = body[0] if len(body) == 1 else b"".join(body)
        exchange.sink.whole(exchange, response, data)
    else:
        run = Run(exchange, iter(()))
        run.hold(response)
        run.go()


def failure(error: BaseException) -> Exception:
    """What a handler raised, as something that can be answered: even SystemExit is its failure,
    and not the end of the server. KeyboardInterrupt is raised again."""
    if isinstance(error, Exception):
        return error
    if isinstance(error, KeyboardInterrupt):
        raise error
    wrapped = RuntimeError(f"the handler raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped


def _without_length(response: webob.Response) -> webob.Response:
    """The head of a response whose Content-Length is not that of all that is sent. The response
    itself is the author's, who may answer with it again."""
    headers = [field for field in response.headerlist if field[0].lower() != "content-length"]
    return webob.Response(status=response.status, headerlist=headers, app_iter=())


def _conditional(exchange: Exchange, response: webob.Response) -> webob.Response:
    """What WebOb makes of If-None-Match, If-Modified-Since and Range; the response itself where a
    request has none of them."""
    request = exchange.request
    if not any(name in request.environ for name in CONDITIONS):
        return response
    try:
        status, headers, body = request.call_application(response)
    except (ValueError, OverflowError):
        # A date that WebOb cannot do with, such as one in the year 99999, is to be ignored (RFC
        # 9110, section 13.1.3).
        without = request.copy_get()
        for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range"):
            without.headers.pop(name, None)
        status, headers, body = without.call_application(response)
    return webob.Response(status=status, headerlist=headers, app_iter=body)


def _parts(body: Any, exchange: Exchange) -> Iterator[Any]:
    """The parts of a body that is made bit by bit (a file, a generator), and its end."""
    try:
        parts = file_parts(body) if can_send_files(exchange) else None
        if parts is not None:
            for part in parts:
                if not part.is_fetched:
                    yield from in_thread(part.fetch)
                yield part
            return
        for part in body:  # and not `yield from`, which closes a body too
            if not isinstance(part, (bytes, bytearray, memoryview)):
                kind = type(part).__name__
                raise TypeError(f"the body of a Response has {kind} in it, not bytes")
            yield part
    finally:
        close_body(body)


class Run:
    """Steps a handler's generator, obeys what it yields, and sends what it answers.

    Before the answer, what it yields is a turn for others (None, a number), something to wait for
    (`sleep`, `in_thread`, WaitComplete), components to start (newComponent), or the answer. After
    it, `bytes` and `str` are parts of its body. With `finishes` it goes on to its end although its
    client is gone. A first answer is held back for one step: a
    handler that ends then is answered in one piece. What cannot be done is raised in the handler,
    at the yield that asked for it.
    """

    __slots__ = (
        "_closed",
        "_coroutine",
        "_exchange",
        "_first",
        "_held",
        "_length",
        "_paused",
        "_refused",
        "_started",
        "_stepping",
    )

    def __init__(
        self, exchange: Exchange, generator: Iterator[Any], finishes: bool = False
    ) -> None:
        self._exchange = exchange
        self._coroutine = Coroutine(generator)
        self._held: webob.Response | None = None
        self._first = b""  # what there is of the body of a held answer
        self._length: int | None = None
        self._refused: Exception | None = None
        self._started = False
        self._stepping = False
        self._closed = False
        self._paused = False
        exchange.on_gone = self._go_on_alone if finishes else self.close

    def go(self) -> None:
        """Step until it has to wait, has had its turn, or is at its end."""
        for _ in range(TURN):
            if self._closed:
                return
            try:
                value = self._step()
            except StopIteration as end:
                self._end(end.value)
                return
            except BaseException as error:
                self._fail(failure(error))
                return
            if self._closed:
                self.close()  # the client went while the handler was at work
                return
            if not self._taken(value):
                return
        self._exchange.sink.later(self.go)

    def resume(self, value: Any) -> None:
        """Go on after a first step was made elsewhere and yielded `value`."""
        if self._taken(value):
            self.go()

    def _step(self) -> Any:
        error, self._refused = self._refused, None
        self._stepping = True
        try:
            return self._coroutine.step() if error is None else self._coroutine.throw(error)
        finally:
            self._stepping = False

    def hold(self, response: webob.Response) -> None:
        """Take `response` for the answer. It has gone through the rules."""
        if response.conditional_response:
            response = _conditional(self._exchange, response)
        body = response.app_iter
        length = response.content_length
        if isinstance(body, (list, tuple)):
            self._first = b"".join(body)
            # WebOb's own count of what it has: if anything is sent in parts, there is more of it.
            self._length = None if length == len(self._first) else length
        else:
            self._length = length
            self._coroutine.wait_complete(WaitComplete(_parts(body, self._exchange)))
        self._held = response

    def close(self) -> None:
        """The client is gone: end the generator where it stands."""
        self._closed = True
        if not self._stepping:
            try:
                self._coroutine.close()
            except Exception as error:
                log.error("%s failed at its end", self._exchange, exc_info=error)

    def _go_on_alone(self) -> None:
        """The client is gone: answer to nobody, at once even if the client had had enough."""
        if not Unattended.take(self._exchange):
            self.close()
        elif self._paused:
            self._exchange.sink.later(self._drained)

    # What was yielded.

    def _taken(self, value: Any) -> bool:
        """Do what a yielded value asks for, or have the next step raise why not; returns whether
        to go on at once."""
        try:
            return self._take(value)
        except Exception as error:
            self._refused = error
            return True

    def _take(self, value: Any) -> bool:
        if value is None or type(value) is int:
            if self._open():
                self._exchange.sink.later(self.go)
            return False
        if isinstance(value, ipc):
            return self._obey(value)
        if self._held is None and not self._started:
            self.hold(self._exchange.rules.answer(self._exchange, value))
            return True
        if isinstance(value, str):
            value = value.encode("utf-8")
        elif isinstance(value, FilePart):
            self._open()
            return self._send_part(value)
        elif not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"the handler yielded {type(value).__name__} ({value!r:.80}) after its answer; "
                "what follows an answer is bytes or str of its body"
            )
        self._open()
        return self._send(bytes(value))

    def _obey(self, request: ipc) -> bool:
        if isinstance(request, Waiting):
            if not self._open():
                return False  # it is yielded again at the next step
            request.begin(self.go)
            return request.done
        if isinstance(request, WaitComplete):
            self._coroutine.wait_complete(request)
        elif isinstance(request, EarlyHints):
            self._hint(request)
        elif isinstance(request, newComponent):
            for component in request.components():
                component.activate()
        else:
            raise TypeError(f"a handler cannot yield {type(request).__name__}")
        return True

    def _hint(self, hints: EarlyHints) -> None:
        if self._held is not None or self._started:
            raise TypeError("early hints come before the answer, and it has begun")
        sink = self._exchange.sink
        if isinstance(sink, Hinting):
            sink.interim(self._exchange, "103 Early Hints", hints.headers)

    # The answer.

    def _open(self) -> bool:
        """Begin a held answer, as more of it may be long in coming. False: do not go on now, as
        the client has enough, or wants no body."""
        response, self._held = self._held, None
        if response is None:
            return True
        exchange = self._exchange
        if self._length is None and response.content_length is not None:
            response = _without_length(response)
        wanted = exchange.sink.start(exchange, response, self._length)
        self._started = True
        if not wanted:
            self.close()
            exchange.sink.end(exchange)
            return False
        return self._send(self._first)

    def _send(self, data: bytes) -> bool:
        """Send a part of the body; False if the client has enough of it for now."""
        if self._closed:
            return False
        exchange = self._exchange
        if not data or exchange.sink.data(exchange, data):
            return True
        return self._pause()

    def _send_part(self, part: FilePart) -> bool:
        """Send a part of a file; False if the client has enough for now."""
        if self._closed:
            return False
        sink: Any = self._exchange.sink  # one that can
        return sink.part(self._exchange, part) or self._pause()

    def _pause(self) -> bool:
        self._paused = True
        self._exchange.on_drain = self._drained
        return False

    def _drained(self) -> None:
        """The client wants more of the answer."""
        self._paused = False
        self.go()

    def _end(self, value: Any) -> None:
        """The generator has returned."""
        exchange = self._exchange
        if self._closed:
            return
        try:
            if self._started:
                exchange.sink.end(exchange)
                return
            if self._held is None:
                self.hold(exchange.rules.answer(exchange, value))
                self.go()  # its body may have to be made yet
                return
            exchange.sink.whole(exchange, self._held, self._first)
        except Exception as error:
            exchange.fail(error)

    def _fail(self, error: Exception) -> None:
        """The generator has raised, or has yielded what cannot be."""
        if self._closed:
            log.error("%s failed after its client had gone", self._exchange, exc_info=error)
            return
        self._exchange.on_gone = None
        self.close()
        self._exchange.fail(error)
