"""Input: `wsgi.input` of a request whose body is still on its way."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from ..http import Exchange, Streaming
from ..scheduler import Scheduler

__all__ = ["ClientGone", "Input"]

HIGH = 65536
"""Bytes that may wait to be read; with more the client is not read from."""


class ClientGone(ConnectionAbortedError):
    """What `write()` and `wsgi.input` raise when nobody is left at the other end."""


class Input(io.RawIOBase):
    """The body of a request, read in a thread while it comes.

    It is the `BodyTaker` of its exchange, in the scheduler's thread. A read waits until something
    has come; the client is slowed down to the pace of the application. `io.BufferedReader` makes
    of it the file that PEP 3333 asks for. Its end is that of the body (`wsgi.input_terminated`).

    waits: called with True when a read begins to wait for the client, with False after that.
    refuse: called with the answer to a body that is longer than it may be.
    """

    def __init__(
        self,
        exchange: Exchange,
        scheduler: Scheduler,
        waits: Callable[[bool], None],
        refuse: Callable[[Exception], None],
    ) -> None:
        self._exchange = exchange
        self._sink: Streaming = cast(Streaming, exchange.sink)
        self._scheduler = scheduler
        self._waits = waits
        self._refuse = refuse
        self._changed = threading.Condition(threading.Lock())
        self._parts: deque[memoryview] = deque()
        self._size = 0
        self._stalled = True  # the client is not read from
        self._ended = False
        self._gone = False

    # In the scheduler's thread.

    def begin(self, limit: int | None) -> None:
        """Take what is there of the body. limit: as for `Sink.receive`."""
        self._sink.stream(self._exchange, limit, self)
        # A client that waits for a 100 gets it when somebody reads (RFC 9110, section 10.1.1).
        if "HTTP_EXPECT" not in self._exchange.request.environ:
            self._more()

    def _more(self) -> None:
        if not self._gone:
            self._sink.more(self._exchange)

    def take(self, data: bytes) -> bool:
        """See `BodyTaker`."""
        with self._changed:
            if data:
                self._parts.append(memoryview(data))
                self._size += len(data)
            else:
                self._ended = True
            self._stalled = self._size >= HIGH
            self._changed.notify()
            return not self._stalled

    def fail(self, error: Exception) -> None:
        """See `BodyTaker`."""
        self._refuse(error)

    def abandon(self) -> None:
        """Nothing more will come: let the thread stop when it reads."""
        with self._changed:
            self._gone = True
            self._parts.clear()
            self._changed.notify()

    # In the thread of the application.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for a part and put what has room into `buffer`; returns its bytes, 0 at the end.
        Raises ClientGone."""
        with self._changed:
            if not self._is_there():
                self._go_on()
                self._waits(True)
                self._changed.wait_for(self._is_there)
                self._waits(False)
            if self._gone:
                raise ClientGone("nobody is left to read the rest of the request from")
            size = self._move(memoryview(buffer))
            if self._size < HIGH // 2:
                self._go_on()
        return size

    def _go_on(self) -> None:
        """Have the client read from again, if it is not. With the lock."""
        if self._stalled and not self._ended:
            self._stalled = False
            self._scheduler.call_soon(self._more)

    def _is_there(self) -> bool:
        return bool(self._parts) or self._ended or self._gone

    def _move(self, room: memoryview) -> int:
        """Move bytes out of the parts."""
        size = 0
        while self._parts and size < len(room):
            part = self._parts.popleft()
            fits = part[: len(room) - size]
            room[size : size + len(fits)] = fits
            size += len(fits)
            if len(fits) < len(part):
                self._parts.appendleft(part[len(fits) :])
        self._size -= size
        return size
