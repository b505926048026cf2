"""`describe`, `explain`: a URL map in people's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ._routes import RoutesRoute
from .capture import by_route, restore_slashes
from .info import Explanation, RouteInfo, Step
from .mapper import Mapper
from .mount import Mount
from .paths import ENCODED_SLASH
from .redirect import Redirect, Static
from .table import HandlerTable

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["describe", "explain"]

E = TypeVar("E")
_ANY = ("*",)


def describe(urls: URLMap[E]) -> list[RouteInfo]:
    """See `URLMap.describe`."""
    found = [info._replace(order=order) for order, info in enumerate(_matched(urls, "", ""))]
    return [*found, *_statics(urls, "", "")]


def _matched(urls: URLMap[E], prefix: str, dotted: str) -> Iterator[RouteInfo]:
    for thing in urls.declared:
        yield _info(thing, prefix, dotted)
        if isinstance(thing, Mount) and thing.target is not None:
            yield from _matched(thing.target, prefix + thing.path, _inside(thing, dotted))


def _statics(urls: URLMap[E], prefix: str, dotted: str) -> Iterator[RouteInfo]:
    for static in urls.statics:
        yield _info(static, "" if "://" in static.path else prefix, dotted)
    for thing in urls.declared:
        if isinstance(thing, Mount) and thing.target is not None and thing.name:
            yield from _statics(thing.target, prefix + thing.path, _inside(thing, dotted))


def _inside(mount: Mount[E], dotted: str) -> str:
    """What goes before the names in a mounted map."""
    return f"{dotted}{mount.name}." if mount.name else dotted


def _info(
    thing: HandlerTable[E] | Mount[E] | Redirect[E] | Static, prefix: str, dotted: str
) -> RouteInfo:
    """One declaration under the prefixes of the maps around it; its order is set later."""
    return RouteInfo(
        order=-1,
        path=prefix + thing.path,
        name=f"{dotted}{thing.name}" if thing.name else None,
        requirements=dict(thing.template.requirements),
        conditions=dict(getattr(thing, "conditions", {})),
        defaults=dict(getattr(thing, "defaults", {})),
        place=thing.place,
        **_by_kind(thing),
    )


def _by_kind(thing: HandlerTable[E] | Mount[E] | Redirect[E] | Static) -> dict[str, Any]:
    said: dict[str, Any] = {"methods": _ANY, "endpoints": {}, "places": {"*": thing.place}}
    if isinstance(thing, HandlerTable):
        endpoints, places = dict(thing.methods), dict(thing.places)
        methods = thing.allow or _ANY
        return {"kind": "route", "methods": methods, "endpoints": endpoints, "places": places}
    if isinstance(thing, Redirect):
        methods, to = thing.allow or _ANY, thing.destination.source
        return {**said, "kind": "redirect", "methods": methods, "destination": to}
    if isinstance(thing, Static):
        return {**said, "kind": "static", "methods": ()}
    if thing.target is not None:
        return {**said, "kind": "map"}
    return {**said, "kind": "mount", "endpoints": {"*": thing.endpoint}}


def explain(
    urls: URLMap[E], method: str, path: str, environ: Mapping[str, Any] | None
) -> Explanation:
    """See `URLMap.explain`."""
    walk = _Walk(method, environ)
    walk.through(urls, path, "", "")
    return Explanation(urls.resolve(method, path, environ), walk.steps)


class _Walk:
    """One request shown to each declaration in turn, without an index and without short cuts."""

    def __init__(self, method: str, environ: Mapping[str, Any] | None) -> None:
        self.method = method
        self.environ = environ
        self.order = 0
        self.steps: list[Step] = []

    def through(self, urls: URLMap[E], path: str, prefix: str, dotted: str) -> bool:
        """Look at what `urls` declares, up to what takes `path`; whether anything did."""
        environ = self.environ or {"REQUEST_METHOD": self.method, "PATH_INFO": path}
        for thing in urls.declared:
            info = _info(thing, prefix, dotted)._replace(order=self.order)
            self.order += 1
            if isinstance(thing, Mount):
                taken = self.mount(thing, info, path, _inside(thing, dotted))
            else:
                taken, reason = self.look(urls, thing, path, environ)
                self.steps.append(Step(info, taken, reason))
            if taken:
                return True
        return False

    def mount(self, mount: Mount[E], info: RouteInfo, path: str, dotted: str) -> bool:
        """Look at a mount, and into the map it may have."""
        split = mount.split(path)
        target = mount.target
        if split is None:
            self.steps.append(Step(info, False, "the path is not under it"))
            self.order += 0 if target is None else sum(1 for _ in _matched(target, "", ""))
            return False
        if target is None:
            self.steps.append(Step(info, True, "takes everything under it"))
            return True
        rest = split[2] or "/"
        self.steps.append(Step(info, False, f"its map is asked for {_shown(rest)!r}"))
        return self.through(target, rest, info.path, dotted)

    def look(
        self,
        urls: URLMap[E],
        thing: HandlerTable[E] | Redirect[E],
        path: str,
        environ: Mapping[str, Any],
    ) -> tuple[bool, str]:
        """Whether `thing` takes the request, and why, or why not."""
        values = by_route(thing.route, urls.mapper)(path, [], environ)
        if values is None:
            return False, _why_not(thing.route, path, environ, urls.mapper)
        if isinstance(thing, HandlerTable):
            return _by_method(thing, self.method)
        restore_slashes(values)
        answer = thing.ask(urls, self.method, path, environ, values)
        if answer.redirect is None:
            return False, f"redirects {', '.join(answer.allow)}, not {self.method}"
        return True, f"redirects to {answer.redirect!r}"


def _by_method(table: HandlerTable[E], method: str) -> tuple[bool, str]:
    if method in table.methods:
        return True, f"answers {method}"
    if method in table.answers:
        return True, f"answers {method} as GET"
    if table.any is not None:
        return True, "answers any method"
    return False, f"answers {', '.join(table.allow)}, not {method}"


def _why_not(route: RoutesRoute, path: str, environ: Mapping[str, Any], mapper: Mapper) -> str:
    """Why a route does not match, found by asking it again with less and less demanded."""

    def values(requirements: Mapping[str, str], conditions: Mapping[str, Any]) -> Any:
        relaxed = _relaxed(route, mapper, requirements, conditions)
        return by_route(relaxed, mapper)(path, [], environ)

    if values(route.reqs, {}) is not None:
        for name, condition in (route.conditions or {}).items():
            if values(route.reqs, {name: condition}) is None:
                said = "" if callable(condition) else f"={condition!r}"
                return f"its condition {name}{said} does not hold"
        return "its conditions do not hold together"
    bare = values({}, {})
    if bare is None:
        return "the path does not match"
    restore_slashes(bare)
    for name, regex in route.reqs.items():
        value = bare.get(name)
        if value is not None and re.fullmatch(regex, value) is None:
            return f"its requirement {name}={regex!r} does not take {value!r}"
    return f"its requirements do not hold: {route.reqs}"


def _relaxed(
    route: RoutesRoute,
    mapper: Mapper,
    requirements: Mapping[str, str],
    conditions: Mapping[str, Any],
) -> RoutesRoute:
    """`route`, with only these requirements and conditions."""
    options = {**route.defaults, "_minimize": route.minimization, "_explicit": True}
    slash = "/" if route.minimization else ""  # Routes takes it away
    relaxed = mapper.make_route(
        None,
        slash + route.routepath,
        requirements=dict(requirements),
        conditions=dict(conditions) or None,
        **options,
    )
    relaxed.makeregexp(())
    return relaxed


def _shown(path: str) -> str:
    return path.replace(ENCODED_SLASH, "%2F")
