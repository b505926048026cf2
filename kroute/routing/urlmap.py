"""`URLMap`: a map from URLs to endpoints, and back.

A map is declared (`add`, `mount`, `redirect`, `static`, and what `Declarations` makes of them:
`resource`, `collection`, `submapper`), compiled into an index when first asked, and then asked:
`resolve` for a request, `url_for` for a URL, `describe` and `explain` for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Generic, TypeVar

from . import builder, explain, overlap
from ._routes import RoutesRoute
from .capture import Capture, capture_of, restore_slashes
from .conditions import Conditions, read_conditions
from .declarations import Declarations
from .errors import RouteError, RouteWarning
from .index import Index
from .info import Explanation, RouteInfo
from .mapper import Mapper, shapes_of_route
from .match import Match, Miss, allow_methods
from .mount import REST, Mount
from .paths import ENCODED_SLASH
from .place import Place
from .redirect import Redirect, Static
from .shape import Segment, Shape
from .table import Filter, HandlerTable
from .template import Template
from .urls import local_reference, quote_path

__all__ = ["URLMap"]

E = TypeVar("E")

_REDIRECT_CODES = frozenset([301, 302, 303, 307, 308])
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]")
_NO_CONDITIONS = Conditions(None, {})


class Entry(Generic[E]):
    """One step of a compiled map: how a path is matched, and what is behind it."""

    __slots__ = ("answers", "any", "behind", "capture", "constants", "shapes")

    def __init__(self, behind: HandlerTable[E] | Mount[E] | Redirect[E], mapper: Mapper) -> None:
        self.behind = behind
        self.shapes = _shapes(behind)
        self.answers: dict[str, E] = {}
        self.any: E | None = None
        self.constants: dict[str, str] = {}
        # Without a capture the index has decided already: the path is the route's own text. (A
        # mount decides by itself, when asked.)
        self.capture: Capture | None = None
        if isinstance(behind, HandlerTable):
            self.answers = behind.answers
            self.any = behind.any
            self.constants = behind.defaults
        if isinstance(behind, Mount):
            return
        route = behind.route
        if behind.template.literal is None or route.minimization or route.conditions:
            self.capture = capture_of(behind.template, route, mapper)


class _Compiled(Generic[E]):
    """What a map is once compiled. It never changes: a later declaration makes a new one."""

    __slots__ = ("conditional", "entries", "exact", "index", "maps", "search", "warnings")

    def __init__(self, owner: URLMap[E], entries: list[Entry[E]]) -> None:
        index = Index((entry, entry.shapes) for entry in entries)
        self.entries = entries
        self.index = index
        self.exact = index.exact
        self.search = index.search
        self.maps = (owner,)
        # Whether anything looks at the environ.
        self.conditional = any(entry.behind.route.conditions for entry in entries)
        self.warnings: list[RouteWarning] | None = None


class URLMap(Declarations[E]):
    """Routes-style declarations in front of endpoints of any kind (`E`).

    `owner` is yours. With `strict_slashes` (the default) ``/a`` and ``/a/`` are different paths;
    without, a path that nothing answers but would with, or without, its last slash is a redirect.

    `bind`, if given, is called with each endpoint and the table that it is put into, and returns
    the endpoint to take: one that knows the variables of its path. What it raises stops the
    declaration, which leaves no trace then.

    `mapper` is the `Mapper` that holds the routes, in their order, mounts included. Its
    `domain_match` and `sub_domains_ignore` govern `sub_domain` conditions. What is connected on it
    directly has no endpoint here and is not resolved.

    Declaring and resolving may happen in different threads.
    """

    def __init__(
        self,
        owner: object = None,
        *,
        strict_slashes: bool = True,
        bind: Callable[[E, HandlerTable[E]], E] | None = None,
    ) -> None:
        self.owner = owner
        self.bind = bind
        self.strict_slashes = strict_slashes
        self.mapper = Mapper(controller_scan=None, register=False, explicit=True)
        self._lock = RLock()
        self._declared: list[HandlerTable[E] | Mount[E] | Redirect[E]] = []
        self._statics: list[Static] = []
        self._tables: dict[tuple[Any, ...], HandlerTable[E]] = {}
        self._named: dict[str, HandlerTable[E] | Mount[E] | Redirect[E] | Static] = {}
        self._compiled: _Compiled[E] | None = None

    # -- declaring ---------------------------------------------------------------------------

    def add(
        self,
        path: str,
        handlers: Mapping[str, E],
        *,
        place: Place,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        conditions: Mapping[str, Any] | None = None,
        filter: Filter | None = None,
        minimize: bool = False,
    ) -> HandlerTable[E]:
        """Put endpoints behind `path`, by method; ``*`` stands for any method.

        Declarations of one path (the same path, requirements, defaults and conditions) fill one
        table, whose place in the order is that of the first. `conditions` are Routes': `method`
        (restricts `handlers`), `sub_domain` (True, False, or a list), `function` (called with the
        environ and the values; false means no match). `filter` changes the parts given to
        `url_for`. With `minimize`, trailing parts that have a default may be left out, as in
        Routes.

        Raises `RouteError`: a path or requirement that cannot stand, a method declared twice, a
        name that is taken.
        """
        template = Template(_rooted(path, place), requirements, place)
        asked = read_conditions(conditions, path, place)
        handlers = asked.restrict(handlers, path, place)
        if not handlers:
            raise RouteError("no method has a handler", path=path, place=place)
        with self._lock:
            self._check_name(name, path, place, share=True)
            key = _table_key(template, defaults, asked, minimize)
            table = self._tables.get(key)
            if table is not None:
                table.add(handlers, place)
                table.filter = table.filter or filter
            else:
                route = self._route(template, defaults, asked, minimize, place)
                table = HandlerTable(self, template, route, place, asked.others, filter)
                table.add(handlers, place)
                self._tables[key] = table
                self._declare(table)
            if name is not None and name not in table.names:
                table.names.append(name)
                self._named[name] = table
                self.mapper.name_route(name, table.route)
            self._compiled = None
        return table

    def mount(
        self, prefix: str, target: URLMap[E] | E, *, place: Place, name: str | None = None
    ) -> None:
        """Give everything under `prefix` to another map, or to one endpoint for any method.

        The boundary is a segment: ``/blog`` takes ``/blog`` and ``/blog/...``, not ``/blogger``. A
        map sees the path that is left, and ``/`` for the prefix itself; a path it does not answer
        goes on to later declarations. `name` is put before its names: ``name.route``.

        Raises `RouteError`: a prefix that cannot stand, a name that is taken, a map inside itself.
        """
        prefix = prefix.rstrip("/")
        template = Template(_rooted(prefix, place) if prefix else "", None, place)
        inner: URLMap[E] | None = target if isinstance(target, URLMap) else None
        if inner is not None and (inner is self or inner._contains(self)):
            raise RouteError("a map cannot be mounted inside itself", path=prefix, place=place)
        if target is None:
            raise RouteError("nothing (None) is mounted here", path=prefix, place=place)
        whole = Template(f"{prefix}{REST}", None, place)
        with self._lock:
            self._check_name(name, prefix, place)
            route = self._route(whole, None, _NO_CONDITIONS, False, place)
            endpoint: Any = None if inner is not None else target
            self._declare(Mount(template, route, inner, endpoint, name, place), name)

    def redirect(
        self,
        path: str,
        destination: str,
        *,
        place: Place,
        code: int = 302,
        name: str | None = None,
        requirements: Mapping[str, str] | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """Answer `path`, by any method, with a redirect to `destination`.

        `destination` may use the variables of `path`; it is a path in this map or a full URL.
        `code` is 302 as in Routes; 307 and 308 keep the method.

        Raises `RouteError`: a code that is no redirect, a destination with a variable that `path`
        does not have, or one that is neither.
        """
        template = Template(_rooted(path, place), requirements, place)
        asked = read_conditions(conditions, path, place)
        target = Template(destination, None, place, static=True)
        lacking = sorted(set(target.names) - (set(template.names) - template.optional))
        problem = ""
        if code not in _REDIRECT_CODES:
            problem = f"{code} is no code for a redirect; there are {sorted(_REDIRECT_CODES)}"
        elif not (destination.startswith("/") or _ABSOLUTE.match(destination)):
            problem = f"the destination {destination!r} must begin with '/' or be a full URL"
        elif lacking:
            problem = f"the destination needs {lacking}, which the path does not always have"
        if problem:
            raise RouteError(problem, path=path, place=place)
        with self._lock:
            self._check_name(name, path, place)
            route = self._route(template, None, asked, False, place)
            self._declare(Redirect(template, route, target, code, asked, name, place), name)

    def static(self, name: str, url: str, *, place: Place) -> None:
        """Name a URL that `url_for` gives and nothing here answers; ``{name}`` is filled in.

        Raises `RouteError`: a name that is taken, braces that do not balance.
        """
        template = Template(url, None, place, static=True)
        with self._lock:
            self._check_name(name, url, place)
            static = Static(template, name, place)
            self._statics.append(static)
            self._named[name] = static

    def _route(
        self,
        template: Template,
        defaults: Mapping[str, Any] | None,
        conditions: Conditions,
        minimize: bool,
        place: Place,
    ) -> RoutesRoute:
        """A declaration's route, made but not connected yet: what cannot stand leaves no trace."""
        options: dict[str, Any] = {**(defaults or {}), "_minimize": minimize, "_explicit": True}
        if template.requirements:
            options["requirements"] = dict(template.requirements)
        if conditions.others:
            options["conditions"] = conditions.for_routes()
        try:
            route = self.mapper.make_route(None, template.for_routes, **options)
            route.makeregexp(())
            if template.requirements or minimize:
                # Each regex is one; together they may still not be (a group named twice).
                _ = route.regmatch
        except re.error as error:
            raise RouteError(
                f"the path makes no regex: {error}", path=template.source, place=place
            ) from error
        return route

    def _declare(
        self, thing: HandlerTable[E] | Mount[E] | Redirect[E], name: str | None = None
    ) -> None:
        self.mapper.add_route(thing.route, name)
        self._declared.append(thing)
        if name is not None and not isinstance(thing, HandlerTable):
            self._named[name] = thing
        self._compiled = None

    def _check_name(self, name: str | None, path: str, place: Place, share: bool = False) -> None:
        """Raise `RouteError` if `name` is taken; tables of one path may `share` it."""
        other = None if name is None else self._named.get(name)
        if other is None or (share and isinstance(other, HandlerTable) and other.path == path):
            return
        raise RouteError(
            f"the name {name!r} is taken by {other.path!r}, declared at {other.place}",
            path=path,
            place=place,
        )

    def _contains(self, other: URLMap[E]) -> bool:
        return any(
            inner is other or inner._contains(other)
            for thing in self._declared
            if isinstance(thing, Mount) and (inner := thing.target) is not None
        )

    # -- resolving ---------------------------------------------------------------------------

    def compile(self) -> list[RouteWarning]:
        """Build the index, of mounted maps too, and say what is wrong but not fatal.

        May be called again; a declaration made later is taken in at the next request.
        """
        compiled = self._current()
        if compiled.warnings is None:
            compiled.warnings = overlap.warnings_of(compiled.entries, compiled.index)
        inner = [
            warning
            for thing in self._declared
            if isinstance(thing, Mount) and thing.target is not None
            for warning in thing.target.compile()
        ]
        return [*compiled.warnings, *inner]

    def _current(self) -> _Compiled[E]:
        compiled = self._compiled
        if compiled is not None:
            return compiled
        with self._lock:
            compiled = self._compiled
            if compiled is None:
                compiled = _Compiled(self, [Entry(thing, self.mapper) for thing in self._declared])
                self._compiled = compiled
            return compiled

    def resolve(
        self, method: str, path: str, environ: Mapping[str, Any] | None = None
    ) -> Match[E] | Miss:
        """What answers `method` on `path`, a routing path (`routing_path`).

        The routes that match the path are tried in definition order; the first whose table answers
        the method wins. A table with GET answers HEAD. If none does, a `Miss` names the methods of
        all of them.

        Conditions see `environ`. Without one they are not skipped (as in Routes) but see an
        environ of only `REQUEST_METHOD` and `PATH_INFO`: no host, so a route that asks for a
        sub-domain does not match. Errors raised by an author's condition function pass through.
        """
        answer = self._strict(method, path, environ)
        if isinstance(answer, Match) or self.strict_slashes or answer.redirect is not None:
            return answer
        return self._slashed(method, path, environ, answer)

    def _strict(
        self, method: str, path: str, environ: Mapping[str, Any] | None
    ) -> Match[E] | Miss:
        compiled = self._compiled or self._current()
        segments: list[str] | None = None
        found = compiled.exact.get(path)
        if found is None:
            # Every declared path begins with a slash, and the index does not look at it again.
            if path[:1] != "/":
                return NOT_FOUND
            segments = path.split("/")
            found = compiled.search(segments)
        if environ is None and compiled.conditional:
            environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
        misses: list[Miss] | None = None
        for _, entry in found:
            capture = entry.capture
            if capture is None:
                variables = entry.constants.copy()
            else:
                if segments is None:
                    segments = path.split("/")
                captured = capture(path, segments, environ)
                if captured is None:
                    continue
                variables = captured
                if ENCODED_SLASH in path:
                    restore_slashes(variables)
            endpoint = entry.answers.get(method, entry.any)
            if endpoint is not None:
                return Match(endpoint, variables, entry.behind, compiled.maps, path)
            answer = entry.behind.ask(self, method, path, environ, variables)
            if answer is None:
                continue
            if isinstance(answer, Match) or answer.final:
                return answer
            misses = [answer] if misses is None else [*misses, answer]
        return NOT_FOUND if misses is None else _sum(misses)

    def _slashed(
        self, method: str, path: str, environ: Mapping[str, Any] | None, miss: Miss
    ) -> Miss:
        """`miss`, or a redirect to `path` with, or without, its last slash, if that answers."""
        other = path[:-1] if path.endswith("/") else path + "/"
        if not other:
            return miss
        answer = self._strict(method, other, environ)
        if not isinstance(answer, Match) and not answer.final:
            return miss
        # 308 keeps the method and the body (RFC 9110, 15.4.9).
        return Miss(miss.allow, local_reference(quote_path(other)), 308, keep_query=True)

    # -- URLs --------------------------------------------------------------------------------

    def url_for(
        self,
        name: str | HandlerTable[E],
        /,
        *,
        script_name: str = "",
        scheme: str | None = None,
        host: str | None = None,
        current: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> str:
        """The URL of a named route (or of a table), with `parts` in it.

        `name` may reach into mounted maps: ``mount.route``. A part not given comes from `current`,
        the values of the current match, then from the route's defaults; None takes one back.
        Further keywords become the query. `script_name` (percent-decoded) goes in front.
        ``_anchor`` adds a fragment; ``_host``, ``_protocol`` and ``_qualified`` make a full URL of
        it, with `host` and `scheme` for what they do not say. A route that has one of this
        function's own words for a variable is built with `build`.

        Raises `BuildError`: no such name, a part missing, a value its route would not match.
        """
        return self.build(
            name, parts, script_name=script_name, scheme=scheme, host=host, current=current
        )

    def build(
        self,
        name: str | HandlerTable[E],
        parts: Mapping[str, Any],
        *,
        script_name: str = "",
        scheme: str | None = None,
        host: str | None = None,
        current: Mapping[str, Any] | None = None,
    ) -> str:
        """`url_for`, the parts in a mapping."""
        around = builder.Around(quote_path(script_name), scheme, host, current or {})
        return builder.build(self, name, parts, around)

    def names(self) -> list[str]:
        """All names that `url_for` knows, those of mounted maps included."""
        found = []
        for name, thing in self._named.items():
            found.append(name)
            if isinstance(thing, Mount) and thing.target is not None:
                found.extend(f"{name}.{inner}" for inner in thing.target.names())
        return found

    def named(
        self, name: str
    ) -> tuple[tuple[Mount[E], ...], HandlerTable[E] | Mount[E] | Redirect[E] | Static] | None:
        """What has this name, and the mounts on the way to it; None if nothing has."""
        if name in self._named:
            return (), self._named[name]
        head, dot, _ = name.partition(".")
        while dot:
            mount = self._named.get(head)
            if isinstance(mount, Mount) and mount.target is not None:
                found = mount.target.named(name[len(head) + 1 :])
                if found is not None:
                    return (mount, *found[0]), found[1]
            more, dot, _ = name[len(head) + 1 :].partition(".")
            head = f"{head}.{more}"
        return None

    # -- for people --------------------------------------------------------------------------

    def describe(self) -> list[RouteInfo]:
        """All declarations in the order they are tried, those of mounted maps in their place."""
        return explain.describe(self)

    def explain(
        self, method: str, path: str, environ: Mapping[str, Any] | None = None
    ) -> Explanation:
        """What a request comes to, and for each earlier route why it did not take it."""
        return explain.explain(self, method, path, environ)

    @property
    def declared(self) -> list[HandlerTable[E] | Mount[E] | Redirect[E]]:
        """What is matched, in order; a copy."""
        return list(self._declared)

    @property
    def statics(self) -> list[Static]:
        """What is only built, in order; a copy."""
        return list(self._statics)


NOT_FOUND = Miss()


def _sum(misses: list[Miss]) -> Miss:
    """What several routes that match the path but do not answer come to."""
    allow = allow_methods(token for miss in misses for token in miss.allow)
    for miss in misses:
        if miss.redirect is not None:
            return Miss(allow, miss.redirect, miss.code, keep_query=True)
    return Miss(allow)


def _rooted(path: str, place: Place) -> str:
    """`path`, if it is one; Routes would put up with less."""
    problem = ""
    if not isinstance(path, str):
        problem = f"a path is text, not {type(path).__name__}"
    elif not path.startswith("/"):
        problem = f"a path begins with '/': write {'/' + path!r}"
    if problem:
        raise RouteError(problem, path=path, place=place)
    return path


def _table_key(
    template: Template, defaults: Mapping[str, Any] | None, conditions: Conditions, minimize: bool
) -> tuple[Any, ...]:
    """The same for declarations that share a table."""
    return (
        template.for_routes,
        frozenset(template.requirements.items()),
        frozenset((name, str(value)) for name, value in (defaults or {}).items()),
        conditions.key(),
        minimize,
    )


def _shapes(behind: HandlerTable[E] | Mount[E] | Redirect[E]) -> tuple[Shape, ...]:
    """What the index goes by: the template where that is enough, else the regex."""
    template = behind.template
    plain = not (isinstance(behind, Mount) or behind.route.minimization)
    if not plain or template.requirements or not template.simple:
        return shapes_of_route(behind.route)
    segments = []
    for parts in template.segments():
        first = parts[0] if parts else ""
        text = first if isinstance(first, str) else ""
        segments.append(Segment(text, wild=len(parts) > 1 or not isinstance(first, str)))
    return (Shape(tuple(segments)),)
