"""ComponentHandler: a component behind a URL, one for each request."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from copy import copy
from typing import Any

import webob.exc
from Axon.Component import component

from ..http import Exchange
from ..routing import HandlerTable, Place, RouteError
from ..scheduler import get_scheduler
from .binding import Binding, bind
from .bridge import Bridge, Terms

__all__ = ["ComponentHandler", "is_component_class", "makes_components"]

Factory = Callable[..., component]


class ComponentHandler:
    """Makes a component of each request and lets it answer. See `Bridge` for how, `Terms` for the
    options.

    factory: a function of the request and the variables of the route; or a component class, which
    gets those of them that its `__init__` names. methods: those that are answered, None for all.
    """

    def __init__(
        self,
        factory: Factory,
        path: str,
        *,
        methods: tuple[str, ...] | None = None,
        max_body: int | None = None,
        **terms: Any,
    ) -> None:
        self.max_body = max_body
        self.takes_bytes = False
        self._factory = factory
        self._methods = None if methods is None else tuple(methods)
        self._binding = Binding({})
        try:
            self._terms = Terms(**terms)
        except TypeError as error:
            problem = f"a component takes the options {', '.join(_OPTIONS)}: {error}"
            raise RouteError(problem, path=path, place=Place.of(factory)) from error
        self._wanted = _wanted(factory, path) if is_component_class(factory) else None

    def bound(self, table: HandlerTable[Any]) -> ComponentHandler:
        """The handler as it stands behind one path, rather than under a prefix. Raises RouteError
        where its factory does not fit the variables of that."""
        if self._wanted is not None:
            return self
        handler = copy(self)
        handler._binding = bind(self._factory, table)
        handler.takes_bytes = handler._binding.takes_bytes
        return handler

    def start(self, exchange: Exchange, variables: dict[str, Any]) -> None:
        """See `Handler`."""
        try:
            self._check_method(exchange)
            part = self._make(exchange, variables)
            Bridge(exchange, part, self._terms).activate(Scheduler=get_scheduler())
        except Exception as error:
            exchange.fail(error)

    def _check_method(self, exchange: Exchange) -> None:
        method = exchange.request.method
        if self._methods is not None and method not in self._methods:
            allow = ", ".join(self._methods)
            raise webob.exc.HTTPMethodNotAllowed(
                f"{method} is not among the methods of this URL: {allow}.",
                headers=[("Allow", allow)],
            )

    def _make(self, exchange: Exchange, variables: dict[str, Any]) -> component:
        """A component for a request. Raises what the factory raises; TypeError: it made none."""
        if self._wanted is None:
            part = self._factory(exchange.request, **self._binding.convert(variables))
        else:
            known = {**variables, "request": exchange.request}
            part = self._factory(**{name: known[name] for name in self._wanted if name in known})
        if not isinstance(part, component):
            raise TypeError(f"{self._factory!r} made {part!r:.80}, which is no component")
        return part


_OPTIONS = ("methods", "max_body", *Terms.__dataclass_fields__)


def is_component_class(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, component)


def makes_components(thing: Any) -> bool:
    """Whether `thing` looks like what makes components: a class of them, or something that is
    called with a request first. (A WSGI application has an environ and a start_response there.)"""
    if is_component_class(thing):
        return True
    if inspect.isclass(thing) or not callable(thing):
        return False
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [each for each in parameters if each.kind in kinds]
    return bool(places) and (places[0].name == "request" or len(places) == 1)


def _wanted(factory: Factory, path: str) -> tuple[str, ...]:
    """What a component class is to be made with: the parameters of its `__init__`.

    Raises RouteError where it needs one that `path` cannot have.
    """
    parameters = [
        each
        for each in inspect.signature(factory).parameters.values()
        if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    for each in parameters:
        named = each.name == "request" or re.search(rf"\b{each.name}\b", path)
        if each.default is each.empty and not named:
            name = getattr(factory, "__name__", repr(factory))
            problem = (
                f"{name} needs {each.name!r}, which the path does not have: give a function, "
                f"lambda request: {name}(...)"
            )
            raise RouteError(problem, path=path, place=Place.of(factory))
    return tuple(each.name for each in parameters)
