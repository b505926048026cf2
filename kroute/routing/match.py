"""`Match`, `Miss`, `allow_methods`: the two answers a URL map can give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from .mount import Mount
    from .redirect import Redirect
    from .table import HandlerTable
    from .urlmap import URLMap

__all__ = ["Match", "Miss", "allow_methods"]

E = TypeVar("E")

_ALLOW_ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_RANK = {method: rank for rank, method in enumerate(_ALLOW_ORDER)}


class Match(Generic[E]):
    """What stands behind a URL, and what the URL said.

    - `endpoint`: what was declared for the method.
    - `variables`: the path's values and the route's defaults by name; a fresh dict each time.
      A part that is not there (a ``{.format}`` left out) is not in it.
    - `table`: the `HandlerTable`, or the `Mount`, that answered.
    - `maps`: the maps gone through, outermost first; `prefixes` the path that each of them is
      relative to, the first always ``''``.
    - `script_name`: what the mounts consumed, ``''`` without mounts; `path_info`: what was left.
      Both are routing paths (`kroute.routing.paths`).
    """

    __slots__ = ("endpoint", "maps", "path_info", "prefixes", "script_name", "table", "variables")

    def __init__(
        self,
        endpoint: E,
        variables: dict[str, str],
        table: HandlerTable[E] | Mount[E] | Redirect[E],
        maps: tuple[URLMap[E], ...],
        path_info: str,
        script_name: str = "",
        prefixes: tuple[str, ...] = ("",),
    ) -> None:
        self.endpoint = endpoint
        self.variables = variables
        self.table = table
        self.maps = maps
        self.path_info = path_info
        self.script_name = script_name
        self.prefixes = prefixes

    def __repr__(self) -> str:
        return f"<Match {self.endpoint!r} {self.variables!r} by {self.table!r}>"


class Miss:
    """Why nothing answers. One may be handed out many times: do not change it.

    - `allow`: the methods that the path is answered by: ``()`` for a 404, otherwise the `Allow` of
      a 405 or of an answer to OPTIONS.
    - `redirect`: where to send the client instead, or None; percent-encoded, a path relative to
      the outermost map (SCRIPT_NAME goes in front) unless it has a scheme. `code` is the status;
      `keep_query` says whether the request's query goes with it.
    """

    __slots__ = ("allow", "code", "keep_query", "redirect")

    def __init__(
        self,
        allow: tuple[str, ...] = (),
        redirect: str | None = None,
        code: int = 0,
        keep_query: bool = False,
    ) -> None:
        self.allow = allow
        self.redirect = redirect
        self.code = code or (405 if allow else 404)
        self.keep_query = keep_query

    @property
    def final(self) -> bool:
        """Whether it was declared (`redirect`), so that no later route is asked any more."""
        return self.redirect is not None and not self.keep_query

    def __repr__(self) -> str:
        where = f" -> {self.redirect}" if self.redirect is not None else ""
        return f"<Miss {self.code} allow={','.join(self.allow)}{where}>"


def allow_methods(methods: Iterable[str]) -> tuple[str, ...]:
    """`methods` with what they imply, in the one order kroute gives them.

    GET implies HEAD, anything implies OPTIONS. The order: GET, HEAD, POST, PUT, PATCH, DELETE,
    OPTIONS, then others by alphabet. ``*`` (any method) is no token and is left out.

    Sources: RFC 9110, 9.3.2 (HEAD), 9.3.7 (OPTIONS), 10.2.1 (Allow).
    """
    found = set(methods)
    if not found:
        return ()
    found.discard("*")
    if "GET" in found:
        found.add("HEAD")
    found.add("OPTIONS")
    return tuple(sorted(found, key=lambda method: (_RANK.get(method, len(_RANK)), method)))
