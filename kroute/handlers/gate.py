"""Gate: how many requests one mount serves at a time, and how many wait for that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ..http import Exchange
from ..scheduler import Timer, get_scheduler
from .asking import Unavailable

__all__ = ["Gate"]


class Gate:
    """Lets so many exchanges in, and has so many more wait.

    max_concurrent: None for any number. patience: seconds that one may wait, None for any time.
    """

    def __init__(
        self, max_concurrent: int | None, max_queued: int = 0, patience: float | None = 30.0
    ) -> None:
        if (max_concurrent is not None and max_concurrent < 1) or max_queued < 0:
            raise ValueError("max_concurrent is at least 1, max_queued at least 0")
        self._max_concurrent = max_concurrent
        self._max_queued = max_queued
        self._patience = patience
        self._inside = 0
        self._queue: OrderedDict[Exchange, tuple[Callable[[], None], Timer | None]] = OrderedDict()

    def enter(self, exchange: Exchange, run: Callable[[], None]) -> None:
        """Call `run` now or when it is its turn; who ran calls `leave` in the end.

        Raises Unavailable where too many wait already.
        """
        if self._max_concurrent is None or self._inside < self._max_concurrent:
            self._inside += 1
            run()
            return
        if len(self._queue) >= self._max_queued:
            raise Unavailable("This is busy; try again later.")
        timer = None
        if self._patience is not None:
            timer = get_scheduler().call_later(self._patience, lambda: self._tired(exchange))
        self._queue[exchange] = run, timer
        exchange.on_gone = lambda: self._forget(exchange)

    def enter_again(self, run: Callable[[], None]) -> None:
        """Call `run` in the place of one that is about to leave."""
        self._inside += 1
        run()

    def leave(self) -> None:
        """One is done: let the next one in."""
        self._inside -= 1
        if self._queue:
            exchange = next(iter(self._queue))
            run, _ = self._queue[exchange]
            self._forget(exchange)
            exchange.on_gone = None
            self._inside += 1
            run()

    def _forget(self, exchange: Exchange) -> None:
        _, timer = self._queue.pop(exchange)
        if timer is not None:
            timer.cancel()

    def _tired(self, exchange: Exchange) -> None:
        self._forget(exchange)
        exchange.on_gone = None
        exchange.fail(Unavailable("This is busy; try again later."))
