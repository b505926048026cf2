"""`Redirect`, `Static`: paths that lead elsewhere, by an answer or by name only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._routes import RoutesRoute
from .conditions import Conditions
from .match import Miss, allow_methods
from .place import Place
from .template import Template
from .urls import fill, local_reference

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["Redirect", "Static"]

E = TypeVar("E")


class Redirect(Generic[E]):
    """A path that answers with another: `destination`, filled with the path's values."""

    __slots__ = (
        "code",
        "conditions",
        "destination",
        "methods",
        "name",
        "place",
        "route",
        "template",
    )

    def __init__(
        self,
        template: Template,
        route: RoutesRoute,
        destination: Template,
        code: int,
        conditions: Conditions,
        name: str | None,
        place: Place,
    ) -> None:
        self.template = template
        self.route = route
        self.destination = destination
        self.code = code
        self.methods = conditions.methods
        if self.methods is not None and "GET" in self.methods:
            self.methods |= {"HEAD"}
        self.conditions = conditions.others
        self.name = name
        self.place = place

    @property
    def path(self) -> str:
        return self.template.source

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(self.template.names)

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods it is for, with OPTIONS, in kroute's order; ``()`` for any method."""
        return () if self.methods is None else allow_methods(self.methods)

    def ask(
        self,
        owner: URLMap[E],
        method: str,
        path: str,
        environ: Mapping[str, Any] | None,
        values: dict[str, str],
    ) -> Miss:
        """The redirect, or the methods it is for."""
        if self.methods is not None and method not in self.methods:
            return Miss(self.allow)
        to = fill(self.destination, values, self.path, keep_slashes=True)
        return Miss((), local_reference(to), self.code)


class Static:
    """A named URL that is built and never matched."""

    __slots__ = ("name", "place", "template")

    def __init__(self, template: Template, name: str, place: Place) -> None:
        self.template = template
        self.name = name
        self.place = place

    @property
    def path(self) -> str:
        return self.template.source
