"""HTTPProtocol: one HTTP/1 connection as a component, between a socket and a Dispatcher.

Bytes come in by "inbox" and go out by "outbox", as ServerCore's contract has it; requests go out
by "requests". All that HTTP asks for is worked out in `kroute.http`; what is left here is to bring
bytes and events to the right place, in order, and never more of them than can be held.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from time import perf_counter

import webob.exc
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.IPC import socketShutdown

from ..http import (
    CONTINUE,
    NEED_DATA,
    QUERY_FIELDS,
    AnswerFraming,
    BodyTaker,
    BodyTooLarge,
    Data,
    End,
    EnvironMaker,
    Exchange,
    FieldReader,
    FilePart,
    Gathered,
    Head,
    Limits,
    RemoteProtocolError,
    Request,
    RequestBody,
    RequestParser,
    Response,
    add_trailers,
    put_body,
)
from ..scheduler import Link, ReactiveComponent
from .access import AccessLog
from .clock import http_date
from .deadline import Deadline

__all__ = ["HTTPProtocol"]

log = logging.getLogger("kroute.server")


LARGE = 32768
"""Bytes of which a copy takes longer than one more message."""

# What is awaited from the client.
NOTHING, REQUEST, HEAD, BODY = range(4)


class HTTPProtocol(ReactiveComponent):
    """Speaks HTTP/1.1 and 1.0 with one client, and is the `Sink` of its exchanges.

    One request is served at a time. The next one of a pipeline waits in the parser, unlooked at,
    and more bytes than that wait in "inbox", which has room for one message: when it is full, the
    socket is not read. What was sent and not yet taken from the box of the socket is counted; with
    more than `limits.output_high` bytes of it a handler is paused and no request is begun.

    dispatcher: gets an `Exchange` in its inbox for each request. make_request: from an environ.
    read_fields: of a parser; None for the fastest there is.
    """

    Inboxes = {
        "inbox": "bytes from the client",
        "control": "socketShutdown, shutdownMicroprocess: the client is gone; "
        "producerFinished: finish the request that is being served, then close",
    }
    Outboxes = {
        "outbox": "bytes to the client",
        "signal": "producerFinished: all was sent; shutdownMicroprocess: cut the connection",
        "requests": "an Exchange for each request",
    }

    __slots__ = (
        "_access", "_awaited", "_awaited_after", "_began", "_body", "_closed", "_closing",
        "_continued", "_control", "_deadline", "_dispatcher", "_environs", "_exchange", "_framing",
        "_given", "_head", "_held", "_hungry", "_incoming", "_last", "_lengths", "_limit",
        "_limits", "_make_request", "_marked", "_out", "_parser", "_paused", "_ready", "_receiver",
        "_receiver_wants", "_receiving", "_requests", "_rest", "_sent", "_status", "_taker",
        "_to_dispatcher", "_to_socket", "_turn", "_unsent", "can_send_files",
    )  # fmt: skip

    def __init__(
        self,
        dispatcher: component,
        environs: EnvironMaker,
        limits: Limits,
        make_request: type[Request] = Request,
        access: AccessLog | None = None,
        read_fields: FieldReader | None = None,
    ) -> None:
        super().__init__()
        self.can_send_files = False  # nor Gathered, until a listener says so
        # At once, not in `on_start`: a Dispatcher that nobody is linked to may end until then.
        self._dispatcher = dispatcher
        self.link_fixed()
        self._environs = environs
        self._limits = limits
        self._make_request = make_request
        self._access = access
        self._parser = RequestParser(limits, read_fields)
        self._hungry = True  # the parser has asked for more bytes
        self._framing = AnswerFraming()
        self._exchange: Exchange | None = None
        self._head: Head | None = None
        self._began = 0.0
        self._status = ""
        self._sent = 0  # bytes of the body of this answer
        # The request that is being received.
        self._receiving = False
        self._body: RequestBody | None = None
        self._limit = 0
        self._given = 0
        self._ready: Callable[[], None] | None = None
        # How long the client may take.
        self._requests = 0
        self._last = limits.requests or sys.maxsize  # of the requests; less: this one is the last
        self._turn = 0
        self._awaited = NOTHING
        self._awaited_after = 0  # requests before the one that is awaited
        self._deadline: Deadline | None = None
        # Another protocol, after a 101.
        self._receiver: Callable[[bytes], bool] | None = None
        self._receiver_wants = True
        self._rest = b""
        # Who takes the body part by part, and whether he has enough for now.
        self._taker: BodyTaker | None = None
        self._held = False
        self._continued = False
        # What goes out.
        self._out: list[bytes] = []
        self._unsent = 0
        self._lengths: list[int] = []  # of the messages that the socket has not taken
        self._paused = False
        self._closing = False
        self._marked = False  # the last message is on its way
        self._closed = False
        self._incoming = self.take_at_once("inbox", self._take)
        self.setInboxSize("inbox", 1)
        self._control = self.inboxes["control"].storage
        self._to_socket = self.outboxes["outbox"]
        self._to_dispatcher = self.outboxes["requests"]
        self.outboxes["outbox"].myNotifyOnPop.append(self._collected)

    # The component's life.

    def fixed_links(self) -> Iterable[Link]:
        return (((self, "requests"), (self._dispatcher, "inbox")),)

    def on_start(self) -> None:
        self._deadline = Deadline(self.home, self._timed_out)

    def on_end(self) -> None:
        self._gone()
        self._parser.close()
        if self._deadline is not None:
            self._deadline.close()

    LAST_LOOK = 0.05
    """Seconds in which, when the server is to end, a request that is on its way may arrive."""

    def _take(self, data: bytes) -> None:
        """Bytes have come. Look at them at once where a request is awaited and there is nothing
        else to see to; as mostly."""
        if (
            self._awaited != REQUEST
            or self._reacting
            or self._closing
            or self._finished
            or self._incoming
        ):
            self._incoming.keep(data)
            return
        self._reacting = True
        try:
            self._look_at(data)
        except Exception as error:
            self._give_up(error)
        finally:
            self._reacting = False
        if self._missed:
            self._arrived()

    def _look_at(self, data: bytes) -> None:
        """Look at the first bytes after a request, or of all."""
        parser, limits = self._parser, self._limits
        try:
            event = parser.next_event(data)
            if type(event) is not Head:
                self._await()
                return
            self._request(event)
        except RemoteProtocolError as error:
            self._refuse(error)
        deadline = self._deadline
        if (
            self._exchange is None
            and not self._closing
            and not parser.has_buffered
            and self._unsent <= limits.output_high
            and deadline is not None
        ):  # as mostly: all of it was there, and it is answered
            self._flush()
            self._awaited_after = self._requests
            deadline.set(limits.keep_alive_seconds)
        else:
            self._hungry = not (self._receiving or parser.has_buffered)
            self._work(limits.pipelined - 1)

    def react(self) -> None:
        """Work off what came in, as far as it goes, and send what came of it."""
        while self._control:
            self._obey(self.recv("control"))
        self._work(self._limits.pipelined)

    def _work(self, turn: int) -> None:
        """Go on, with `turn` requests at most before others have their turn."""
        self._turn = turn
        if not turn:
            self.home.call_soon(self._arrived)
        self._serve()
        while self._out:
            self._flush()
            if self._incoming or not self._hungry:
                self._serve()
        if self._closing:
            self._close()
        self._await()

    def _await(self) -> None:
        """Give the client its time for what is awaited from it."""
        deadline = self._deadline
        if deadline is None:
            return
        if self._exchange is None and self._requests > self._awaited_after and not (
            self._paused or self._closing or self._parser.has_buffered
        ):  # as mostly: a request was answered, and nothing has come since
            self._awaited = REQUEST
            self._awaited_after = self._requests
            deadline.set(self._limits.keep_alive_seconds)
            return
        before, self._awaited = self._awaited, self._what_is_awaited()
        if self._awaited == REQUEST:
            if before == REQUEST and self._requests == self._awaited_after:
                return  # what came were empty lines: they give it no more time
            self._awaited_after = self._requests
            limits = self._limits
            first = not self._requests
            deadline.set(limits.header_seconds if first else limits.keep_alive_seconds)
        elif self._awaited == BODY:
            deadline.set(self._limits.body_idle_seconds)
        elif self._awaited == NOTHING:
            deadline.clear()
        elif before != HEAD:  # a head that comes byte by byte has no more time than another one
            deadline.set(self._limits.header_seconds)

    def _what_is_awaited(self) -> int:
        if self._paused or self._closing:
            return NOTHING
        if self._exchange is not None:
            return BODY if self._receiving and not self._held else NOTHING
        return HEAD if self._parser.has_buffered else REQUEST

    def _timed_out(self) -> None:
        """The client has taken too long."""
        if self._awaited == REQUEST:
            self._closing = True  # and not 408, which a client that has asked nothing takes amiss
        else:
            what = "body" if self._awaited == BODY else "head"
            self._refuse(RemoteProtocolError(f"the {what} of the request took too long", 408))
        self._arrived()

    def _obey(self, message: object) -> None:
        if isinstance(message, (socketShutdown, shutdownMicroprocess)):
            # What it still sent is looked at first: a client may send a request and close its
            # direction at once. What has no answer by then gets none.
            self._serve()
            self._flush()
            self._gone()
            if isinstance(message, shutdownMicroprocess):
                self._cut()
            else:
                self._lengths.clear()
                self._closing = self._marked = True  # nobody collects anything any more
        elif isinstance(message, producerFinished):
            self._last = 0
            self._framing.keep_alive = False
            exchange = self._exchange
            if exchange is None:
                self.home.call_later(self.LAST_LOOK, self._leave)
            elif exchange.done:
                self._closing = True
            elif exchange.on_leave is not None:
                exchange.on_leave()

    def _leave(self) -> None:
        """Close, unless a request has come or begun to come; its answer will be the last."""
        if self._exchange is None and not self._parser.in_message:
            self._closing = True
            self._arrived()

    def _gone(self) -> None:
        """There is no client any more."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None and not exchange.done:
            log.info("the client went away during %s", exchange)
            self._log_access(exchange, cut=True)
            exchange.gone()
            if not exchange.done:
                self._body = None  # somebody goes on without the client, and has the body
        self._drop_body()

    def _close(self) -> None:
        """Say that all was sent, once it is.

        Kamaelia's socket collects a message before it has sent all of it, and drops the rest when
        it is told of the end. So an empty message goes last: it is collected when all others are
        sent, by any socket.
        """
        if not self._closed and not self._lengths and not self._marked:
            self._marked = True
            self._lengths.append(0)
            self.send(b"", "outbox")
        if not self._closed and not self._lengths:
            self._closed = True
            self.send(producerFinished(self), "signal")
            self.finish()

    def _cut(self) -> None:
        """Close the connection as it stands."""
        self._closing = self._closed = True
        self._out.clear()
        self.send(shutdownMicroprocess(self), "signal")
        self.finish()

    # In: from bytes to exchanges.

    def _serve(self) -> None:
        """Look at requests until one has to wait, for its body, its handler or its client."""
        if self._receiver is not None:
            self._pass_on(self._receiver)
            return
        parser, incoming = self._parser, self._incoming
        try:
            while self._turn > 0 and not (self._closing or self._held) and (
                self._exchange is None or self._receiving
            ):
                if self._unsent > self._limits.output_high:
                    self._paused = True
                    return
                if self._hungry:
                    if not incoming:
                        return
                    parser.feed(incoming.pop(0))
                event = parser.next_event()
                self._hungry = event is NEED_DATA
                if type(event) is Head:
                    self._request(event)
                    self._hungry = not (self._receiving or parser.has_buffered)
                    self._turn -= 1
                    if not self._turn:
                        self.home.call_soon(self._arrived)
                elif type(event) is Data:
                    self._received(event.data)
                elif type(event) is End:
                    self._complete(event)
        except RemoteProtocolError as error:
            self._refuse(error)

    def _pass_on(self, receive: Callable[[bytes], bool]) -> None:
        """Give what the client sends to whom the connection was handed over."""
        while self._receiver_wants and self._exchange is not None and not self._closing:
            data, self._rest = self._rest, b""
            if not data:
                if not self._incoming:
                    return
                data = self.recv("inbox")
            self._receiver_wants = receive(data)

    def _request(self, head: Head) -> None:
        """A request has begun: make an exchange of it and pass that on."""
        environ, said = self._environs.make(head), head.said
        self._head = head
        self._receiving = has_body = said.body_length != 0
        self._requests += 1
        keep_alive = said.keep_alive and self._requests < self._last
        self._framing.begin(head.method, said.modern, keep_alive)
        self._exchange = exchange = Exchange(self._make_request(environ), self, has_body)
        if has_body:
            self._continued = False
        if self._access is not None:
            self._began = perf_counter()
            self._status, self._sent = "", 0
        self._to_dispatcher.sink.append(exchange)

    def _received(self, data: bytes) -> None:
        """A part of a body has come; somebody wants it, or it is dropped."""
        if self._taker is not None:
            self._give(self._taker, data)
        elif self._body is not None:
            try:
                self._body.write(data)
            except BodyTooLarge:
                self._too_large()

    def _give(self, taker: BodyTaker, data: bytes) -> None:
        self._given += len(data)
        if self._given <= self._limit:
            self._held = True
            if taker.take(data):  # which may also call `more`
                self._held = False
        else:
            self._framing.keep_alive = False
            self._taker = None
            taker.fail(self._over_limit())

    def _complete(self, end: End) -> None:
        """A request has been received to its end."""
        self._receiving = False
        if self._exchange is not None and end.trailers:
            add_trailers(self._exchange.request.environ, end.trailers)
        taker, self._taker = self._taker, None
        if taker is not None:
            taker.take(b"")
        body = self._body  # kept until the answer is complete
        ready, self._ready = self._ready, None
        exchange = self._exchange
        if exchange is None or exchange.done:
            self._exchange = None  # it was answered without its body
        elif body is not None and ready is not None:
            put_body(exchange.request.environ, body.file(), body.size)
            exchange.has_body = False
            ready()

    def _too_large(self) -> None:
        """Answer 413 as the application answers errors, and look at no more of the body."""
        exchange = self._exchange
        self._drop_body()
        self._framing.keep_alive = False
        if exchange is not None:
            exchange.fail(self._over_limit())

    def _over_limit(self) -> Exception:
        detail = f"The body is longer than {self._limit} bytes."
        return webob.exc.HTTPRequestEntityTooLarge(detail)

    def _drop_body(self) -> None:
        """Give back the memory or the file that a body takes, and give no more of it."""
        self._taker = None
        self._held = False
        body, self._body, self._ready = self._body, None, None
        if body is not None:
            body.close()

    def _refuse(self, error: RemoteProtocolError) -> None:
        """Answer what is not HTTP, or too much of it, and close."""
        exchange = self._exchange
        self._receiving = False
        self._drop_body()
        self._closing = True
        if exchange is not None and exchange.started:
            if not exchange.done:
                self.cut(exchange)
            return
        self._exchange = None
        if exchange is not None:
            exchange.gone()
        else:
            self._framing.begin("GET", True, False)
        self._framing.keep_alive = False
        response = Response(f"{error}\n", error.status, content_type="text/plain")
        status, headers, body = response.status, response.headerlist, response.body
        self._emit(self._framing.whole(status, headers, body, http_date()))
        self._status = status
        self._sent = len(body) if self._framing.wants_body else 0
        log.info("answered %s to %s: %s", status, self._environs.peer, error)
        if exchange is not None:
            self._log_access(exchange)
        elif self._access is not None:
            self._access.refused(self._environs.peer, status, self._sent)

    # Sink: from answers to bytes.

    def receive(self, exchange: Exchange, limit: int | None, ready: Callable[[], None]) -> None:
        """Collect the body of the request, then call `ready`. See `Sink`."""
        head = self._head
        if exchange is not self._exchange or head is None:
            return
        limits, length = self._limits, head.said.body_length
        self._limit = limits.body_bytes if limit is None else limit
        if length is not None and length > self._limit:
            self._too_large()
            return
        if length is not None and length <= limits.body_in_memory:
            data = self._parser.take_body()
            if data is not None:  # it came with its head, as small ones do
                self._receiving = exchange.has_body = False
                put_body(exchange.request.environ, BytesIO(data), len(data))
                ready()
                return
        self._body = RequestBody(self._limit, limits.body_in_memory, limits.bodies_in_memory)
        self._ready = ready
        if self._continues(head):
            self._emit(CONTINUE)

    def stream(self, exchange: Exchange, limit: int | None, taker: BodyTaker) -> None:
        """See `Streaming`."""
        head = self._head
        if exchange is not self._exchange or head is None:
            return
        self._limit = self._limits.body_bytes if limit is None else limit
        if head.said.body_length is not None and head.said.body_length > self._limit:
            self._framing.keep_alive = False
            taker.fail(self._over_limit())
            return
        self._taker = taker
        self._given = 0
        self._held = True

    def _continues(self, head: Head) -> bool:
        """Whether the client may wait for a 100 (RFC 9110, section 10.1.1)."""
        return head.said.expect_continue and not self._continued and not self._parser.buffered

    def _settle_body(self) -> None:
        """An answer is about to begin: decide what becomes of a body that was not read."""
        head = self._head
        if not self._receiving or head is None:
            return
        length = head.said.body_length
        if length is None or length > self._limits.discard_bytes or self._continues(head):
            self._framing.keep_alive = False

    def whole(self, exchange: Exchange, response: webob.Response, body: bytes) -> None:
        """See `Sink`."""
        if exchange is not self._exchange:
            return
        if self._receiving:
            self._settle_body()
        status, framing, size = response.status, self._framing, len(body)
        head = framing.announce(status, response.headerlist, size, http_date())
        self._status = status
        if not framing.wants_body:
            body, size = b"", 0
        self._sent = size
        self._unsent += len(head) + size
        if size < LARGE:
            self._out.append(head + body)
        else:
            self._out += head, body
        self._finish(exchange)

    def file(self, exchange: Exchange, response: webob.Response, part: FilePart) -> None:
        """See `SendsFiles`."""
        if exchange is not self._exchange:
            return
        self._settle_body()
        framing = self._framing
        head = framing.announce(response.status, response.headerlist, part.count, http_date())
        self._status = response.status
        if framing.wants_body:
            self._sent = part.count
            part.head = head
            self._unsent += len(part)
            self._flush()
            self._pass(part)
        else:
            self._sent = 0
            self._emit(head)
        self._finish(exchange)

    def start(self, exchange: Exchange, response: webob.Response, length: int | None) -> bool:
        """See `Sink`."""
        if exchange is not self._exchange:
            return False
        self._settle_body()
        self._emit(
            self._framing.start(response.status, response.headerlist, length, http_date())
        )
        exchange.started = True
        self._status, self._sent = response.status, 0
        return self._framing.wants_body

    def interim(
        self, exchange: Exchange, status: str, headers: list[tuple[str, str]]
    ) -> None:
        """See `Hinting`."""
        if exchange is self._exchange:
            self._emit(self._framing.interim(status, headers))
            self._flush()  # it is of no use together with the answer

    def data(self, exchange: Exchange, data: bytes) -> bool:
        """See `Sink`."""
        if exchange is not self._exchange:
            return True
        size = len(data)
        self._sent += size
        if size < LARGE or not (self.can_send_files and self._framing.wants_body):
            self._emit(self._framing.data(data))
            return self._wants_more()
        before, after = self._framing.around(size)
        self._unsent += len(before) + size + len(after)
        before = self._with_out(before)
        self._pass(Gathered(before, data, after) if before or after else data)
        return self._wants_more()

    def part(self, exchange: Exchange, part: FilePart) -> bool:
        """See `SendsFiles`."""
        if exchange is not self._exchange:
            return True
        before, after = self._framing.around(part.count)
        self._sent += part.count
        self._unsent += len(before) + part.count
        part.head = self._with_out(before)
        self._pass(part)
        self._emit(after)
        return self._wants_more()

    def _with_out(self, before: bytes) -> bytes:
        """What is not given to the socket yet, such as the head of an answer, and `before`; but
        what takes longer to copy is given to it now."""
        out = self._out
        if out:
            if max(map(len, out)) < LARGE:
                before = b"".join((*out, before))
                self._out = []
            else:
                self._flush()
        return before

    def _wants_more(self) -> bool:
        if self._unsent > self._limits.output_high:
            self._paused = True
            return False
        return True

    def end(self, exchange: Exchange) -> None:
        """See `Sink`."""
        if exchange is self._exchange:
            self._emit(self._framing.end())
            self._finish(exchange)

    def cut(self, exchange: Exchange) -> None:
        """See `Sink`."""
        if exchange is self._exchange:
            self._exchange = None
            self._log_access(exchange, cut=True)
            exchange.gone()
            self._cut()

    def upgrade(
        self, exchange: Exchange, response: webob.Response, receive: Callable[[bytes], bool]
    ) -> None:
        """See `Upgradable`."""
        if exchange is self._exchange:
            self._emit(self._framing.upgrade(response.headerlist))
            exchange.started = True
            self._status, self._sent = response.status, 0
            self._receiver, self._rest = receive, self._parser.buffered

    def more(self, exchange: Exchange) -> None:
        """See `Streaming` and `Upgradable`."""
        if exchange is not self._exchange:
            return
        self._receiver_wants = True
        self._held = False
        if self._taker is not None and self._head is not None and self._continues(self._head):
            self._continued = True
            self._emit(CONTINUE)
        self._arrived()

    def later(self, callback: Callable[[], None]) -> None:
        """See `Sink`."""
        self.home.call_soon(callback)

    def _finish(self, exchange: Exchange) -> None:
        """An answer is complete: send it, and go on with the next request, or close."""
        exchange.started = exchange.done = True
        exchange.on_drain = exchange.on_gone = None
        if self._access is not None:
            self._log_access(exchange)
        environ = exchange.request.environ
        if QUERY_FIELDS in environ:
            # They have the environ, too: only the collector would free the two, now and then,
            # while all wait. Whoever asks once more has them made once more.
            del environ[QUERY_FIELDS]
        if not self._framing.keep_alive:
            self._closing = True
        if self._body is not None or self._taker is not None:
            self._drop_body()
        if not self._receiving:
            self._exchange = None
        if not self._reacting:
            self._arrived()

    def _log_access(self, exchange: Exchange, cut: bool = False) -> None:
        if self._access is not None:
            seconds = perf_counter() - self._began
            sent = max(0, self._sent - self._unsent) if cut else self._sent
            self._access.answered(exchange.request, self._status, sent, seconds, cut)

    # Out: from bytes to the socket.

    def _emit(self, data: bytes) -> None:
        """Send bytes: together with others of this turn, or at once where there is no turn."""
        if data:
            self._out.append(data)
            self._unsent += len(data)
            if not self._reacting:
                self._flush()

    def _flush(self) -> None:
        out = self._out
        if len(out) == 1:
            message = out.pop()
            # Noted first: the socket may collect it before `append` returns.
            self._lengths.append(len(message))
            self._to_socket.sink.append(message)
        elif out:
            if max(map(len, out)) < LARGE:
                out = [b"".join(out)]
            self._out = []
            for data in out:
                self._pass(data)

    def _pass(self, message: bytes | FilePart | Gathered) -> None:
        """Give a message to the socket; its length is counted in `_unsent`."""
        self._lengths.append(len(message))
        self._to_socket.sink.append(message)

    def _collected(self) -> None:
        """The socket has taken a message."""
        if not self._lengths:
            return  # the client is gone, and the socket only tidies up
        self._unsent -= self._lengths.pop(0)
        if self._paused and self._unsent <= self._limits.output_low:
            self._paused = False
            self.home.call_soon(self._resume)
        elif self._closing and not self._lengths:
            self._arrived()

    def _resume(self) -> None:
        """The client has taken enough: go on with its answer, or its next request."""
        exchange = self._exchange
        if exchange is not None and exchange.on_drain is not None:
            on_drain, exchange.on_drain = exchange.on_drain, None
            on_drain()
        self._arrived()


__kamaelia_components__ = (HTTPProtocol,)
