"""route_rows, listed, match_row, explained: a URL map, written down for people and programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from .http import Handler
from .routing import Match, Place, RouteInfo, Step, URLMap, info_from_path, routing_path

__all__ = ["explained", "listed", "match_row", "route_rows"]

Row = dict[str, Any]

HEADINGS = ("#", "METHODS", "PATH", "NAME", "HANDLER")


def route_rows(urls: URLMap[Handler]) -> list[Row]:
    """One row for each declaration, in the order they are tried; JSON can take it as it is."""
    return [_row(info) for info in urls.describe()]


def _row(info: RouteInfo) -> Row:
    return {
        "order": info.order,
        "kind": info.kind,
        "methods": list(info.methods),
        "path": info.path,
        "name": info.name,
        "requirements": {name: str(value) for name, value in info.requirements.items()},
        "handlers": _handlers(info),
        "destination": info.destination or None,
    }


def _handlers(info: RouteInfo) -> dict[str, str]:
    """Where the handler of each method stands, such as `app.py:12 (hello)`."""
    if info.kind == "static":
        return {"": str(info.place)}
    if not info.endpoints:
        return {"*": str(info.place)}
    return {
        method: str(_place_of(endpoint, info.places[method]))
        for method, endpoint in info.endpoints.items()
    }


def _place_of(handler: Any, declared: Place) -> Place:
    """Where a handler stands; what is not the author's own, where it is declared."""
    function = getattr(handler, "function", None)
    if function is None:
        return declared._replace(what=type(handler).__name__)
    place = Place.of(function)
    return place if place.known else declared._replace(what=place.what)


def listed(rows: Iterable[Row]) -> list[str]:
    """The rows as a table: order, methods, path, name, handler; one line for each handler."""
    table = [HEADINGS]
    for row in rows:
        by_place: dict[str, list[str]] = {}
        for method, place in row["handlers"].items():
            by_place.setdefault(place, []).append(method)
        path = row["path"] + (f" -> {row['destination']}" if row["destination"] else "")
        if row["kind"] in ("map", "static"):
            path += f" ({'mounted' if row['kind'] == 'map' else row['kind']})"
        requirements = ", ".join(f"{name}={text}" for name, text in row["requirements"].items())
        if requirements:
            path += f" [{requirements}]"
        for place, methods in by_place.items():
            line = (_number(row["order"]), ",".join(methods), path, row["name"] or "", place)
            table.append(line)
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    return [
        "  ".join([line[column].ljust(widths[column]) for column in range(4)] + [line[4]])
        for line in table
    ]


def _number(order: int) -> str:
    """A route's place in the order; a static one has none."""
    return str(order) if order >= 0 else "-"


def match_row(urls: URLMap[Handler], method: str, url: str) -> Row:
    """What becomes of a request, for JSON: each route looked at, and the answer.

    url: a path as in a request, percent-encoded or not; or with scheme and host, for routes that
    ask for a sub-domain.
    """
    parts = urlsplit(url if re.match("https?://", url) else "")
    text = (parts.path or "/") if parts.netloc else url.partition("?")[0]
    path = routing_path(text.encode("utf-8", "surrogateescape"))
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": info_from_path(path),
        "wsgi.url_scheme": parts.scheme or "http",
    }
    if parts.netloc:
        environ["HTTP_HOST"] = parts.netloc
    answer, steps = urls.explain(method, path, environ)
    row: Row = {"method": method, "url": url, "routes": [_looked_at(step) for step in steps]}
    if isinstance(answer, Match):
        handler = str(_place_of(answer.endpoint, answer.table.place))
        return {**row, "handler": handler, "variables": dict(answer.variables), "status": None}
    code, allow = answer.code, list(answer.allow)
    return {**row, "handler": None, "status": code, "allow": allow, "location": answer.redirect}


def _looked_at(step: Step) -> Row:
    row = _row(step.info)
    kept = ("order", "methods", "path", "name")
    return {**{key: row[key] for key in kept}, "taken": step.taken, "reason": step.reason}


def explained(row: Row) -> list[str]:
    """A `match_row` in lines."""
    lines = []
    for route in row["routes"]:
        mark = "->" if route["taken"] else "  "
        what = f"{_number(route['order'])} {','.join(route['methods'])} {route['path']}"
        lines.append(f"{mark} {what}: {route['reason']}")
    asked = f"{row['method']} {row['url']}"
    if row["handler"]:
        lines.append(f"{asked} is answered by {row['handler']}")
        return [*lines, *[f"  {name} = {value!r}" for name, value in row["variables"].items()]]
    allow = f"; the path has {', '.join(row['allow'])}" if row["allow"] else ""
    to = f", to {row['location']}" if row["location"] else ""
    return [*lines, f"{asked} is answered {row['status']}{to}{allow}"]
