"""Unattended: where answers go whose client is gone. ON_DISCONNECT, finishes: what a route asks
for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..http import READER, Exchange
from ..routing import Place, RouteError
from ..scheduler import ReactiveComponent, get_scheduler

__all__ = ["ON_DISCONNECT", "Unattended", "finishes"]

log = logging.getLogger("kroute.handlers")

ON_DISCONNECT = ("stop", "finish")
"""What becomes of a handler whose client goes away."""


def finishes(on_disconnect: str, thing: Any, path: str) -> bool:
    """Whether a handler goes on to its end. Raises RouteError for what is no such option."""
    if on_disconnect not in ON_DISCONNECT:
        problem = f"on_disconnect={on_disconnect!r}: there are {' and '.join(ON_DISCONNECT)}"
        raise RouteError(problem, path=path, place=Place.of(thing))
    return on_disconnect == "finish"


class Unattended(ReactiveComponent):
    """The `Sink` of a handler that goes on to its end although its client is gone: what it answers
    is thrown away, and it is never made to wait.

    A component, so that a server that stops can see that somebody is still at work.
    """

    Inboxes = {"inbox": "not used", "control": "not used"}
    Outboxes = {"outbox": "not used", "signal": "not used"}

    MOST = 10_000
    """Handlers at work for clients that are gone. More of them are stopped: no limit of
    connections holds those who come only to go."""

    _at_work = 0

    @classmethod
    def take(cls, exchange: Exchange) -> bool:
        """Be the sink of an exchange from now on, if there are not too many. For its `on_gone`."""
        if cls._at_work >= cls.MOST:
            log.warning("%s is stopped: %d others finish without a client", exchange, cls.MOST)
            return False
        sink = cls()
        sink.activate(Scheduler=get_scheduler())
        exchange.sink = sink
        exchange.done = False  # there is a handler that will come to its end
        reader = exchange.request.environ.get(READER)
        if reader is not None:
            reader.fail(ConnectionAbortedError("the client went away before the end of its body"))
        return True

    def on_start(self) -> None:
        type(self)._at_work += 1

    def on_end(self) -> None:
        type(self)._at_work -= 1

    def react(self) -> None:
        """Nobody sends anything."""

    def whole(self, exchange: Exchange, response: Any, body: bytes) -> None:
        """See `Sink`."""
        self.end(exchange)

    def start(self, exchange: Exchange, response: Any, length: int | None) -> bool:
        """See `Sink`."""
        exchange.started = True
        return True

    def data(self, exchange: Exchange, data: bytes) -> bool:
        """See `Sink`."""
        return True

    def part(self, exchange: Exchange, part: Any) -> bool:
        """See `SendsFiles`: where the client went between two parts of a file."""
        return True

    def end(self, exchange: Exchange) -> None:
        """See `Sink`."""
        exchange.done = True
        exchange.request.environ["wsgi.input"].close()
        self.finish()

    def cut(self, exchange: Exchange) -> None:
        """See `Sink`."""
        self.end(exchange)

    def receive(self, exchange: Exchange, limit: int | None, ready: Callable[[], None]) -> None:
        """See `Sink`. There is nothing to be received any more."""

    def later(self, callback: Callable[[], None]) -> None:
        """See `Sink`."""
        get_scheduler().call_soon(callback)


__kamaelia_components__ = (Unattended,)
