"""`Conditions`, `read_conditions`: what else than the path a route asks of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from .capture import restore_slashes
from .errors import RouteError, nearest
from .place import Place

__all__ = ["Conditions", "read_conditions"]

E = TypeVar("E")

_KEYS = ("method", "sub_domain", "function")


class Conditions(NamedTuple):
    """`methods` (None for all), and `others` as Routes takes them: `sub_domain` and `function`."""

    methods: frozenset[str] | None
    others: dict[str, Any]

    def key(self) -> tuple[Any, ...]:
        """The same for conditions that are the same; methods are no part of it."""
        domain = self.others.get("sub_domain", ())
        return (
            tuple(domain) if isinstance(domain, list) else domain,
            self.others.get("function"),
        )

    def for_routes(self) -> dict[str, Any]:
        """`others`, with the function seeing values as the handler will: slashes put back."""
        function = self.others.get("function")
        if function is None:
            return dict(self.others)
        return {**self.others, "function": _after_slashes(function)}

    def restrict(
        self, handlers: Mapping[str, E], path: str, place: Place | None
    ) -> Mapping[str, E]:
        """`handlers` under these methods; raises `RouteError` for one that is never asked."""
        if self.methods is None:
            return handlers
        for method in handlers:
            if method != "*" and method not in self.methods:
                raise RouteError(
                    f"{method} is handled, but the conditions let only "
                    f"{', '.join(sorted(self.methods))} through",
                    path=path,
                    place=place,
                )
        named = {method: handler for method, handler in handlers.items() if method != "*"}
        if "*" in handlers:
            any_method = handlers["*"]
            named = {**dict.fromkeys(sorted(self.methods), any_method), **named}
        return named


def read_conditions(given: Mapping[str, Any] | None, path: str, place: Place | None) -> Conditions:
    """Routes' `conditions`, checked. A method given as text is one method, not letters to look in.

    Raises `RouteError`: a condition that does not exist, or of a kind that would never hold.
    """
    conditions = dict(given or {})
    for key in conditions:
        if key not in _KEYS:
            close = nearest(key, _KEYS)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(_KEYS)}"
            raise RouteError(f"there is no condition {key!r}; {hint}", path=path, place=place)
    methods = conditions.pop("method", None)
    if methods is not None:
        methods = frozenset([methods] if isinstance(methods, str) else methods)
    problem = ""
    domain = conditions.get("sub_domain")
    function = conditions.get("function")
    if isinstance(domain, str):
        problem = (
            f"write sub_domain=[{domain!r}]: a list of names, or True or False for any or none"
        )
    elif isinstance(domain, (tuple, set, frozenset)):
        conditions["sub_domain"] = sorted(domain)  # Routes looks into a list only
    if function is not None and not callable(function):
        problem = f"the condition 'function' is {function!r}, which cannot be called"
    if problem:
        raise RouteError(problem, path=path, place=place)
    return Conditions(methods, conditions)


def _after_slashes(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def condition(environ: Any, values: dict[str, Any]) -> Any:
        restore_slashes(values)
        return function(environ, values)

    return condition
