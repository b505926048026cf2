"""route_rows, listed, explained: a URL map, written down for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .http import Handler
from .routing import Match, Place, RouteInfo, URLMap, routing_path

__all__ = ["explained", "listed", "route_rows"]

Row = dict[str, Any]


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
    if not info.endpoints:
        return {"*": str(info.place)}
    return {method: _place_of(endpoint) for method, endpoint in info.endpoints.items()}


def _place_of(handler: Any) -> str:
    return str(Place.of(getattr(handler, "function", handler)))


def listed(rows: Iterable[Row]) -> list[str]:
    """The rows as a table: methods, path, name, handler; one line for each handler."""
    table = [("METHODS", "PATH", "NAME", "HANDLER")]
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
            table.append((",".join(methods), path, row["name"] or "", place))
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    return [
        "  ".join([line[column].ljust(widths[column]) for column in range(3)] + [line[3]])
        for line in table
    ]


def explained(urls: URLMap[Handler], method: str, path: str) -> tuple[list[str], bool]:
    """What becomes of a request, route by route, and whether one takes it. path: as in a URL."""
    path, _, _ = path.partition("?")
    answer, steps = urls.explain(method, routing_path(path))
    lines = []
    for step in steps:
        mark = "->" if step.taken else "  "
        info = step.info
        lines.append(f"{mark} {','.join(info.methods)} {info.path}: {step.reason}")
    if isinstance(answer, Match):
        lines.append(f"{method} {path} is answered by {_place_of(answer.endpoint)}")
        lines.extend(_variables(answer.variables))
        return lines, True
    allow = f"; the path has {', '.join(answer.allow)}" if answer.allow else ""
    to = f", to {answer.redirect}" if answer.redirect else ""
    lines.append(f"{method} {path} is answered {answer.code}{to}{allow}")
    return lines, answer.redirect is not None


def _variables(variables: Mapping[str, Any]) -> list[str]:
    return [f"  {name} = {value!r}" for name, value in variables.items()]
