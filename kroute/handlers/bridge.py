"""Bridge: a component between an exchange and the component that answers it."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import webob
import webob.exc
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..http import Exchange, Response, Streaming
from ..scheduler import ReactiveComponent, Timer
from .ending import end, hold, release
from .kamaelia import head_of
from .run import deliver
from .unattended import ON_DISCONNECT, Unattended

__all__ = ["Bridge", "Terms"]

log = logging.getLogger("kroute.handlers")

CHUNK = 65536
"""Bytes of the body of a request in one message."""


@dataclass(frozen=True)
class Terms:
    """What holds for all components behind one mount.

    status, content_type, headers: of an answer that begins with plain data. encode: makes bytes,
    str or a Response of each message. text: parts of a request's body arrive as str. timeout:
    seconds until the answer has to begin. grace: seconds that a component has for its own end.
    backlog: messages that wait for a slow client while the component is held; what is sent to it
    by others may become more, and then it is cut off. on_disconnect: "stop" tells a component to
    shut down when its client goes away, "finish" lets it come to its end.
    """

    status: int = 200
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    encode: Callable[[Any], Any] | None = None
    text: bool = False
    timeout: float | None = 30.0
    grace: float = 2.0
    backlog: int = 1000
    on_disconnect: str = "stop"

    def __post_init__(self) -> None:
        if self.on_disconnect not in ON_DISCONNECT:
            known = " and ".join(ON_DISCONNECT)
            raise ValueError(f"on_disconnect={self.on_disconnect!r}: there are {known}")

    def response(self) -> webob.Response:
        """The head of an answer that begins with plain data."""
        response = Response(b"", self.status, content_type=self.content_type)
        response.headers.update(list(self.headers.items()))
        return response


class Bridge(ReactiveComponent):
    """Feeds a component with the body of a request and answers with what it sends.

    What comes in one cycle of the scheduler is sent together; an answer that is complete within
    two goes out in one piece. While the client has enough, the component and its children have no
    time slices. The bridge stays until the component has ended; it is made to after a grace time.

    exchange, part: the request and its component, which was not activated. over: called once, when
    nothing is left of all this. again: called if the component failed before anything was sent;
    returns whether somebody else answers. max_body: bytes, of a body that was not received yet;
    the bridge is its `BodyTaker`, and the client sends no faster than the component takes it.
    """

    Inboxes = {
        "inbox": "the answer: a Response first, or plain data; then more data",
        "control": "producerFinished: it is complete; shutdownMicroprocess: it never will be",
    }
    Outboxes = {
        "outbox": "parts of the body of the request",
        "signal": "producerFinished: that was all; shutdownMicroprocess: the client is gone",
    }

    READ_AHEAD = 4
    """Parts of the body that wait in the inbox of a component."""

    def __init__(
        self,
        exchange: Exchange,
        part: component,
        terms: Terms,
        over: Callable[[], None] | None = None,
        again: Callable[[], bool] | None = None,
        max_body: int | None = None,
    ) -> None:
        super().__init__()
        self._exchange = exchange
        self._part = part
        self._terms = terms
        self._call_over = over
        self._again = again
        self._max_body = max_body
        self._alive = False  # whether the component is
        self._body: Any = None  # a file, where all of it is there
        self._receiving = False  # it is given to us as it comes
        self._stalled = False  # the client waits for the component
        self._decode: Callable[[bytes, bool], str] | None = None
        self._response: webob.Response | None = None  # the head that was not sent yet
        self._opened = False
        self._early = True
        self._complete = False
        self._answered = False
        self._dropped = False
        self._pending: list[bytes] = []
        self._flushing = False
        self._waiting = False  # for the client
        self._held: list[component] = []
        self._timer: Timer | None = None
        self.outboxes["outbox"].myNotifyOnPop.append(self._feed)
        finish = terms.on_disconnect == "finish"
        exchange.on_gone = self._go_on_alone if finish else self._dismiss

    # The component's life.

    def on_start(self) -> None:
        if self._answered:  # the client is gone already
            self.finish()
            return
        part = self._part
        for theirs, ours in (("outbox", "inbox"), ("signal", "control")):
            if theirs in part.outboxes:
                self.link((part, theirs), (self, ours))
        for ours, theirs in (("outbox", "inbox"), ("signal", "control")):
            if theirs in part.inboxes:
                self.link((self, ours), (part, theirs))
        part._callOnCloseDown.append(self._part_ended)
        part.activate(Scheduler=self.home)
        self._alive = True
        self._await_answer()
        self._begin_body()

    def on_end(self) -> None:
        """Whatever ended the bridge, nobody is left waiting for it."""
        if not self._answered:
            self._fail("its bridge ended")
        self._later(None, None)
        if self._alive:
            end(self._part, self.home)
        if self._call_over is not None:
            self._call_over()

    def _later(self, seconds: float | None, callback: Callable[[], None] | None) -> None:
        """Call `callback` in `seconds`, and not what was to be called before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and callback is not None:
            self._timer = self.home.call_later(seconds, callback)

    def _await_answer(self) -> None:
        """Begin to count the time that the component has for its answer."""
        if self._terms.timeout is not None and not (self._opened or self._answered):
            self._later(self._terms.timeout, self._timed_out)

    def _part_ended(self) -> None:
        """The component has ended; all that it sent is here."""
        self._alive = False
        self._complete = True
        if self._answered:
            self.finish()
        else:
            self._flush_soon()

    def _dismiss(self, tell: bool = True) -> None:
        """The exchange is over: see to it that the component is soon, too."""
        if self._answered:
            return
        self._answered = True
        self._pending.clear()
        if not hasattr(self, "home"):
            return  # it never ran; `on_start` ends it
        release(self._held, self.home)
        if not self._alive:
            self.finish()
            return
        self._later(self._terms.grace, self._end_part)
        if tell:
            self.send(shutdownMicroprocess(self), "signal")

    def _go_on_alone(self) -> None:
        """The client is gone: let the component come to its end, for nobody."""
        if not Unattended.take(self._exchange):
            self._dismiss()
        elif self._waiting:
            self._exchange.sink.later(self._drained)

    def _end_part(self) -> None:
        log.info("%s: %s did not end by itself", self._exchange, self._part.name)
        end(self._part, self.home)

    # In: the body of the request.

    def _begin_body(self) -> None:
        """Bring the body, or its end. A GET without one has none to end either: many a component
        takes that for its own end, and the answer to a GET is often all there is to it."""
        exchange = self._exchange
        environ = exchange.request.environ
        has_body = exchange.has_body or environ.get("CONTENT_LENGTH") not in (None, "", "0")
        if not has_body and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return
        if self._terms.text:
            charset = exchange.request.charset or "utf-8"
            self._decode = codecs.getincrementaldecoder(charset)("replace").decode
        if exchange.has_body:
            sink = cast(Streaming, exchange.sink)
            self._receiving = self._stalled = True
            sink.stream(exchange, self._max_body, self)
        else:
            self._body = environ["wsgi.input"]
        self._feed()

    def _room(self) -> bool:
        """Whether the component has room for another part."""
        box = self.outboxes["outbox"].sink
        return len(box) < min(box.size or self.READ_AHEAD, self.READ_AHEAD)

    def _feed(self) -> None:
        """Send parts of the body while there is room for them, or ask for more of it."""
        while self._body is not None and self._room():
            data = self._body.read(CHUNK)
            if not data:
                self._body = None
            self._pass(data)
        if self._stalled and not self._answered and self._room():
            self._stalled = False
            self._later(None, None)  # it is the client who is waited for
            cast(Streaming, self._exchange.sink).more(self._exchange)

    def _pass(self, data: bytes) -> None:
        """Send a part of the body to the component; b"" is the end."""
        message = data if self._decode is None else self._decode(data, not data)
        if message:
            self.send(message, "outbox")
        if not data:
            self.send(producerFinished(self), "signal")

    def take(self, data: bytes) -> bool:
        """See `BodyTaker`."""
        if self._answered or not self._alive:
            return True  # nobody wants it
        self._receiving = bool(data)
        self._pass(data)
        self._stalled = self._receiving and not self._room()
        if self._stalled or not self._receiving:
            self._await_answer()
        return not self._stalled

    def fail(self, error: Exception) -> None:
        """See `BodyTaker`."""
        self._raised(error)

    # Out: the answer.

    def react(self) -> None:
        """Take what the component sent."""
        while self.dataReady("inbox"):
            message = self.recv("inbox")
            if self._answered or self._complete:
                self._drop(message)
                continue
            try:
                self._take(message)
            except Exception as error:
                self._raised(error)
        while self.dataReady("control"):
            message = self.recv("control")
            if self._answered:
                continue
            if isinstance(message, shutdownMicroprocess):
                self._fail("it failed")
            elif isinstance(message, producerFinished):
                self._complete = True
                self._flush_soon()

    def _drop(self, message: object) -> None:
        if not self._dropped:
            self._dropped = True
            if self._complete:
                log.warning(
                    "%s: %s sent %.60r after its end", self._exchange, self._part.name, message
                )

    def _take(self, message: Any) -> None:
        """One message of the answer. Raises what the author's own parts of that raise."""
        if self._terms.encode is not None and not isinstance(message, webob.Response):
            message = self._terms.encode(message)
        if isinstance(message, webob.Response) and not self._opened:
            self._open(message)
        else:
            self._take_data(message)
        if self._waiting and len(self._pending) > self._terms.backlog:
            log.warning("%s: the client is too slow for %s", self._exchange, self._part.name)
            self._exchange.sink.cut(self._exchange)
            return
        self._flush_soon()

    def _open(self, response: webob.Response) -> None:
        self._opened = True
        self._later(None, None)
        self._response = self._exchange.rules.answer(self._exchange, response)

    def _take_data(self, message: Any) -> None:
        """Data, plain or in a message as Kamaelia's request handlers send it. In the first of
        those stands the head, too."""
        resource = message if isinstance(message, dict) else None
        data = _as_bytes(message if resource is None else resource.get("data", b""))
        if not self._opened:
            self._open(self._terms.response() if resource is None else head_of(resource))
        self._pending.append(data)

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.home.call_soon(self._flush)

    def _flush(self) -> None:
        """Send what came in this cycle."""
        self._flushing = False
        if self._answered or (self._waiting and not self._complete):
            return
        if self._response is not None and not self._complete and self._early:
            # Many a component sends all it has, yields, and ends: it has a cycle for that.
            self._early = False
            self._flush_soon()
            return
        try:
            if self._complete and not self._opened:
                self._open(self._terms.response())
            if self._response is None or self._start(self._response):
                self._send()
        except Exception as error:
            self._raised(error)

    def _start(self, response: webob.Response) -> bool:
        """Begin the answer; returns whether more is to be sent of it."""
        exchange = self._exchange
        self._response = None
        body = response.app_iter
        if not isinstance(body, (list, tuple)):  # made bit by bit: it is the whole answer
            self._dismiss()
            deliver(exchange, response)
            return False
        length = response.content_length
        own = sum(map(len, body))
        if self._complete and self._pending:
            body = [*body, *self._pending]
        if self._complete and length in (None, own, sum(map(len, body))):
            response.app_iter = list(body)
            self._dismiss(tell=False)
            deliver(exchange, response)
            return False
        self._pending[:0] = body
        length = None if length == own else length
        if length is None:
            del response.content_length
        if not exchange.sink.start(exchange, response, length):
            self._dismiss()
            exchange.sink.end(exchange)
            return False
        return True

    def _send(self) -> None:
        """Send parts of the body, and its end, if that has come."""
        exchange = self._exchange
        data = b"".join(self._pending)
        self._pending.clear()
        more = not data or exchange.sink.data(exchange, data)
        if self._answered:
            return
        if self._complete:
            self._dismiss(tell=False)
            exchange.sink.end(exchange)
        elif not more:
            self._waiting = True
            exchange.on_drain = self._drained
            self._held = hold(self._part, self.home)

    def _drained(self) -> None:
        self._waiting = False
        release(self._held, self.home)
        self._flush()

    # When it goes wrong.

    def _timed_out(self) -> None:
        log.warning("%s: %s did not answer in time", self._exchange, self._part.name)
        self._dismiss()
        self._exchange.fail(webob.exc.HTTPGatewayTimeout("It took too long to answer."))

    def _raised(self, error: Exception) -> None:
        """What the component sent cannot be an answer."""
        if not self._answered or not self._exchange.done:
            self._dismiss()
            self._exchange.fail(error)

    def _fail(self, why: str) -> None:
        """The component has failed. Its traceback is in the log already."""
        log.error("%s: no answer by %s: %s", self._exchange, self._part.name, why)
        self._dismiss()
        exchange = self._exchange
        if exchange.started:
            exchange.sink.cut(exchange)
        elif self._again is None or not self._again():
            exchange.fail(webob.exc.HTTPInternalServerError())


def _as_bytes(message: Any) -> bytes:
    if isinstance(message, str):
        return message.encode("utf-8")
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message)
    raise TypeError(
        f"the component sent {type(message).__name__} ({message!r:.80}); an answer is a Response "
        "first, or bytes and str; encode=function makes one of anything else"
    )


__kamaelia_components__ = (Bridge,)
