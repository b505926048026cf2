"""Answer, AnswerCut: the answer to one request, on its way from components to a WSGI server."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any
from wsgiref.util import is_hop_by_hop

import webob
import webob.exc

from ..http import (
    AnswerFraming,
    BodyTaker,
    BodyTooLarge,
    Exchange,
    Limits,
    Request,
    RequestBody,
    put_body,
)
from ..scheduler import Scheduler
from .environ import body_length, own_environ

__all__ = ["Answer", "AnswerCut"]

PATIENCE = 1.0
"""Seconds after which one that waits looks whether there is still something to wait for."""

BLOCK = 65536
"""Bytes of a body that are read at once."""

NO_DATE = "-"
"""What stands for the date in the heads that are framed here. The server has its own."""


class AnswerCut(Exception):
    """An answer ended before its end; the cause is what the handler raised, if it did."""


class _Exchange(Exchange):
    """An exchange that keeps the first error."""

    __slots__ = ("error",)

    error: Exception | None

    def fail(self, error: Exception) -> None:
        self.note(error)
        super().fail(error)

    def note(self, error: Exception) -> None:
        self.error = self.error or error


class Answer:
    """The answer to one request: the `Sink` of its exchange, in the scheduler's thread, and an
    iterable as PEP 3333 has it, in the thread of a WSGI server. Between them is a bounded queue:
    over `limits.output_high` bytes in it, the handler is paused.

    The body of a request is read in the server's thread, which may wait for it: when somebody asks
    for it, and while there is nothing of the answer to be given.

    What can be sent is decided by the same `AnswerFraming` that writes kroute's own answers, and
    the header fields are those that it writes, but for those that are a server's own.
    """

    def __init__(self, environ: dict[str, Any], scheduler: Scheduler, limits: Limits) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self._length = body_length(environ)
        self._input: IO[bytes] = environ["wsgi.input"]
        self._scheduler = scheduler
        self._limits = limits
        self._body: RequestBody | None = None
        request = Request(own_environ(environ))
        self.exchange = _Exchange(request, self, self._length != 0)
        self.exchange.error = None
        self.taken = False  # by somebody who sees to it
        self.on_over: Callable[[Answer], object] | None = None
        self._framing = AnswerFraming()
        # Not HTTP/1.1: chunks are the server's business.
        self._framing.begin(request.method, modern=False, keep_alive=True)
        # Between the threads.
        self._changed = threading.Condition(threading.Lock())
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._ended = False
        self._broken: Exception | None = None
        self._errand: Callable[[], None] | None = None  # for the thread of the server
        # Who takes the body part by part; how much of it he was given, and may be.
        self._taker: BodyTaker | None = None
        self._given = 0
        self._limit = 0

    # In the scheduler's thread: Sink.

    def whole(self, exchange: Exchange, response: webob.Response, body: bytes) -> None:
        """See `Sink`."""
        head = self._framing.start(response.status, response.headerlist, len(body), NO_DATE)
        data = self._framing.data(body)
        self._framing.end()
        self._put(data, head=head, end=True)
        self._over()

    def start(self, exchange: Exchange, response: webob.Response, length: int | None) -> bool:
        """See `Sink`."""
        head = self._framing.start(response.status, response.headerlist, length, NO_DATE)
        exchange.started = True
        self._put(head=head)
        return self._framing.wants_body

    def data(self, exchange: Exchange, data: bytes) -> bool:
        """See `Sink`."""
        self._put(self._framing.data(data))
        return not self._paused

    def end(self, exchange: Exchange) -> None:
        """See `Sink`."""
        self._framing.end()
        self._put(end=True)
        self._over()

    def cut(self, exchange: Exchange) -> None:
        """See `Sink`."""
        self.abandon(AnswerCut(f"{exchange} was cut"))

    def receive(self, exchange: Exchange, limit: int | None, ready: Callable[[], None]) -> None:
        """See `Sink`. Reading blocks, so the server's own thread has to do it."""
        if self._may_have(limit):
            self._send_for(partial(self._read, self._limit, ready))
        else:
            exchange.fail(_too_large(self._limit))

    def stream(self, exchange: Exchange, limit: int | None, taker: BodyTaker) -> None:
        """See `Streaming`."""
        if self._may_have(limit):
            self._taker = taker
        else:
            taker.fail(_too_large(self._limit))

    def more(self, exchange: Exchange) -> None:
        """See `Streaming`."""
        if self._taker is not None and not self._ended:
            self._send_for(self._read_part)

    def _may_have(self, limit: int | None) -> bool:
        """Whether the body is not known to be longer than `limit`."""
        self._limit = self._limits.body_bytes if limit is None else limit
        return self._length is None or self._length <= self._limit

    def _send_for(self, errand: Callable[[], None]) -> None:
        with self._changed:
            self._errand = errand
            self._changed.notify()

    def later(self, callback: Callable[[], None]) -> None:
        """See `Sink`."""
        self._scheduler.call_soon(callback)

    def abandon(self, error: Exception) -> None:
        """There will be no more of it, because of `error`."""
        if not self._ended:
            with self._changed:
                self._ended = True
                self._broken = error
                self._changed.notify()
            self.exchange.gone()
            if not self.exchange.done:
                self._body = None  # somebody goes on without the client, and has the body
            self._over(self.exchange.done)

    def _put(self, data: bytes = b"", head: bytes = b"", end: bool = False) -> None:
        if self._ended:
            return  # the client is gone
        with self._changed:
            if head:
                self.status, self.headers = _taken_apart(head)
            if data:
                self._parts.append(data)
                self._size += len(data)
                self._paused = self._size > self._limits.output_high
            self._ended = end
            self._changed.notify()

    def _over(self, done: bool = True) -> None:
        """Nothing more comes: let go of what was held."""
        exchange = self.exchange
        if done:
            exchange.started = exchange.done = True
            exchange.on_drain = exchange.on_gone = None
        self._taker = None
        if self._body is not None:
            self._body.close()
        if self.on_over is not None:
            self.on_over(self)

    def _drained(self) -> None:
        on_drain, self.exchange.on_drain = self.exchange.on_drain, None
        if on_drain is not None:
            on_drain()

    def _received(self, body: RequestBody, ready: Callable[[], None]) -> None:
        if self._ended:
            body.close()
            return
        self._body = body
        put_body(self.exchange.request.environ, body.file(), body.size)
        self.exchange.has_body = False
        ready()

    def _take(self, data: bytes) -> None:
        """Give a part of the body to whom it is for."""
        taker = self._taker
        if taker is not None:
            self._given += len(data)
            if self._given > self._limit:
                self._refuse(_too_large(self._limit))
            elif taker.take(data) and data:
                self.more(self.exchange)

    def _refuse(self, problem: Exception) -> None:
        """There is something about the body that ends the request."""
        taker, self._taker = self._taker, None
        (self.exchange if taker is None else taker).fail(problem)

    # In the thread of the server.

    def wait_for_head(self, nudge: Callable[[], object]) -> None:
        """Wait until `status` and `headers` are there; read the body of the request if the
        handler wants it. nudge: called every now and then, to see that somebody is at work.

        Raises AnswerCut where there will be no answer.
        """
        while True:
            with self._changed:
                while not (self.status or self._errand or self._broken):
                    if not self._changed.wait(PATIENCE):
                        nudge()
                if self.status or self._broken:
                    break
            self._run_errand()
        if not self.status and self._broken is not None:
            raise self._broken from self.exchange.error

    def _run_errand(self) -> None:
        """Do what the handler has sent for. Only this thread takes errands."""
        errand, self._errand = self._errand, None
        if errand is not None:
            try:
                errand()
            except Exception as error:
                problem: Exception = _too_large(self._limit)
                if not isinstance(error, BodyTooLarge):
                    problem = webob.exc.HTTPBadRequest("The body could not be read.")
                    problem.__cause__ = error
                self._scheduler.call_soon(partial(self._refuse, problem))

    def _read(self, limit: int, ready: Callable[[], None]) -> None:
        """Read the body of the request."""
        body = RequestBody(limit, self._limits.body_in_memory, self._limits.bodies_in_memory)
        try:
            while data := self._next_part(body.size):
                body.write(data)
        except BaseException:
            body.close()
            raise
        self._scheduler.call_soon(partial(self._received, body, ready))

    def _read_part(self) -> None:
        """Read a part of the body. What it gets must be taken before there is another errand."""
        self._scheduler.call_soon(partial(self._take, self._next_part(self._given)))

    def _next_part(self, done: int) -> bytes:
        """Read on, after so many bytes; b"" at the end. Raises EOFError where it ends too early,
        and what the server's file raises."""
        size = BLOCK if self._length is None else min(BLOCK, self._length - done)
        data = self._input.read(size) if size else b""
        if size and not data and self._length is not None:
            raise EOFError(f"{done} of {self._length} bytes came")
        return data

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """What is there of the body, as soon as there is something."""
        data = self.next_part()
        if not data:
            raise StopIteration
        return data

    def next_part(self, seconds: float | None = None) -> bytes:
        """What is there of the body, as soon as there is something; b"" at the end. Raises
        TimeoutError where nothing comes in `seconds`, AnswerCut."""
        while self._waits_for_part(seconds):
            self._run_errand()
        with self._changed:
            data = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            paused, self._paused = self._paused, False
        if paused:
            self._scheduler.call_soon(self._drained)
        if not data and self._broken is not None:
            raise self._broken from self.exchange.error
        return data

    def _waits_for_part(self, seconds: float | None) -> bool:
        """Wait for a part of the answer, or its end; True if there is an errand before that."""
        with self._changed:
            if not self._changed.wait_for(self._is_something_there, seconds):
                raise TimeoutError(f"nothing of the answer to {self.exchange} in {seconds} s")
            return not (self._parts or self._ended)

    def _is_something_there(self) -> bool:
        return bool(self._parts) or self._ended or self._errand is not None

    def close(self) -> None:
        """PEP 3333: the server wants no more, whether it has all or its client is gone."""
        if not self._ended:
            gone = AnswerCut(f"the client went away during {self.exchange}")
            self._scheduler.call_soon(partial(self.abandon, gone))


def _too_large(limit: int) -> webob.exc.WSGIHTTPException:
    return webob.exc.HTTPRequestEntityTooLarge(f"The body is longer than {limit} bytes.")


def _taken_apart(head: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Status and header fields of a framed head, without what is the server's own (PEP 3333,
    "Other HTTP Features"), and without a type for no body, which wsgiref.validate objects to."""
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    status = first.partition(" ")[2]
    dropped = "content-type" if status[:3] in ("204", "304") else ""
    fields = [line.partition(": ") for line in lines if line != f"Date: {NO_DATE}"]
    return status, [
        (name, value)
        for name, _, value in fields
        if not is_hop_by_hop(name) and name.lower() != dropped
    ]
