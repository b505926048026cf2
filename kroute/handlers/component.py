"""ComponentHandler: a component behind a URL, one for each request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import webob.exc

from ..http import Exchange
from ..scheduler import get_scheduler
from .bridge import Bridge, Terms
from .making import Factory, MakesComponents, options_of

__all__ = ["ComponentHandler"]


class ComponentHandler(MakesComponents):
    """Makes a component of each request and lets it answer. See `Making` for how it is made,
    `Bridge` for what it gets and sends, `Terms` for the options.

    methods: those that are answered, None for all. max_body: see `Handler`.
    """

    def __init__(
        self,
        factory: Factory,
        path: str,
        *,
        methods: Sequence[str] | None = None,
        max_body: int | None = None,
        **terms: Any,
    ) -> None:
        super().__init__(factory, path)
        self.max_body = max_body
        self._methods = methods
        self._terms: Terms = options_of(Terms, factory, path, terms)

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            self._check_method(exchange.request.method)
            part = self.make(exchange.request, variables)
            Bridge(exchange, part, self._terms).activate(Scheduler=get_scheduler())
        except Exception as error:
            exchange.fail(error)

    def _check_method(self, method: str) -> None:
        if self._methods is not None and method not in self._methods:
            allow = ", ".join(self._methods)
            raise webob.exc.HTTPMethodNotAllowed(
                f"{method} is not among the methods of this URL: {allow}.",
                headers=[("Allow", allow)],
            )
