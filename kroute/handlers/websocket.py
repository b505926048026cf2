"""WebSocketHandler: a component's inbox and outbox, or a generator, as a WebSocket."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, cast

import webob
import webob.exc
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..http import Close, Exchange, Upgradable, WebSocketFrames, accept_websocket
from ..routing import HandlerTable, Place, RouteError
from ..scheduler import ReactiveComponent, Timer, get_scheduler
from .binding import bind
from .ending import end, hold, release
from .function import is_generator_function
from .gate import Gate
from .keeper import restarts_of
from .making import Factory, MakesComponents, Making, options_of

__all__ = ["Disconnected", "WebSocket", "WebSocketHandler", "WebSocketTerms"]

log = logging.getLogger("kroute.handlers")


@dataclass(frozen=True)
class WebSocketTerms:
    """What holds for all WebSockets of one path.

    subprotocols: those that are spoken, best first. origins: whose pages may connect ("https://
    example.org"), None for all. compress: whether messages may be. max_message: bytes of one.
    ping: seconds between pings, None for none; a client that does not answer one before the next
    is cut off. backlog, backlog_bytes: of messages that wait for a slow client before it is cut
    off. grace: seconds for the other side's close, and for the component's own end.
    """

    subprotocols: Sequence[str] = ()
    origins: Collection[str] | None = None
    compress: bool = True
    max_message: int = 1024 * 1024
    ping: float | None = 20.0
    backlog: int = 1000
    backlog_bytes: int = 16 * 1024 * 1024
    grace: float = 2.0


class Disconnected(Exception):
    """The other side of a WebSocket is gone. Raised by `WebSocket.receive`."""


class WebSocket:
    """A WebSocket in the hands of a generator. subprotocol: the one that was agreed on."""

    def __init__(self, part: _GeneratorPart) -> None:
        self._part = part
        self.subprotocol: str | None = None

    def receive(self) -> Generator[int, None, str | bytes]:
        """The next message; for `yield from`. Raises Disconnected when there are no more."""
        part = self._part
        while not part.dataReady("inbox"):
            if part.dataReady("control"):
                raise Disconnected
            part.pause()
            yield 1
        message: str | bytes = part.recv("inbox")
        return message

    def send(self, message: Any) -> None:
        """Send str as text, bytes as they are, anything else as JSON."""
        self._part.send(message, "outbox")

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close; what was sent before arrives before."""
        self._part.send(Close(code, reason), "outbox")


class _GeneratorPart(component):
    """Runs a generator handler: `chat(request, ws)`."""

    def __init__(self, start: Callable[[WebSocket], Iterator[Any]]) -> None:
        super().__init__()
        self.websocket = WebSocket(self)
        self.note: Callable[[Exception], None] | None = None
        self._start = start

    def main(self) -> Iterator[Any]:
        try:
            yield from self._start(self.websocket)
        except Disconnected:
            return
        except Exception as error:
            if self.note is not None:
                self.note(error)
            raise


class _GeneratorMaking(Making):
    """Makes a component of a generator function.

    Raises RouteError where that does not take the WebSocket.
    """

    def __init__(self, function: Callable[..., Any], path: str) -> None:
        parameters = inspect.signature(function).parameters.values()
        if not any(each.name == "ws" or each.kind is each.VAR_KEYWORD for each in parameters):
            problem = f"{_name(function)}() has no parameter 'ws', which gets the WebSocket"
            raise RouteError(problem, path=path, place=Place.of(function))
        self._function = function
        super().__init__(partial(function, ws=None), path)

    def bound(self, table: HandlerTable[Any]) -> Making:
        making = _GeneratorMaking(self._function, table.path)
        making.binding = bind(self._factory, table)
        return making

    def __call__(self, request: webob.Request, variables: dict[str, Any]) -> component:
        variables = self.binding.convert(variables)
        return _GeneratorPart(lambda ws: self._function(request, ws=ws, **variables))


def _name(function: Any) -> str:
    return getattr(function, "__name__", None) or repr(function)


class WebSocketHandler(MakesComponents):
    """Accepts WebSockets and has a component, or a generator, at the other end of each.

    max_concurrent, max_queued: how many at a time, None for any number, and how many handshakes
    wait for one of them to end; any more are answered 503. restart: "on_failure" has another
    component go on after one that failed; after max_restarts of them `within` so many seconds,
    the WebSocket is closed, and handshakes are answered 503.
    """

    def __init__(
        self,
        factory: Factory,
        path: str,
        *,
        max_concurrent: int | None = None,
        max_queued: int = 0,
        restart: str = "never",
        max_restarts: int = 5,
        within: float = 60.0,
        **terms: Any,
    ) -> None:
        if is_generator_function(factory) and not inspect.isclass(factory):
            self.make = _GeneratorMaking(factory, path)
        else:
            super().__init__(factory, path)
        self._terms: WebSocketTerms = options_of(WebSocketTerms, path, terms)
        self._restarts = restarts_of(path, restart, max_restarts, within)
        bounds = {"max_concurrent": max_concurrent, "max_queued": max_queued}
        self._gate = options_of(Gate, path, bounds)

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            self._restarts.refuse(monotonic())
            self._gate.enter(exchange, lambda: self._run(exchange, variables))
        except Exception as error:
            exchange.fail(error)

    def _run(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        try:
            if not hasattr(exchange.sink, "upgrade"):
                raise webob.exc.HTTPNotImplemented(
                    "A WebSocket needs the connection itself, which this server does not hand "
                    "over; kroute's own does."
                )
            terms = self._terms
            response, frames = accept_websocket(
                exchange.request,
                terms.subprotocols,
                terms.origins,
                terms.compress,
                terms.max_message,
            )
            make = partial(self._make, exchange, variables, frames.subprotocol)
            socket = Socket(exchange, make(), frames, terms, self._gate.leave)
            if self._restarts.supervision.restart == "on_failure":
                socket.again = partial(self._again, exchange, make)
            answer = exchange.rules.answer(exchange, response)
            socket.sink.upgrade(exchange, answer, socket.receive)
            socket.activate(Scheduler=get_scheduler())
        except Exception as error:
            self._gate.leave()
            exchange.fail(error)

    def _make(
        self, exchange: Exchange, variables: dict[str, Any], subprotocol: str | None
    ) -> component:
        part = self.make(exchange.request, variables)
        if isinstance(part, _GeneratorPart):
            part.websocket.subprotocol = subprotocol
            part.note = exchange.note
        return part

    def _again(self, exchange: Exchange, make: Callable[[], component]) -> component | None:
        """Another component, after one that failed, if there may be one."""
        if not self._restarts.again(exchange):
            return None
        try:
            return make()
        except Exception as error:
            log.error("%s: %r failed", exchange, self.make, exc_info=error)
            return None


class Socket(ReactiveComponent):
    """Between the bytes of a WebSocket and a component.

    Messages come and go as str and bytes. While the client has enough, the component and its
    children have no time slices; while the component does not take its messages, the client's
    socket is not read. It stays until the component has ended, which it is made to.

    again: called after a component that failed; returns another one, that goes on, or None. None
    closes the WebSocket at once.
    """

    Inboxes = {
        "inbox": "messages to the client: str, bytes, anything that JSON can say; Close: the end",
        "control": "producerFinished: close with 1000; shutdownMicroprocess: close with 1011",
    }
    Outboxes = {
        "outbox": "messages from the client: str, bytes",
        "signal": "producerFinished: the client has closed; shutdownMicroprocess: it is gone",
    }

    READ_AHEAD = 16
    """Messages that wait in the inbox of a component."""

    def __init__(
        self,
        exchange: Exchange,
        part: component,
        frames: WebSocketFrames,
        terms: WebSocketTerms,
        over: Callable[[], None],
    ) -> None:
        super().__init__()
        self.sink = cast(Upgradable, exchange.sink)
        self._exchange = exchange
        self._part = part
        self._frames = frames
        self._terms = terms
        self._call_over = over
        self.again: Callable[[], component | None] | None = None
        self._alive = False  # whether the component is
        self._failed = False  # it has said so
        self._connected = True  # whether the client is
        self._told = False  # the component, that there are no more messages
        self._meant: Iterator[str | bytes | Close] = iter(())  # what came and was not looked at
        self._looking = False
        self._came: str | bytes | None = None  # a message that there was no room for
        self._going: list[bytes] = []
        self._going_bytes = 0
        self._waiting = False  # for the client
        self._stalled = False  # the client waits for the component
        self._held: list[component] = []
        self._timers: dict[str, Timer] = {}
        self._heard = True  # of the client, since the last ping
        self.outboxes["outbox"].myNotifyOnPop.append(self._go_on)
        exchange.on_gone = self._gone
        exchange.on_leave = self._leave

    # The component's life.

    def on_start(self) -> None:
        if not self._connected and self._came is None:
            self.finish()  # the client is gone already
            return
        self._begin(self._part)
        if self._terms.ping is not None:
            self._after("ping", self._terms.ping, self._ping)
        self._go_on()
        if not self._connected:
            self._tell(shutdownMicroprocess(self))

    def _begin(self, part: component) -> None:
        self._part = part
        self.link((part, "outbox"), (self, "inbox"))
        self.link((self, "outbox"), (part, "inbox"))
        self.link((self, "signal"), (part, "control"))
        if "signal" in part.outboxes:
            self.link((part, "signal"), (self, "control"))
        part._callOnCloseDown.append(self._part_ended)
        part.activate(Scheduler=self.home)
        self._alive = True

    def on_end(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        release(self._held, self.home)
        if self._alive:
            end(self._part, self.home)
        if self._connected:
            self.sink.cut(self._exchange)
        self._call_over()

    def _part_ended(self) -> None:
        """The component has ended; all that it sent is here."""
        self._alive = False
        self._arrived()
        if self._failed and self.again is not None and self._frames.open and not self._told:
            another = self.again()
            if another is not None:
                self._go_on_with(another)
                return
        self._close(Close(1011 if self._failed else 1000))
        self._go_on()
        self._finish_if_over()

    def _go_on_with(self, part: component) -> None:
        """Have another component in the place of one that failed. What that one had not read of
        its messages is lost with it."""
        self._failed = False
        if "end" in self._timers:
            self._timers.pop("end").cancel()
        self.unlink(thecomponent=self._part)
        release(self._held, self.home)
        self._begin(part)
        self._go_on()

    def _tell(self, message: object) -> None:
        """Tell the component that there are no more messages; then it has its time to end."""
        if not self._told and hasattr(self, "home"):
            self._told = True
            release(self._held, self.home)
            self.send(message, "signal")
            if self._alive:
                self._after("end", self._terms.grace, lambda: end(self._part, self.home))

    def _after(self, name: str, seconds: float, callback: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self.home.call_later(seconds, callback)

    # In: from bytes to messages.

    def receive(self, data: bytes) -> bool:
        """What the client sends. See `Upgradable`."""
        self._heard = True
        self._meant = self._frames.feed(data)
        self._look()
        return not self._stalled

    def _look(self) -> None:
        """See what came, up to the first message that the component has no room for: behind it
        may be many, which are a thousand times as long as the bytes that they are packed into."""
        if self._looking:
            return
        self._looking = True
        self._bring()
        while self._came is None:
            meant = next(self._meant, None)
            if meant is None:
                break
            if isinstance(meant, Close):
                self._closed_by_client(meant)
            else:
                self._came = meant
                self._bring()
        self._answer()
        self._looking = False
        self._stalled = self._came is not None

    def _answer(self) -> None:
        """Send what frames ask for by themselves: pongs, the acknowledgement of a close."""
        out, self._frames.out = self._frames.out, []
        for data in out:
            self._send(data)

    def _bring(self) -> None:
        """Give what came to the component, if it has room; after its end, to nobody."""
        if not self._alive:
            if hasattr(self, "home"):
                self._came = None
            return
        box = self.outboxes["outbox"].sink
        room = min(box.size or self.READ_AHEAD, self.READ_AHEAD)
        if self._came is not None and len(box) < room:
            message, self._came = self._came, None
            self.send(message, "outbox")

    def _go_on(self) -> None:
        """The component has taken a message, or will take none any more."""
        if self._stalled:
            self._look()
            if not self._stalled and self._connected:
                self.home.call_soon(lambda: self.sink.more(self._exchange))

    def _closed_by_client(self, close: Close) -> None:
        """The end, by the client's will or fault."""
        log.debug("%s: closed by %s %s", self._exchange, close.code, close.reason)
        self._answer()
        self._disconnect()
        self._tell(producerFinished(self))

    def _disconnect(self) -> None:
        """Both sides have said that this is the end: close the connection."""
        if self._connected:
            self._connected = False
            self._exchange.on_gone = self._exchange.on_leave = None
            if self._going:
                self.sink.data(self._exchange, b"".join(self._going))
                self._going.clear()
            self.sink.end(self._exchange)
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        if not self._alive and not self._connected and hasattr(self, "home"):
            self.finish()

    def _gone(self) -> None:
        """The client has gone without a word."""
        self._connected = False
        if hasattr(self, "home"):
            self._tell(shutdownMicroprocess(self))
        self._finish_if_over()

    # Out: from messages to bytes.

    def react(self) -> None:
        """Send what the component sent."""
        while self.dataReady("inbox"):
            message = self.recv("inbox")
            try:
                self._take(message)
            except Exception as error:
                log.error("%s: %s failed", self._exchange, self._part.name, exc_info=error)
                self._close(Close(1011))
        while self.dataReady("control"):
            message = self.recv("control")
            if isinstance(message, shutdownMicroprocess):
                self._has_failed()
            elif isinstance(message, producerFinished):
                self._close(Close())

    def _has_failed(self) -> None:
        """The component says so; it ends now, or is made to."""
        self._failed = True
        if self.again is None:
            self._close(Close(1011))
        elif self._alive:
            self._after("end", self._terms.grace, lambda: end(self._part, self.home))

    def _take(self, message: Any) -> None:
        """One message of the component. Raises TypeError where JSON cannot say it."""
        if isinstance(message, Close):
            self._close(message)
        elif isinstance(message, (str, bytes)):
            self._send(self._frames.message(message))
        elif isinstance(message, (bytearray, memoryview)):
            self._send(self._frames.message(bytes(message)))
        else:
            self._send(self._frames.message(json.dumps(message)))

    def _send(self, data: bytes) -> None:
        """Send, or keep it until the client has taken what it has."""
        if not self._connected or not data:
            return
        if self._waiting:
            self._going.append(data)
            terms = self._terms
            self._going_bytes += len(data)
            if len(self._going) > terms.backlog or self._going_bytes > terms.backlog_bytes:
                log.warning("%s: the client is too slow; cut off", self._exchange)
                self.sink.cut(self._exchange)
        elif not self.sink.data(self._exchange, data):
            self._waiting = True
            self._exchange.on_drain = self._drained
        if self._waiting and self._alive and not self._told:
            # Again for every message: a chassis starts its children when it likes.
            self._held = hold(self._part, self.home)

    def _drained(self) -> None:
        self._waiting = False
        data = b"".join(self._going)
        self._going.clear()
        self._going_bytes = 0
        self._send(data)
        if not self._waiting:
            release(self._held, self.home)

    def _close(self, close: Close) -> None:
        """Say that this is the end, and wait for the client to say so, too."""
        if not self._frames.open:
            return
        self._send(self._frames.close(close))
        if self._connected:
            self._after("close", self._terms.grace, self._disconnect_late)

    def _disconnect_late(self) -> None:
        self._disconnect()
        self._tell(shutdownMicroprocess(self))

    def _leave(self) -> None:
        """The server stops."""
        if hasattr(self, "home"):
            self._close(Close(1001, "the server stops"))
            self._tell(shutdownMicroprocess(self))

    def _ping(self) -> None:
        """Ask the client whether it is there; cut it off if nothing came of it since last time,
        unless it is for us that nothing does."""
        assert self._terms.ping is not None
        if not self._connected:
            return
        if not (self._heard or self._stalled):
            log.info("%s: the client answers no pings; cut off", self._exchange)
            self.sink.cut(self._exchange)
            return
        self._heard = False
        self._send(self._frames.ping())
        self._after("ping", self._terms.ping, self._ping)


__kamaelia_components__ = (Socket,)
