"""WSGIHandler, is_wsgi, mounted_wsgi: a WSGI application (PEP 3333) behind a URL."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

import webob.exc

from ..http import Exchange, Streaming
from ..routing import Place, RouteError
from ..scheduler import ThreadsBusy, get_scheduler
from .workers import IDLE, Workers
from .wsgi_call import Application, Call

__all__ = ["WSGIHandler", "is_wsgi", "mounted_wsgi"]

OPTIONS = ("threads", "queue", "stuck_after", "max_body", "stream")


class WSGIHandler:
    """A WSGI application, run in threads of its own.

    threads: how many requests it has at a time. queue: how many more wait for a thread; beyond
    that, the answer is 503. stuck_after: seconds without a sign of life after which a request is
    given up: reported with the stack of its thread, answered 504 or cut, and its thread replaced.
    max_body: see `Handler`. stream: the application reads the body of a request as it comes; with
    False it is called when all of that is there. name: what the log calls the application.
    """

    takes_bytes = True  # what it makes of its path is its own business

    def __init__(
        self,
        application: Application,
        threads: int = 8,
        *,
        queue: int = 128,
        stuck_after: float = 60.0,
        max_body: int | None = None,
        stream: bool = True,
        name: str = "",
    ) -> None:
        if threads < 1 or queue < 0 or not stuck_after > 0:
            raise ValueError("threads and stuck_after are at least 1, queue is not negative")
        self.function = application
        self.max_body = max_body
        self.streams = stream
        self.name = name or _name_of(application)
        self._workers = Workers(threads, queue, f"kroute {self.name}")
        self._stuck_after = stuck_after
        self._next_look = 0.0

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        if exchange.has_body and not isinstance(exchange.sink, Streaming):
            exchange.sink.receive(exchange, self.max_body, partial(self._begin, exchange))
        else:
            self._begin(exchange)

    def _begin(self, exchange: Exchange) -> None:
        """Have a thread call the application."""
        call = Call(self.function, self.name, exchange, get_scheduler())
        exchange.on_gone = call.abandon
        if exchange.has_body and not call.stream(self.max_body):
            return
        try:
            self._workers.submit(call)
        except ThreadsBusy:
            call.abandon()
            busy = "All threads of this application are busy; try again."
            exchange.fail(webob.exc.HTTPServiceUnavailable(busy, headers=[("Retry-After", "1")]))
            return
        now = monotonic()
        if now >= self._next_look:
            self._look_later(now)

    def _look_later(self, now: float) -> None:
        """Look for threads that are stuck in a while. By time, not by what is armed: a scheduler
        that was stopped has forgotten its timers."""
        pause = min(self._stuck_after / 2, IDLE)
        self._next_look = now + pause
        get_scheduler().call_later(pause, self._look)

    def _look(self) -> None:
        now = monotonic()
        running = self._workers.running()
        for job, thread in running.items():
            if isinstance(job, Call) and job.is_stuck(now - self._stuck_after):
                job.give_up(thread)
                self._workers.replace(job)
        if self._workers.trim() or running:
            self._look_later(now)


def is_wsgi(thing: Any) -> bool:
    """Whether `thing` is called as a WSGI application is: with two arguments, by position.

    Not one that can do without them, which is a factory; nor one whose first is a `request`, which
    is a handler.
    """
    if not callable(thing) or inspect.iscoroutinefunction(thing):
        return False
    try:
        signature = inspect.signature(thing)
        signature.bind({}, None)
    except TypeError:
        return False
    except ValueError:
        return True  # written in C, and does not say
    first, *others = signature.parameters.values()
    return first.name != "request" and all(
        each.default is each.empty for each in (first, *others[:1])
    )


def mounted_wsgi(
    application: Application, prefix: str, place: Place, options: Mapping[str, Any]
) -> WSGIHandler:
    """The handler for an application under a prefix, of which the log is to know too. Raises
    RouteError for options that it does not have."""
    unknown = options.keys() - set(OPTIONS)
    try:
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no option; there are {', '.join(OPTIONS)}")
        name = f"{_name_of(application)} at {prefix or '/'}"
        return WSGIHandler(application, **{"name": name, **options})
    except ValueError as error:
        raise RouteError(f"a WSGI application: {error}", path=prefix, place=place) from error


def _name_of(application: Any) -> str:
    """`module.function`, or `module.Class` for an instance of one."""
    if not hasattr(application, "__qualname__"):
        application = type(application)
    return f"{application.__module__}.{application.__qualname__}"
