"""Call: one request in a WSGI application, between the thread it runs in and the scheduler's."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, cast

import webob
import webob.exc

from ..http import Exchange, FilePart, LocalProtocolError, Response, SendsFiles, close_body
from ..scheduler import Scheduler
from .file_parts import can_send_files
from .run import deliver
from .wsgi_environ import ErrorLog, FileWrapper, call_environ
from .wsgi_input import ClientGone, Input
from .wsgi_output import BLOCK, HIGH, Output

__all__ = ["Application", "BadApplication", "Call"]

log = logging.getLogger("kroute.wsgi")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PATIENCE = 60.0
"""Seconds that a thread waits for a client that takes nothing, or too little; then it is cut."""

HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)
"""The header fields that are the server's own (PEP 3333, "Other HTTP Features")."""


class BadApplication(Exception):
    """A WSGI application did what PEP 3333 does not let it do."""


class Call:
    """One request on its way through a WSGI application.

    `run` is what the thread does. What it has for the client is left in an `Output`, and `_pump`,
    in the scheduler's thread, sends it on: PEP 3333, "Buffering and Streaming", lets a server that
    continues in another thread go on with the application meanwhile. An answer that is known to
    its end is sent in one piece.

    since: when the application was last heard of, on the monotonic clock; None while it is not its
    turn.
    """

    def __init__(
        self, application: Application, name: str, exchange: Exchange, scheduler: Scheduler
    ) -> None:
        self.exchange = exchange
        self.since: float | None = None
        self._application = application
        self._name = name
        self._scheduler = scheduler
        self._input: Input | None = None
        # The head, as start_response has it.
        self._status: str | None = None
        self._headers: list[tuple[str, str]] = []
        self._length: int | None = None
        # Between the threads.
        self._output: Output | None = None  # made for the first part, if there are parts
        self._over = False  # nobody wants any more of the answer
        # The thread's own: whether the head, or all there is, was handed over; bytes of the body.
        self._opened = False
        self._complete = False
        self._given = 0
        # The scheduler's own: whether the head is sent.
        self._started = False

    # In the thread of the application.

    def run(self) -> None:
        """Call the application, and hand over what it answers."""
        if self._over:
            return  # its client left while it waited for a thread
        self.since = monotonic()
        errors = ErrorLog(self._name)
        try:
            self._answer(call_environ(self.exchange.request.environ, errors, self._input))
        except ClientGone:
            log.debug("%s: stopped in %s, whose client wants no more", self._name, self.exchange)
        except BaseException as error:
            self._failed(error)
        finally:
            errors.flush()
            self.since = None

    def _answer(self, environ: dict[str, Any]) -> None:
        result = self._application(environ, self.start_response)
        try:
            if isinstance(result, FileWrapper):
                result.limit = self._length
                file = self._file_part(result)
                if file is not None:
                    self._send_all(file)
                    return
            if isinstance(result, (list, tuple)) and not self._opened:
                self._finish(b"".join(map(self._checked, result)))
            else:
                for part in self._iterable(result):
                    data = self._checked(part)
                    if data:
                        self._send(data)
                self._finish()
        finally:
            # PEP 3333: however the request ends, and once.
            close_body(result)

    def _failed(self, error: BaseException) -> None:
        """The application has raised, or has done what it may not do."""
        if self._over:
            log.info("%s failed when nobody waited for %s: %r", self._name, self.exchange, error)
            return
        if not isinstance(error, BadApplication):
            log.error("the WSGI application %s failed in %s", self._name, self.exchange)
        if not isinstance(error, Exception):
            # SystemExit and its like end a process; this one is not the application's.
            cause, error = error, BadApplication(f"{self._name} raised {error!r}")
            error.__cause__ = cause
        self._scheduler.call_soon(partial(self._fail, error))

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """PEP 3333's. What is wrong with status and headers is raised here, in the application;
        what only the framing can tell, later."""
        try:
            if exc_info is not None:
                if self._opened:
                    raise exc_info[1].with_traceback(exc_info[2])
            elif self._status is not None:
                raise self._bad("called start_response twice, and the second time not in an error")
        finally:
            exc_info = None  # no cycle of frames (PEP 3333, "The start_response() Callable")
        self._check_status(status)
        if type(headers) is not list:
            raise self._bad(f"gave {type(headers).__name__} for headers; a list is needed")
        self._length = None
        for field in headers:
            self._check_field(field)
        self._status, self._headers = status, list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        """PEP 3333's "imperative" way to send a part of the body."""
        self._send(self._checked(data))

    def _check_status(self, status: object) -> None:
        if not isinstance(status, str):
            raise self._bad(f"gave {type(status).__name__} ({status!r:.80}) for a status, not str")
        if not (status[:3].isdigit() and status[3:4] == " " and status[0] > "1"):
            raise self._bad(f"gave {status!r:.80} for a status; '200 OK' is one")

    def _check_field(self, field: object) -> None:
        if not (
            isinstance(field, tuple)
            and len(field) == 2
            and isinstance(field[0], str)
            and isinstance(field[1], str)
        ):
            raise self._bad(f"gave {field!r:.80} for a header field; a tuple of two str is needed")
        name = field[0].lower()
        if name in HOP_BY_HOP:
            raise self._bad(f"set {field[0]}; hop-by-hop header fields are the server's")
        if name == "content-length":
            if not (field[1].isascii() and field[1].isdigit()):
                raise self._bad(f"gave {field[1]!r:.80} for a Content-Length")
            self._length = int(field[1])

    def _iterable(self, result: object) -> Iterable[object]:
        if not hasattr(result, "__iter__"):  # cheaper to ask than an abstract class
            raise self._bad(f"returned {type(result).__name__}, which is no iterable of bytes")
        return cast(Iterable[object], result)

    def _checked(self, part: object) -> bytes:
        if not isinstance(part, bytes):
            raise self._bad(
                f"gave {type(part).__name__} ({part!r:.80}) for a part of its body, not bytes"
            )
        return part

    def _bad(self, what: str) -> BadApplication:
        return BadApplication(f"the WSGI application {self._name} {what} (PEP 3333)")

    # From the thread of the application to the scheduler's.

    def _send(self, data: bytes) -> None:
        """Hand over a part of the body."""
        self._check_started()
        self._given += len(data)
        if self._length is not None and self._given > self._length:
            raise self._bad(f"gave more than the {self._length} bytes of its Content-Length")
        if not self._opened and self._given == self._length:
            self._send_all(data)
        else:
            self._hand_over(data)

    def _finish(self, rest: bytes = b"") -> None:
        """Hand over the end of the answer; `rest` is all there is, if nothing was handed over."""
        self._check_started()
        if self._complete:
            return
        if self._opened or (
            # Nobody knows how long the answer to a GET would be (RFC 9110, section 8.6).
            not rest and self._length is None and self.exchange.request.method == "HEAD"
        ):
            self._hand_over(rest, end=True)
        else:
            self._send_all(rest)

    def _file_part(self, wrapper: FileWrapper) -> FilePart | None:
        """What the kernel can send, if it can (PEP 3333, "Optional Platform-Specific File
        Handling")."""
        if self._opened or self._status is None or not can_send_files(self.exchange):
            return None
        part = wrapper.part(self._length)
        if part is not None:
            part.fetch()
        return part

    def _send_all(self, body: bytes | FilePart) -> None:
        """Hand over an answer in one piece."""
        self._opened = self._complete = True
        self._scheduler.call_soon(partial(self._deliver, body))

    def _hand_over(self, data: bytes, end: bool = False) -> None:
        """Leave bytes to be sent; wait where there are many already."""
        self._opened = True
        output = self._output
        if output is None:
            output = self._output = Output()
        if output.put(data, end):
            self._scheduler.call_soon(self._pump)
        # `abandon` says first that it is over, and then looks for an output to close.
        if output.full and not self._over:
            self.since = None
            if not output.wait(PATIENCE):
                self._scheduler.call_soon(self._cut)
                raise ClientGone("the client takes too little of its answer")
        if self._over:
            raise ClientGone("the client wants no more of its answer")
        self.since = monotonic()

    def _check_started(self) -> None:
        if self._status is None:
            raise self._bad("gave a body and has not called start_response")

    # In the scheduler's thread.

    def stream(self, limit: int | None) -> bool:
        """Let the application read the body of the request as it comes. limit: as for
        `Sink.receive`. False: it is longer than that, and this was answered."""
        self._input = Input(self.exchange, self._scheduler, self._waits, self._fail)
        self._input.begin(limit)
        return not self._over

    def _waits(self, begins: bool) -> None:
        """It is the client's turn, or the application's again. In the thread of that."""
        self.since = None if begins else monotonic()

    def _deliver(self, body: bytes | FilePart) -> None:
        """Send an answer in one piece."""
        if not self._over:
            try:
                if isinstance(body, bytes):
                    deliver(self.exchange, self._response([body]))
                else:
                    self._deliver_file(body)
            except Exception as error:
                self._fail(error)
            self._end_input()

    def _deliver_file(self, part: FilePart) -> None:
        exchange = self.exchange
        mark: list[bytes] = []
        response = self._response(mark)
        if response.app_iter is mark:
            cast(SendsFiles, exchange.sink).file(exchange, response, part)
        else:
            deliver(exchange, response)  # a hook has answered something else

    def _pump(self) -> None:
        """Send what was left here by now."""
        output = self._output
        try:
            if output is not None and not self._over and (self._started or self._start()):
                self._send_parts(output)
        except Exception as error:
            self._fail(error)

    def _start(self) -> bool:
        """Send the head; returns whether a body is wanted."""
        exchange = self.exchange
        body: list[bytes] = []
        response = self._response(body)
        if response.app_iter is not body:
            # A hook has answered something else.
            self.abandon()
            deliver(exchange, response)
            return False
        self._started = True
        if not exchange.sink.start(exchange, response, None):
            self.abandon()
            exchange.sink.end(exchange)
            return False
        return True

    def _send_parts(self, output: Output) -> None:
        exchange = self.exchange
        for _ in range(HIGH // BLOCK):
            data = output.take()
            if not data:
                break
            if not exchange.sink.data(exchange, data) and not output.is_sent:
                exchange.on_drain = self._pump
                return
        else:
            self._scheduler.call_soon(self._pump)  # others have their turn
            return
        if output.is_sent:
            exchange.sink.end(exchange)
            self._end_input()

    def _response(self, body: list[bytes]) -> webob.Response:
        """The answer so far, gone through the hooks of whoever mounted the application."""
        response = Response(status=self._status, headerlist=self._headers, app_iter=body)
        return self.exchange.rules.answer(self.exchange, response)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, LocalProtocolError):
            error = self._bad(f"gave an answer that cannot be sent: {error}")
        if not self._over:
            self.abandon()
            self.exchange.fail(error)

    def _cut(self) -> None:
        if not self._over:
            log.info("%s: cut, as its client does not read", self.exchange)
            self.exchange.sink.cut(self.exchange)

    def abandon(self) -> None:
        """Nobody wants more of the answer: let the thread stop when it hands something over."""
        exchange = self.exchange
        exchange.on_gone = exchange.on_drain = None
        self._over = True
        if self._output is not None:
            self._output.close()
        self._end_input()

    def _end_input(self) -> None:
        """Nothing is read from the client any more: its answer is complete, or it is gone."""
        if self._input is not None:
            self._input.abandon()

    def is_stuck(self, since: float) -> bool:
        """Whether it is the application's turn, and nothing was heard of it since then."""
        heard = self.since
        return heard is not None and heard <= since

    def give_up(self, thread: int) -> None:
        """The application does not come back: say where it is, and answer for it."""
        self.since = None
        frame = sys._current_frames().get(thread)
        stack = "".join(traceback.format_stack(frame)) if frame else "it has just ended\n"
        log.error(
            "the WSGI application %s is stuck in %s; its thread is here:\n%s",
            self._name,
            self.exchange,
            stack.rstrip(),
        )
        self._fail(webob.exc.HTTPGatewayTimeout("The application did not answer in time."))
