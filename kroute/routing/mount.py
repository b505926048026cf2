"""`Mount`: a prefix, and what takes everything under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._routes import RoutesRoute
from .capture import restore_slashes
from .match import Match, Miss
from .place import Place
from .template import Template
from .urls import quote_path

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["REST", "Mount"]

E = TypeVar("E")

_REST_NAME = "path_info"
# What follows a mount's prefix: nothing, or a slash and anything (line ends too).
REST = f"{{{_REST_NAME}:(?s:/.*)?}}"


class Mount(Generic[E]):
    """A prefix and what takes everything under it: an `endpoint`, or another map (`target`)."""

    __slots__ = ("endpoint", "name", "place", "prefix", "route", "target", "template", "variables")

    def __init__(
        self,
        template: Template,
        route: RoutesRoute,
        target: URLMap[E] | None,
        endpoint: E | None,
        name: str | None,
        place: Place,
    ) -> None:
        self.template = template
        self.prefix = template.source
        self.route = route
        self.target = target
        self.endpoint = endpoint
        self.name = name
        self.place = place
        self.variables = frozenset(template.names)

    @property
    def path(self) -> str:
        return self.prefix

    def split(self, path: str) -> tuple[dict[str, str], str, str] | None:
        """The prefix's values, the prefix in `path`, and the rest; None if not under it."""
        found = self.route.regmatch.match(path)
        if found is None:
            return None
        at = found.start(_REST_NAME)
        if not self.variables:
            return {}, path[:at], path[at:]
        values = {name: value for name, value in found.groupdict().items() if value is not None}
        del values[_REST_NAME]
        return values, path[:at], path[at:]

    def ask(
        self,
        owner: URLMap[E],
        method: str,
        path: str,
        environ: Mapping[str, Any] | None,
        values: dict[str, str],
    ) -> Match[E] | Miss | None:
        """What is behind the prefix says to `path`; None if that is not under it."""
        split = self.split(path)
        if split is None:
            return None
        values, consumed, rest = split
        restore_slashes(values)
        if self.target is None:
            endpoint: Any = self.endpoint
            return Match(endpoint, values, self, (owner,), rest, consumed)
        answer = self.target.resolve(method, rest or "/", environ)
        if isinstance(answer, Match):
            answer.maps = (owner, *answer.maps)
            answer.prefixes = ("", *[consumed + prefix for prefix in answer.prefixes])
            answer.script_name = consumed + answer.script_name
            answer.variables = {**values, **answer.variables}
        elif answer.redirect is not None and answer.redirect.startswith("/"):
            to = quote_path(consumed) + answer.redirect
            return Miss(answer.allow, to, answer.code, answer.keep_query)
        elif not answer.allow and answer.redirect is None:
            return None
        return answer

    def __repr__(self) -> str:
        return f"<Mount {self.prefix!r} at {self.place}>"
