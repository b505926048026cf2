"""`ResourceRoute`, `resource_routes`, `collection_routes`: what a resource is made of, in order.

The paths, names and order are those of Routes' `Mapper.resource()` and `Mapper.collection()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .capture import RESOURCE_ID

__all__ = ["ResourceRoute", "collection_routes", "resource_routes"]

_ID = {"id": RESOURCE_ID}


class ResourceRoute(NamedTuple):
    """One action of a resource: `method` on `path` (``*`` for any). Not all have a name."""

    action: str
    method: str
    path: str
    name: str | None
    requirements: Mapping[str, str] = {}


class _Parts(NamedTuple):
    """A resource's paths (of the collection, of a new member, of a member) and names."""

    base: str
    prefix: str
    member: str
    collection: str


def resource_routes(
    member_name: str,
    collection_name: str,
    *,
    collection: Mapping[str, str],
    member: Mapping[str, str],
    new: Mapping[str, str],
    parent: tuple[str, str] | None,
    path_prefix: str | None,
    name_prefix: str | None,
    formatted: bool,
) -> Iterator[ResourceRoute]:
    """The routes of `Declarations.resource`; `parent` is its member and its collection name."""
    if path_prefix is None:
        path_prefix = f"{parent[1]}/{{{parent[0]}_id}}" if parent else ""
    if name_prefix is None:
        name_prefix = f"{parent[0]}_" if parent else ""
    base = f"/{path_prefix.strip('/')}".rstrip("/") + f"/{collection_name.strip('/')}"
    parts = _Parts(base, name_prefix, member_name, collection_name)
    for route in _plain(parts, collection, member, new):
        if formatted:
            name = None if route.name is None else f"formatted_{route.name}"
            yield route._replace(path=f"{route.path}.{{format}}", name=name)
        yield route


def _plain(
    parts: _Parts, collection: Mapping[str, str], member: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[ResourceRoute]:
    base, prefix, one, many = parts
    for method, actions in _by_method(collection, POST="create"):
        main = None if method in ("GET", "*") else actions.pop(0)
        for action in actions:
            yield ResourceRoute(action, method, f"{base}/{action}", f"{prefix}{action}_{many}")
        if main:
            yield ResourceRoute(main, method, base, None)
    yield ResourceRoute("index", "GET", base, f"{prefix}{many}")

    for method, actions in _by_method({**new, "new": "GET"}):
        for action in actions:
            tail, word = ("", "") if action == "new" else (f"/{action}", f"{action}_")
            yield ResourceRoute(action, method, f"{base}/new{tail}", f"{prefix}{word}new_{one}")

    path = f"{base}/{{id}}"
    for method, actions in _by_method({**member, "edit": "GET"}, PUT="update", DELETE="delete"):
        main = None if method in ("POST", "GET", "*") else actions.pop(0)
        for action in actions:
            yield ResourceRoute(action, method, f"{path}/{action}", f"{prefix}{action}_{one}", _ID)
        if main:
            yield ResourceRoute(main, method, path, None, _ID)
    yield ResourceRoute("show", "GET", path, f"{prefix}{one}", _ID)


def _by_method(methods: Mapping[str, str], **first: str) -> list[tuple[str, list[str]]]:
    """The actions by method (``any`` is ``*``), a method's own action, if it has one, `first`."""
    found: dict[str, list[str]] = {}
    for action, method in methods.items():
        method = method.upper()
        found.setdefault("*" if method == "ANY" else method, []).append(action)
    for method, action in first.items():
        found.setdefault(method, []).insert(0, action)
    return list(found.items())


def collection_routes(
    collection_name: str, resource_name: str, formatted: bool
) -> tuple[list[ResourceRoute], list[ResourceRoute]]:
    """The routes of `Declarations.collection`: those of the collection, those of a member.

    Paths are relative to the collection and to the member.
    """
    end = "{.format}" if formatted else ""

    def route(action: str, method: str, name: str, path: str = "") -> ResourceRoute:
        return ResourceRoute(action, method, path + end, name)

    one = resource_name
    whole = [
        route("index", "GET", collection_name),
        route("create", "POST", f"create_{one}"),
        route("new", "GET", f"new_{one}", "/new"),
    ]
    member = [
        route("show", "GET", one),
        route("update", "PUT", f"update_{one}"),
        route("delete", "DELETE", f"delete_{one}"),
        route("edit", "GET", f"edit_{one}", "/edit"),
    ]
    return whole, member
