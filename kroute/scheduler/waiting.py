"""sleep, in_thread: waiting that blocks nobody.

For handlers and for the main() of components alike::

    yield from sleep(0.5)
    rows = yield from in_thread(connection.execute, query)
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from .coroutine import Waiting
from .scheduler import get_scheduler
from .timers import Timer

__all__ = ["in_thread", "sleep"]

T = TypeVar("T")


class _Sleeping(Waiting):
    """Done after a time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._timer: Timer | None = None

    def start(self) -> None:
        self._timer = get_scheduler().call_later(self._seconds, self.finish)

    def cancel(self) -> None:
        super().cancel()
        if self._timer is not None:
            self._timer.cancel()


class _InThread(Waiting):
    """Done when a call in another thread has returned or raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self._call = call
        self.future: Future[Any] | None = None

    def start(self) -> None:
        scheduler = get_scheduler()
        self.future = scheduler.pool.submit(self._call)
        self.future.add_done_callback(lambda future: scheduler.call_soon(self.finish))

    def cancel(self) -> None:
        super().cancel()
        if self.future is not None:
            self.future.cancel()


def _wait(waiting: Waiting) -> Generator[Waiting, None, None]:
    """Yield `waiting` until it is done; take it back if the generator is closed meanwhile."""
    try:
        while not waiting.done:
            yield waiting
    finally:
        if not waiting.done:
            waiting.cancel()


def sleep(seconds: float) -> Generator[Waiting, None, None]:
    """Go on after `seconds`; others run meanwhile. For `yield from`.

    seconds: not negative; 0 gives the others one turn.
    """
    return _wait(_Sleeping(seconds))


def in_thread(
    function: Callable[..., T], *args: Any, **kwargs: Any
) -> Generator[Waiting, None, T]:
    """Call `function(*args, **kwargs)` in a thread and return what it returns. For `yield from`.

    Raises what the function raises, and ThreadsBusy where all threads are busy and the queue in
    front of them is full. Where the generator is closed meanwhile, a call that has not begun is
    dropped; one that runs cannot be ended and its result is thrown away.
    """
    waiting = _InThread(lambda: function(*args, **kwargs))
    yield from _wait(waiting)
    assert waiting.future is not None
    result: T = waiting.future.result()
    return result
