"""make_handler, table_of: from what an author declares to handlers."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..http import Handler
from ..routing import Place, RouteError
from .function import FunctionHandler, GeneratorHandler, is_generator_function

__all__ = ["make_handler", "table_of"]


def make_handler(
    thing: Any, path: str, threaded: bool = False, max_body: int | None = None
) -> Handler:
    """The handler for what stands behind a URL. Raises RouteError for what cannot stand there."""
    if callable(getattr(thing, "start", None)) and hasattr(thing, "max_body"):
        handler: Handler = thing
        return handler
    problem = ""
    if not callable(thing):
        problem = f"{thing!r} is no handler: a function is, or a class with a method GET"
    elif inspect.iscoroutinefunction(thing) or inspect.isasyncgenfunction(thing):
        problem = (
            f"{thing.__name__}() is an async function; a handler that waits is a generator: "
            "'yield from sleep(1)', 'yield from in_thread(function)'"
        )
    elif inspect.isclass(thing):
        problem = f"the class {thing.__name__} stands for all methods: app.add(path, the class)"
    if problem:
        raise RouteError(problem, path=path, place=Place.of(thing))
    kind = GeneratorHandler if is_generator_function(thing) else FunctionHandler
    return kind(thing, threaded, max_body)


def table_of(thing: Any, path: str) -> Mapping[str, Any]:
    """The methods of a class-based handler table by name: its upper-case attributes.

    A class is instantiated, once, without arguments; an instance is taken as it is.
    Raises RouteError where there is none, or it cannot be made.
    """
    place = Place.of(thing)
    if inspect.isclass(thing):
        try:
            table = thing()
        except TypeError as error:
            raise RouteError(
                f"{thing.__name__} cannot be made without arguments ({error}); "
                "give an instance of it",
                path=path,
                place=place,
            ) from error
    else:
        table = thing
    methods = {
        name: getattr(table, name)
        for name in dir(type(table))
        if name.isupper() and callable(getattr(table, name))
    }
    if not methods:
        raise RouteError(
            f"{type(table).__name__} has no method called GET, PUT, POST, ...",
            path=path,
            place=place,
        )
    return methods
