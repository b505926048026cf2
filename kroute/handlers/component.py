"""ComponentHandler: a component behind a URL, one for each request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any

import webob.exc

from ..http import Exchange, Streaming
from ..scheduler import get_scheduler
from .bridge import Bridge, Terms
from .gate import Gate
from .keeper import restarts_of
from .making import Factory, MakesComponents, options_of

__all__ = ["ComponentHandler"]

class _Held:
    """The `BodyTaker` of a body while its component is not there yet; nobody asks for it."""

    def __init__(self, exchange: Exchange) -> None:
        self.fail = exchange.fail

    def take(self, data: bytes) -> bool:
        """See `BodyTaker`."""
        return False


class ComponentHandler(MakesComponents):
    """Makes a component of each request and lets it answer. See `Making` for how it is made,
    `Bridge` for what it gets and sends, `Terms` for the options.

    methods: those that are answered, None for all. max_body: see `Handler`. stream: the component
    gets the body of a request as it comes; with False it is made when all of that is there, which
    it has to be where another component may need it. max_concurrent,
    max_queued: components at a time, and requests that wait for one of them to end (None: any
    number); any more are answered 503. restart: "on_failure" gives a request whose component
    failed before it had sent anything to another one; after max_restarts of them `within` so many
    seconds, the mount answers 503.
    """

    def __init__(
        self,
        factory: Factory,
        path: str,
        *,
        methods: Sequence[str] | None = None,
        max_body: int | None = None,
        stream: bool = True,
        max_concurrent: int | None = None,
        max_queued: int = 0,
        restart: str = "never",
        max_restarts: int = 5,
        within: float = 60.0,
        **terms: Any,
    ) -> None:
        super().__init__(factory, path)
        self.max_body = max_body
        self.streams = stream and restart == "never"
        self._methods = methods
        self._terms: Terms = options_of(Terms, path, terms)
        self._restarts = restarts_of(path, restart, max_restarts, within)
        bounds = {"max_concurrent": max_concurrent, "max_queued": max_queued}
        bounds["patience"] = self._terms.timeout
        self._gate = options_of(Gate, path, bounds)

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            self._check_method(exchange.request.method)
            self._restarts.refuse(monotonic())
        except Exception as error:
            exchange.fail(error)
            return
        enter = partial(self._enter, exchange, variables)
        sink = exchange.sink
        if not exchange.has_body:
            enter()
        elif not isinstance(sink, Streaming):
            sink.receive(exchange, self.max_body, enter)
        else:
            sink.stream(exchange, self.max_body, _Held(exchange))
            if not exchange.done:  # by a 413
                enter()

    def _enter(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """Have a component answer, now or when it is its turn."""
        try:
            self._gate.enter(exchange, partial(self._run, exchange, variables))
        except Exception as error:
            exchange.fail(error)

    def _run(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """Have a component answer."""
        try:
            part = self.make(exchange.request, variables)
        except Exception as error:
            self._gate.leave()
            exchange.fail(error)
            return
        again = partial(self._again, exchange, variables)
        bridge = Bridge(exchange, part, self._terms, self._gate.leave, again, self.max_body)
        bridge.activate(Scheduler=get_scheduler())

    def _again(self, exchange: Exchange, variables: dict[str, Any]) -> bool:
        """Have another component answer, after one that failed; returns whether there is one."""
        if not self._restarts.again(exchange):
            return False
        body = exchange.request.environ["wsgi.input"]
        if body.seekable():  # an empty one is not
            body.seek(0)
        self._gate.enter_again(lambda: self._run(exchange, variables))
        return True

    def _check_method(self, method: str) -> None:
        if self._methods is not None and method not in self._methods:
            allow = ", ".join(self._methods)
            raise webob.exc.HTTPMethodNotAllowed(
                f"{method} is not among the methods of this URL: {allow}.",
                headers=[("Allow", allow)],
            )
