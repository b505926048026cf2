"""`describe`, `explain`: a URL map in people's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .info import Explanation, RouteInfo
from .table import HandlerTable

if TYPE_CHECKING:
    from .urlmap import Mount, Redirect, Static, URLMap

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
        target = getattr(thing, "target", None)
        if target is not None:
            names = f"{dotted}{thing.name}." if thing.name else dotted
            yield from _matched(target, prefix + thing.path, names)


def _statics(urls: URLMap[E], prefix: str, dotted: str) -> Iterator[RouteInfo]:
    for thing in urls.statics:
        yield _info(thing, "" if "://" in thing.path else prefix, dotted)
    for other in urls.declared:
        target = getattr(other, "target", None)
        if target is not None and other.name:
            yield from _statics(target, prefix + other.path, f"{dotted}{other.name}.")


def _info(
    thing: HandlerTable[E] | Mount[E] | Redirect[E] | Static, prefix: str, dotted: str
) -> RouteInfo:
    """One declaration under the prefixes of the maps around it; its order is set later."""
    kind = type(thing).__name__.lower()
    methods: tuple[str, ...] = _ANY
    endpoints: Mapping[str, Any] = {}
    places = {"*": thing.place}
    destination = ""
    if isinstance(thing, HandlerTable):
        kind = "route"
        methods = thing.allow or _ANY
        endpoints, places = dict(thing.methods), dict(thing.places)
    elif kind == "mount":
        endpoint = getattr(thing, "endpoint", None)
        if endpoint is None:
            kind = "map"
        else:
            endpoints = {"*": endpoint}
    elif kind == "redirect":
        destination = thing.destination.source  # type: ignore[union-attr]
    else:
        methods = ()
    return RouteInfo(
        order=-1,
        kind=kind,
        methods=methods,
        path=prefix + thing.path,
        name=f"{dotted}{thing.name}" if thing.name else None,
        requirements=dict(thing.template.requirements),
        conditions=dict(getattr(thing, "conditions", {})),
        defaults=dict(getattr(thing, "defaults", {})),
        endpoints=endpoints,
        place=thing.place,
        places=places,
        destination=destination,
    )


def explain(
    urls: URLMap[E], method: str, path: str, environ: Mapping[str, Any] | None
) -> Explanation:
    """See `URLMap.explain`."""
    return Explanation(urls.resolve(method, path, environ), [])
