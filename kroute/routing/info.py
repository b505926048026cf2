"""`RouteInfo`, `Step`, `Explanation`: what a URL map says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .match import Match, Miss
from .place import Place

__all__ = ["Explanation", "RouteInfo", "Step"]


class RouteInfo(NamedTuple):
    """One line of the compiled map.

    - `order`: its place, counted over the whole map with what is mounted in it, from 0; -1 for
      what is never matched (`kind` ``static``).
    - `kind`: ``route``, ``mount``, ``map`` (a mounted map; its own routes follow), ``redirect`` or
      ``static``.
    - `methods`: those it answers, with those implied, in the order of an `Allow` header;
      ``('*',)`` for any.
    - `path`, `name`: with the prefixes of the maps around it.
    - `endpoints`, `places`: by method as declared.
    """

    order: int
    kind: str
    methods: tuple[str, ...]
    path: str
    name: str | None
    requirements: Mapping[str, str]
    conditions: Mapping[str, Any]
    defaults: Mapping[str, str]
    endpoints: Mapping[str, Any]
    place: Place
    places: Mapping[str, Place]
    destination: str = ""


class Step(NamedTuple):
    """A route looked at: whether it took the request, and why not (or how)."""

    info: RouteInfo
    taken: bool
    reason: str


class Explanation(NamedTuple):
    """What a request comes to, and each route up to the one that takes it, in order."""

    answer: Match[Any] | Miss
    steps: list[Step]
