"""EventsHandler: what a component sends, as Server-Sent Events; Event: one of them.

The format is that of the HTML standard, section 9.2 ("Server-sent events").
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from Axon.Component import component

from ..http import Exchange, Request, Response
from ..scheduler import Timer, get_scheduler
from .gate import Gate
from .keeper import Keeper, Supervision
from .making import Factory, MakesComponents, options_of

__all__ = ["Event", "EventTerms", "EventsHandler"]

log = logging.getLogger("kroute.handlers")

LINE_END = re.compile(r"\r\n|\r|\n")
HEADERS = [
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-cache"),
    ("X-Accel-Buffering", "no"),  # nginx holds answers back otherwise
]
COMMENT = b":\n\n"


@dataclass(frozen=True)
class Event:
    """One event. data: str, or anything that JSON can say. event: its name, "message" if there is
    none. id: what a client that lost its connection names when it is back; given by kroute if
    there is none. retry: milliseconds until a client that lost its connection tries again.

    Raises ValueError for an id or a name that cannot be sent.
    """

    data: Any
    event: str | None = None
    id: str | None = None
    retry: int | None = None

    def __post_init__(self) -> None:
        for name in ("event", "id"):
            value = getattr(self, name)
            if value is not None and re.search("[\r\n\0]", value):
                raise ValueError(f"{name} of an event is one line without NUL, not {value!r}")

    @classmethod
    def of(cls, message: Any) -> Event:
        """What a component sent, as an event. Raises TypeError where JSON cannot say it."""
        if isinstance(message, cls):
            return message
        return cls(message.decode("utf-8", "replace") if isinstance(message, bytes) else message)

    def encode(self, id: str | None = None) -> bytes:
        """The bytes of the event. id: for one that has none."""
        data = self.data if isinstance(self.data, str) else json.dumps(self.data)
        return _block(data, self.event, id if self.id is None else self.id, self.retry)


def _block(
    data: str, event: str | None = None, id: str | None = None, retry: int | None = None
) -> bytes:
    """The lines of an event, and the empty one that ends it."""
    block = "" if event is None else f"event: {event}\n"
    block += "data: " + LINE_END.sub("\ndata: ", data) + "\n"
    if id is not None:
        block += f"id: {id}\n"
    if retry is not None:
        block += f"retry: {int(retry)}\n"
    return (block + "\n").encode("utf-8")


@dataclass(frozen=True)
class EventTerms:
    """What holds for the event streams of one path.

    shared: one component for all who ask for the same path, made with the request of the first;
    False: one for each. replay: how many events are kept for those who come back. queue: how many
    wait for a slow subscriber; then it is cut off (slow="drop"), or misses the oldest ("skip").
    keep_alive: seconds without an event after which a comment is sent. retry: milliseconds until
    a client that lost its connection tries again. linger: seconds that the component goes on for
    nobody. grace: seconds that it has for its own end.
    """

    shared: bool = True
    replay: int = 100
    queue: int = 100
    slow: Literal["drop", "skip"] = "drop"
    keep_alive: float = 15.0
    retry: int | None = None
    linger: float = 5.0
    grace: float = 2.0

    def __post_init__(self) -> None:
        if self.slow not in ("drop", "skip"):
            raise ValueError(f"slow is 'drop' or 'skip', not {self.slow!r}")
        if self.queue < 1 or self.replay < 0 or self.keep_alive <= 0:
            raise ValueError("queue and keep_alive are positive, replay is not negative")


class EventsHandler(MakesComponents):
    """Answers with the events of a component that is made when somebody wants them.

    max_concurrent: subscribers at a time, None for any number; any more are answered 503. restart,
    max_restarts, within: see `Supervision`. subscribers: how many there are. dropped, skipped: how
    many were cut off and how many events were left out, because somebody was too slow.
    """

    def __init__(
        self,
        factory: Factory,
        path: str,
        *,
        max_concurrent: int | None = None,
        restart: str = "never",
        max_restarts: int = 5,
        within: float = 60.0,
        **terms: Any,
    ) -> None:
        super().__init__(factory, path)
        self.terms: EventTerms = options_of(EventTerms, path, terms)
        supervision = {"restart": restart, "max_restarts": max_restarts, "within": within}
        self.supervision: Supervision = options_of(Supervision, path, supervision)
        self.gate: Gate = options_of(Gate, path, {"max_concurrent": max_concurrent})
        self.lost: Counter[str] = Counter()  # one for this and all that `bound` makes of it
        self._streams: dict[object, Stream] = {}

    @property
    def subscribers(self) -> int:
        """How many there are now."""
        return sum(len(stream.subscribers) for stream in self._streams.values())

    @property
    def dropped(self) -> int:
        """Subscribers that were cut off, being too slow."""
        return self.lost["dropped"]

    @property
    def skipped(self) -> int:
        """Events that were left out for subscribers which were too slow."""
        return self.lost["skipped"]

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            self.gate.enter(exchange, lambda: self._subscribe(exchange, variables))
        except Exception as error:
            exchange.fail(error)

    def _subscribe(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        try:
            key = tuple(sorted(variables.items())) if self.terms.shared else exchange
            stream = self._streams.get(key)
            if stream is None:
                # Made here the first time, where the client can be told that it failed.
                first = [self.make(exchange.request, variables)]
                make = partial(self._make, first, exchange.request, variables)
                stream = Stream(make, self, lambda: self._streams.pop(key, None))
                self._streams[key] = stream
                stream.activate(Scheduler=get_scheduler())
        except Exception as error:
            self.gate.leave()
            exchange.fail(error)
            return
        stream.subscribe(exchange)

    def _make(
        self, first: list[component], request: Request, variables: dict[str, Any]
    ) -> component:
        return first.pop() if first else self.make(request, variables)


class Subscriber:
    """One client of a stream, and the events that it was too slow for yet."""

    __slots__ = ("_exchange", "_queue", "_stream", "_waiting", "missed")

    def __init__(self, exchange: Exchange, stream: Stream) -> None:
        self._exchange = exchange
        self._stream = stream
        self._queue: deque[bytes] = deque()
        self._waiting = False
        self.missed = 0
        exchange.on_gone = self._gone
        exchange.on_leave = self.end

    def open(self, first: bytes) -> None:
        """Begin the answer. Raises what a hook raises, or LocalProtocolError."""
        exchange = self._exchange
        response = exchange.rules.answer(exchange, Response(headerlist=list(HEADERS)))
        del response.content_length
        if exchange.sink.start(exchange, response, None):
            self.send(first)
        else:
            self.end()

    def send(self, data: bytes) -> None:
        """Send, or keep it until the client has taken what it has."""
        if not self._waiting:
            if data and not self._exchange.sink.data(self._exchange, data):
                self._waiting = True
                self._exchange.on_drain = self._drained
            return
        terms = self._stream.handler.terms
        if len(self._queue) >= terms.queue:
            if terms.slow == "drop":
                self._stream.handler.lost["dropped"] += 1
                log.warning("%s: the client is too slow; cut off", self._exchange)
                self._exchange.sink.cut(self._exchange)
                return
            self._queue.popleft()
            self.missed += 1
            self._stream.handler.lost["skipped"] += 1
        self._queue.append(data)

    def comment(self) -> None:
        """Show the client, and all that is on the way to it, that the connection is alive."""
        if not self._waiting:
            self.send(COMMENT)

    def _drained(self) -> None:
        self._waiting = False
        data = b"".join(self._queue)
        self._queue.clear()
        self.send(data)

    def end(self) -> None:
        """There are no more events."""
        self._gone()
        self._exchange.on_gone = self._exchange.on_leave = None
        if self._queue:
            self._exchange.sink.data(self._exchange, b"".join(self._queue))
        self._exchange.sink.end(self._exchange)

    def _gone(self) -> None:
        if self.missed:
            log.info("%s: the client was too slow for %s events", self._exchange, self.missed)
        self._stream.leave(self)


class Stream(Keeper):
    """Sends what one component sends to all subscribers, and keeps the last of it."""

    Inboxes = {
        "inbox": "events: Event, str, or anything that JSON can say",
        "control": "producerFinished, shutdownMicroprocess: there are no more",
    }

    def __init__(
        self,
        make: Callable[[], component],
        handler: EventsHandler,
        forget: Callable[[], object],
    ) -> None:
        super().__init__(make, handler.supervision, handler.terms.grace)
        self.handler = handler
        self._forget = forget
        self.subscribers: dict[Subscriber, None] = {}
        self._ring: deque[tuple[str, bytes]] = deque(maxlen=handler.terms.replay)
        # Numbers alone would mean other events after a restart.
        self._name = secrets.token_hex(4)
        self._number = 0
        self._sent = True  # since the last look of the keep-alive timer
        self._over = False
        self._timers: dict[str, Timer] = {}
        self._incoming = self.inboxes["inbox"].storage
        self._control = self.inboxes["control"].storage

    # Subscribers.

    def subscribe(self, exchange: Exchange) -> None:
        """Send events to one more client, from where it lost its connection if it says so."""
        subscriber = Subscriber(exchange, self)
        self.subscribers[subscriber] = None
        self._cancel("linger")
        first = b""
        if self.handler.terms.retry is not None:
            first = b"retry: %d\n\n" % self.handler.terms.retry
        last = exchange.request.headers.get("Last-Event-ID")
        try:
            subscriber.open(first + (b"" if last is None else self._after(last)))
        except Exception as error:
            exchange.fail(error)
            self.leave(subscriber)

    def _after(self, last: str) -> bytes:
        """What was sent after the event `last`. All that is kept, where that is not known: it is
        too long ago, or from before a restart."""
        missed: deque[bytes] = deque()
        for id, data in reversed(self._ring):
            if id == last:
                break
            missed.appendleft(data)
        return b"".join(missed)

    def leave(self, subscriber: Subscriber) -> None:
        """One less; after the last one, the component goes on for a while only."""
        if subscriber in self.subscribers:
            del self.subscribers[subscriber]
            self.handler.gate.leave()
        if not self.subscribers and not self._over and hasattr(self, "home"):
            linger = self.handler.terms.linger if self.handler.terms.shared else 0
            self._after_seconds("linger", linger, self._close)

    # The component.

    def on_start(self) -> None:
        self.begin()
        self._tick()
        if not self.subscribers:
            self._close()

    def wire(self, part: component) -> None:
        """Listen to the component."""
        self.link((part, "outbox"), (self, "inbox"))

    def on_end(self) -> None:
        self._close()
        for name in list(self._timers):
            self._cancel(name)
        super().on_end()

    def lost(self) -> None:
        """There is no component any more."""
        self._close()

    def _close(self) -> None:
        """There will be no more events. For clients that is the end of the answer: they come back,
        after their `retry`, if they want more."""
        if self._over:
            return
        self._over = True
        self._forget()
        for subscriber in list(self.subscribers):
            subscriber.end()
        self.dismiss()

    def react(self) -> None:
        """Send what the component sent."""
        incoming = self._incoming
        while incoming:
            message = incoming.pop(0)
            if not self._over:
                self._send(message)
        if self._control and self.hear() and not self.restarts.supervision.wants(self._failed):
            self._close()

    def _send(self, message: Any) -> None:
        self._number += 1
        id = f"{self._name}-{self._number}" if self._ring.maxlen else None
        try:
            if type(message) is str:
                data = _block(message, id=id)
            else:
                event = Event.of(message)
                data = event.encode(id)
                id = id and (event.id or id)
        except Exception as error:
            log.error("%s sent what is no event: %.80r", self.who, message, exc_info=error)
            return
        if id is not None:
            self._ring.append((id, data))
        self._sent = True
        for subscriber in list(self.subscribers):
            subscriber.send(data)

    def _tick(self) -> None:
        """Send comments if there was nothing else to send."""
        if not self._sent:
            for subscriber in list(self.subscribers):
                subscriber.comment()
        self._sent = False
        self._after_seconds("keep-alive", self.handler.terms.keep_alive, self._tick)

    def _after_seconds(self, name: str, seconds: float, callback: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = self.home.call_later(seconds, callback)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


__kamaelia_components__ = (Stream,)
