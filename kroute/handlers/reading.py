"""BodyReader: the body of a request, read as it comes."""

from __future__ import annotations

from collections.abc import Callable, Generator

from ..http import READER, Exchange, Streaming
from ..scheduler import Waiting

__all__ = ["BodyReader"]

HIGH = 65536
"""Bytes that may wait to be read; with more the client is not read from."""


class _Arrival(Waiting):
    """Done when something of a body has arrived, or nothing more will."""

    def start(self) -> None:
        """The reader calls `finish`."""


class BodyReader:
    """The `BodyTaker` of a handler that reads the body of its request itself (`request.read`).

    limit: as for `Sink.receive`.
    """

    def __init__(self, exchange: Exchange, sink: Streaming, limit: int | None) -> None:
        self._exchange = exchange
        self._sink = sink
        self._parts: list[bytes] = []
        self._size = 0
        self._over = False
        self._error: Exception | None = None
        self._arrival: _Arrival | None = None
        self._wanted = False
        exchange.request.environ[READER] = self
        sink.stream(exchange, limit, self)

    @classmethod
    def open(cls, exchange: Exchange, limit: int | None, begin: Callable[[], None]) -> None:
        """Call `begin` when the body can be read by `request.read`: at once, where the sink can
        give it as it comes; otherwise when all of it is there."""
        sink = exchange.sink
        if not exchange.has_body:
            begin()
        elif isinstance(sink, Streaming):
            cls(exchange, sink, limit)
            begin()
        else:
            sink.receive(exchange, limit, begin)

    def take(self, data: bytes) -> bool:
        """See `BodyTaker`."""
        if data:
            self._parts.append(data)
            self._size += len(data)
        else:
            self._over = True
        self._wanted = self._size < HIGH
        self._arrived()
        return self._wanted

    def fail(self, error: Exception) -> None:
        """See `BodyTaker`."""
        if not self._over:
            self._error = error
            self._arrived()

    def _arrived(self) -> None:
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.finish()

    def read(self) -> Generator[Waiting, None, bytes]:
        """See `Request.read`."""
        while not (self._parts or self._over or self._error):
            if not self._wanted:
                self._wanted = True
                self._sink.more(self._exchange)
                continue  # something may have come at once
            if self._arrival is None:
                self._arrival = _Arrival()
            yield self._arrival
        if self._error is not None:
            raise self._error
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return data
