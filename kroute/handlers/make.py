"""make_handler, make_mounted, bind_handler, table_of, actions_of: from what an author declares to
handlers."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from ..http import Handler
from ..routing import HandlerTable, Place, RouteError
from .component import ComponentHandler
from .function import (
    FunctionHandler,
    GeneratorHandler,
    StreamingHandler,
    is_async_function,
    is_generator_function,
)
from .making import MakesComponents, is_component_class, makes_components
from .unattended import finishes
from .wsgi import is_wsgi, mounted_wsgi

__all__ = ["actions_of", "bind_handler", "make_handler", "make_mounted", "table_of"]


def make_handler(
    thing: Any,
    path: str,
    threaded: bool = False,
    max_body: int | None = None,
    stream: bool = False,
    on_disconnect: str = "stop",
) -> Handler:
    """The handler for what stands behind a URL. Raises RouteError for what cannot stand there."""
    if callable(getattr(thing, "start", None)) and hasattr(thing, "max_body"):
        handler: Handler = thing
        return handler
    if is_component_class(thing):
        return ComponentHandler(thing, path, max_body=max_body, on_disconnect=on_disconnect)
    finish = finishes(on_disconnect, thing, path)
    problem = ""
    if not callable(thing):
        problem = f"{thing!r} is no handler: a function is, or a class with a method GET"
    elif is_async_function(thing):
        name = getattr(thing, "__name__", None) or repr(thing)
        problem = (
            f"{name} is an async function; a handler that waits is a generator: "
            "'yield from sleep(1)', 'yield from in_thread(function)'"
        )
    elif inspect.isclass(thing):
        problem = f"the class {thing.__name__} stands for all methods: app.add(path, the class)"
    elif stream and (threaded or not is_generator_function(thing)):
        problem = "stream=True is for generator functions outside of threads, which can wait"
    elif max_body is not None and not isinstance(max_body, int):
        problem = f"max_body is a number of bytes, not {max_body!r}"
    if problem:
        raise RouteError(problem, path=path, place=Place.of(thing))
    if stream:
        return StreamingHandler(thing, False, max_body, finish)
    kind = GeneratorHandler if is_generator_function(thing) else FunctionHandler
    return kind(thing, threaded, max_body, finish)


def make_mounted(target: Any, prefix: str, place: Place, **options: Any) -> Handler:
    """The handler for what everything under a prefix is given to.

    Raises RouteError for what cannot be mounted.
    """
    if callable(getattr(target, "start", None)) and hasattr(target, "max_body"):
        if options:
            name = type(target).__name__
            problem = f"{min(options)!r} is no option of a mount; those of {name} are its own"
            raise RouteError(problem, path=prefix, place=place)
        handler: Handler = target
        return handler
    if is_wsgi(target) and not is_component_class(target):
        return mounted_wsgi(target, prefix, place, options)
    if makes_components(target):
        return ComponentHandler(target, prefix, **options)
    problem = f"{target!r} is no App, no WSGI application, and makes no component"
    raise RouteError(problem, path=prefix, place=place)


def bind_handler(handler: Handler, table: HandlerTable[Handler]) -> Handler:
    """The handler for one path: bound to its variables, if it is of a kind that has arguments."""
    kinds = (FunctionHandler, MakesComponents)
    return handler.bound(table) if isinstance(handler, kinds) else handler


def table_of(thing: Any, path: str) -> Mapping[str, Any]:
    """The methods of a class-based handler table by name: its upper-case attributes.

    Raises RouteError where there is none, or the table cannot be made.
    """
    table = _instance(thing, path)
    methods = {
        name: getattr(table, name)
        for name in dir(type(table))
        if name.isupper() and callable(getattr(table, name))
    }
    if not methods:
        problem = f"{type(table).__name__} has no method called GET, PUT, POST, ..."
        if inspect.isroutine(thing):
            problem = f"a function stands for one method: GET={_name_of(thing)}, PUT=..."
        raise RouteError(problem, path=path, place=Place.of(thing))
    return methods


def actions_of(thing: Any, names: Collection[str], path: str) -> Mapping[str, Any]:
    """The methods of a resource by name: those of `names` that it has.

    Raises RouteError where there is none, or the resource cannot be made.
    """
    if isinstance(thing, Mapping):
        return thing
    resource = _instance(thing, path)
    actions = {name: getattr(resource, name) for name in names if hasattr(resource, name)}
    if not actions:
        problem = f"{type(resource).__name__} has none of the actions {', '.join(names)}"
        raise RouteError(problem, path=path, place=Place.of(thing))
    return actions


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", None) or "function"


def _instance(thing: Any, path: str) -> Any:
    """One object of a class, made without arguments; anything else as it is."""
    if not inspect.isclass(thing):
        return thing
    try:
        inspect.signature(thing).bind()
    except TypeError as error:
        raise RouteError(
            f"{thing.__name__} cannot be made without arguments ({error}); give an instance of it",
            path=path,
            place=Place.of(thing),
        ) from error
    return thing()
