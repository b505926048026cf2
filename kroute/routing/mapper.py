r"""`Mapper`, `Route`: Routes' own, in definition order and behind an index.

`Mapper` is a `routes.Mapper` and stands wherever one does. Three things differ:

- **first declared, first matched**, as Routes' documents promise (2.5 tries the longest static
  prefix first);
- a route ends where the path ends: ``/foo`` does not match ``/foo\n`` (Routes' ``$`` does);
- a route connected after `create_regs` is matched too, and so is a changed `prefix`.

Whether a route matches is still decided by the route's own `match`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ._routes import RoutesException, RoutesMapper, RoutesRoute
from .index import Index
from .shape import ANY_PATH, Shape, shapes_of

__all__ = ["Mapper", "Route"]


class Route(RoutesRoute):
    r"""A `routes.route.Route` that ends at the end: ``\Z`` where Routes writes ``$``.

    Its regex is compiled when it is first needed; the map often does without.
    """

    _regmatch: re.Pattern[str] | None = None

    def makeregexp(self, clist: Iterable[str], include_names: bool = True) -> str | None:
        """Make the regex that `match` goes by; see Routes."""
        if self.minimization:
            text = self._minimized(clist, include_names)
        else:
            text = "^" + self.buildfullreg(clist, include_names)
        if not include_names:
            return text
        self.regexp = text.removesuffix("$") + r"\Z"
        self._regmatch = None
        return None

    def _minimized(self, clist: Iterable[str], include_names: bool) -> str:
        text: str = self.buildnextreg(self.routelist, clist, include_names)[0] or "/"
        text += "/?$"
        return "^" + (text if text.startswith("/") else "/" + text)

    @property
    def regmatch(self) -> re.Pattern[str]:
        """The compiled regex; raises `re.error` if the declaration makes none."""
        compiled = self._regmatch
        if compiled is None:
            compiled = self._regmatch = re.compile(self.regexp)
        return compiled


class Mapper(RoutesMapper):
    """`routes.Mapper`, matching in definition order through an `Index`. Same arguments.

    Safe to match on from several threads, also while another one connects.
    """

    def __init__(self, *args: Any, **kargs: Any) -> None:
        super().__init__(*args, **kargs)
        self._index: Index[RoutesRoute] | None = None
        self._indexed = 0
        self._controllers: list[str] = []
        self._prefix: str | None = None

    def make_route(self, *args: Any, **kargs: Any) -> RoutesRoute:
        """A `Route`; override to use another class."""
        return Route(*args, **kargs)

    def connect(self, *args: Any, **kargs: Any) -> None:
        """Declare a route; see `routes.Mapper.connect`. It may come late."""
        super().connect(*args, **kargs)
        self._index = None

    def add_route(self, route: RoutesRoute, name: str | None = None) -> None:
        """Put a route that is already made last in the order; `connect` without the making."""
        self.matchlist.append(route)
        self.maxkeys.setdefault(route.maxkeys, []).append(route)
        self._created_gens = False
        self._index = None
        if name is not None:
            self.name_route(name, route)

    def name_route(self, name: str, route: RoutesRoute) -> None:
        """Let `generate` find the route under `name` (under further names, too)."""
        self._routenames[name] = route
        route.name = route.name or name

    def _create_regs(self, clist: Iterable[str] | None = None) -> None:
        self._controllers = list(self._scan() if clist is None else clist)
        self._make_index()
        self._created_regs = True

    def _scan(self) -> Iterable[str]:
        scan = self.controller_scan
        if self.directory and callable(scan):
            return scan(self.directory)
        return scan() if callable(scan) else scan or ()

    def _make_index(self) -> Index[RoutesRoute]:
        routes = list(self.matchlist)
        # Routes makes the regexes of routes that only generate as well; nothing uses those.
        for route in routes:
            route.makeregexp(self._controllers)
        index = Index((route, shapes_of_route(route)) for route in routes if not route.static)
        self._indexed = len(routes)
        self._index = index
        return index

    def _current_index(self) -> Index[RoutesRoute]:
        index = self._index
        # The length tells of routes put into matchlist behind connect's back.
        if index is not None and self._indexed == len(self.matchlist):
            return index
        with self.create_regs_lock:
            return self._make_index()

    def _match(
        self, url: str, environ: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any] | bool | None, RoutesRoute | None, list[dict[str, Any]]]:
        if not self._created_regs and not self.controller_scan:
            raise RoutesException("You must generate the regular expressions before matching.")
        if self.always_scan or not self._created_regs:
            self.create_regs()
        log: list[dict[str, Any]] = []
        if self.prefix:
            stripped = self._without_prefix(url)
            if stripped is None:
                return None, None, log
            url = stripped
        environ = environ or self.environ
        for _, route in self._current_index().candidates(url):
            match = route.match(
                url, environ, self.sub_domains, self.sub_domains_ignore, self.domain_match
            )
            if self.debug:
                log.append({"route": route, "regexp": bool(match)})
            # A match may be {}, which is not False.
            if isinstance(match, dict) or match:
                return match, route, log
        return None, None, log

    def _without_prefix(self, url: str) -> str | None:
        """`url` without the prefix, which is a regex in Routes and has no boundary."""
        prefix = self.prefix
        if self._regprefix is None or prefix != self._prefix:
            self._regprefix = re.compile(f"{prefix}(.*)")
            self._prefix = prefix
        if not self._regprefix.match(url):
            return None
        return self._regprefix.sub(r"\1", url) or "/"


def shapes_of_route(route: RoutesRoute) -> tuple[Shape, ...]:
    """The shapes of the paths that `route` can match, `makeregexp` having been called."""
    regexp = getattr(route, "regexp", None)
    return (ANY_PATH,) if regexp is None else shapes_of(regexp)
