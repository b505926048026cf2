"""Making: from a request to a component, by a factory or a class of an author."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import webob
from Axon.Component import component

from ..routing import HandlerTable, Place, RouteError
from .binding import Binding, bind

__all__ = [
    "Factory",
    "MakesComponents",
    "Making",
    "is_component_class",
    "makes_components",
    "options_of",
]

Factory = Callable[..., component]
H = TypeVar("H", bound="MakesComponents")


class Making:
    """Calls what makes components.

    factory: a function of the request and the variables of the route; or a component class, which
    gets those of them that its `__init__` names. Raises RouteError where it needs others.
    """

    def __init__(self, factory: Factory, path: str) -> None:
        if not makes_components(factory):
            problem = f"{factory!r} makes no components: a function of a request does, or a class"
            raise RouteError(problem, path=path, place=Place.of(factory))
        self._factory = factory
        self.binding = Binding({})
        self._wanted = _wanted(factory, path) if is_component_class(factory) else None

    def bound(self, table: HandlerTable[Any]) -> Making:
        """What makes components behind one path, rather than under a prefix. Raises RouteError
        where the factory does not fit the variables of that."""
        if self._wanted is not None:
            return self
        making = copy(self)
        making.binding = bind(self._factory, table)
        return making

    def __call__(self, request: webob.Request, variables: dict[str, Any]) -> component:
        """A component for a request. Raises what the factory raises; TypeError: it made none."""
        if self._wanted is None:
            part = self._factory(request, **self.binding.convert(variables))
        else:
            known = {**variables, "request": request}
            part = self._factory(**{name: known[name] for name in self._wanted if name in known})
        if not isinstance(part, component):
            raise TypeError(f"{self._factory!r} made {part!r:.80}, which is no component")
        return part


class MakesComponents:
    """The part of a `Handler` that is the same for all that make components."""

    max_body: int | None = None
    takes_bytes = False
    streams = False

    def __init__(self, factory: Factory, path: str) -> None:
        self.make = Making(factory, path)

    def bound(self: H, table: HandlerTable[Any]) -> H:
        """The handler as it stands behind one path. Raises RouteError as `Making.bound` does."""
        handler = copy(self)
        handler.make = self.make.bound(table)
        handler.takes_bytes = handler.make.binding.takes_bytes
        return handler


def options_of(kind: Any, path: str, options: dict[str, Any]) -> Any:
    """An object of options. Raises RouteError for one that it does not have or take; the place is
    left to who declares, as the thing that has the options may be anybody's."""
    known = inspect.signature(kind).parameters
    unknown = options.keys() - known.keys()
    if unknown:
        problem = f"{min(unknown)!r} is no option here; there are {', '.join(known)}"
        raise RouteError(problem, path=path)
    try:
        return kind(**options)
    except RouteError:
        raise
    except ValueError as error:
        raise RouteError(str(error), path=path) from error


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

    Raises RouteError where it needs one that `path` cannot have; the place is left to who
    declares, as the class may be anybody's.
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
            raise RouteError(problem, path=path)
    return tuple(each.name for each in parameters)
