"""Binding, bind: how the variables of a route become the arguments of a handler.

All of it is worked out when a handler is registered; what does not fit is an error then.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import re
import types
import typing
import uuid
from collections.abc import Callable, Collection
from typing import Any

import webob.exc

from ..routing import HandlerTable, Place, RouteError

__all__ = ["Binding", "bind"]

Converter = Callable[[str], Any]

MAX_DIGITS = 4000
INTEGER = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}")
UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{32}")
FLOAT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def _integer(text: str) -> int:
    # int() takes "1_000", " 1" and Arabic digits too.
    plain = text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS
    if not (plain or INTEGER.fullmatch(text)):
        raise ValueError(text)
    return int(text)


def _float(text: str) -> float:
    number = float(text) if FLOAT.fullmatch(text) else math.inf
    if math.isinf(number):
        raise ValueError(text)
    return number


def _uuid(text: str) -> uuid.UUID:
    if not UUID.fullmatch(text):  # UUID() takes braces, "urn:" and hyphens anywhere too
        raise ValueError(text)
    return uuid.UUID(text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


CONVERTERS: dict[object, Converter] = {
    int: _integer,
    float: _float,
    uuid.UUID: _uuid,
    bytes: _bytes,
}


ARRIVES = frozenset((None, str, object, *CONVERTERS))
KINDS = "str, int, float, uuid.UUID, bytes"


class Binding:
    """The variables of a route whose parameters are annotated with a type that they arrive as.

    converters: by name. takes_bytes: whether one of them is `bytes`.
    """

    __slots__ = ("converters", "takes_bytes")

    def __init__(self, converters: dict[str, Converter]) -> None:
        self.converters = converters
        self.takes_bytes = _bytes in converters.values()

    def convert(self, variables: dict[str, Any]) -> dict[str, Any]:
        """`variables`, each as its parameter wants it. Raises HTTPNotFound where one cannot be.

        They themselves stay text: the request and `url_for` have them too.
        """
        variables = variables.copy()
        for name, converter in self.converters.items():
            value = variables.get(name)
            if isinstance(value, str):
                try:
                    variables[name] = converter(value)
                except ValueError:
                    raise webob.exc.HTTPNotFound() from None
        return variables


def bind(function: Callable[..., Any], table: HandlerTable[Any]) -> Binding:
    """Fit `function(request, **variables)` to the variables of `table`.

    Raises RouteError, with the place of the function, where they do not fit.
    """
    place = Place.of(function)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise RouteError(
            f"cannot see the parameters of {function!r}: {error}", path=table.path, place=place
        ) from error
    problem = _misfit(parameters, table.variables, table.optional)
    if problem:
        raise RouteError(f"{_name_of(function)}() {problem}", path=table.path, place=place)
    hints = _annotations(function)
    for name in table.variables:
        if (kind := _plain(hints.get(name))) not in ARRIVES:
            problem = f"wants {name!r} as {kind.__name__}; a variable arrives as one of {KINDS}"
            raise RouteError(f"{_name_of(function)}() {problem}", path=table.path, place=place)
    converters = {
        name: converter
        for name in table.variables
        if (converter := CONVERTERS.get(_plain(hints.get(name)))) is not None
    }
    return Binding(converters)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", None) or type(function).__name__


def _misfit(
    parameters: list[inspect.Parameter], variables: Collection[str], optional: Collection[str]
) -> str:
    """What is wrong with the parameters of a handler for a route with these variables."""
    if not parameters or parameters[0].kind is parameters[0].KEYWORD_ONLY:
        return "takes no argument; the first one of a handler is the request"
    first, *rest = parameters
    if first.kind is first.VAR_KEYWORD:
        return "takes keywords only; the first argument of a handler is the request"
    named = {p.name: p for p in rest if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_all = any(p.kind is p.VAR_KEYWORD for p in rest)
    for name in sorted(variables):
        if name == first.name and first.kind is not first.POSITIONAL_ONLY:
            return f"calls its first argument {name!r}, as the path calls a variable"
        if name not in named and not takes_all:
            return f"has no parameter {name!r}, which the path has; it has {_list(named)}"
    for parameter in rest:
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            continue
        if parameter.name not in variables:
            return f"needs {parameter.name!r}, which the path does not have; it has " + _list(
                variables
            )
        if parameter.name in optional:
            return f"needs {parameter.name!r}, which the path may lack; give it a default"
    return ""


def _list(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """Types by parameter, also where they are written as text."""
    function = getattr(function, "func", function)  # functools.partial
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        function = type(function).__call__
    function = inspect.unwrap(function)
    found = {}
    for name, hint in getattr(function, "__annotations__", {}).items():
        # One by one: in others there may be a name that exists for type checkers only.
        with contextlib.suppress(Exception):
            one = types.SimpleNamespace(__annotations__={name: hint})
            found.update(typing.get_type_hints(one, getattr(function, "__globals__", {})))
    return found


def _plain(hint: Any) -> Any:
    """`int` for `int | None`; what cannot be a key of a dict is nothing that is converted."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        hint = kinds[0] if len(kinds) == 1 else None
    return hint if isinstance(hint, type) else None
