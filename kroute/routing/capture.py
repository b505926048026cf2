"""`Capture`, `capture_of`, `by_route`, `restore_slashes`: from a path to a route's values.
`fills_segment`: what of a requirement that asks for.

A route's own `match` is always right and costs a few microseconds. For most declarations a cheaper
function can be proved to say the same, and is made here, once, at registration: variables that
fill a segment are taken from the path's segments; parts like ``{a}-{b}.html`` are cut by searching
for the text between them. Whatever cannot be proved goes to `Route.match`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ._routes import RoutesRoute
from .mapper import Mapper
from .paths import ENCODED_SLASH
from .shape import stays_in_segment
from .template import Template, Variable

__all__ = ["RESOURCE_ID", "Capture", "by_route", "capture_of", "fills_segment", "restore_slashes"]

Values = dict[str, str]
# (path, its segments, environ) -> the values, or None where the route does not match after all.
Capture = Callable[[str, list[str], Mapping[str, Any] | None], "Values | None"]
_FullMatch = Callable[[str], object]

# What Routes' resource() demands of an id. It looks behind, but never past its own first
# character, so it says the same of a segment alone.
RESOURCE_ID = r"[^\/]+(?<!\\)"


def fills_segment(regex: str) -> bool:
    """`stays_in_segment`, which knows nothing of lookbehind, and that of a resource's id."""
    return regex == RESOURCE_ID or stays_in_segment(regex)


class _Whole(NamedTuple):
    """A variable that fills segment `at`; `takes` is its requirement, if it has one."""

    at: int
    name: str
    takes: _FullMatch | None


class _Cut(NamedTuple):
    """Variables with text around them in segment `at`: text, name, text, name, ..., text."""

    at: int
    texts: tuple[str, ...]
    names: tuple[str, ...]


def capture_of(template: Template, route: RoutesRoute, mapper: Mapper) -> Capture:
    """The cheapest function that says what `route.match` says of a path the index let through."""
    plan = _plan(template, route)
    if plan is None:
        return by_route(route, mapper)
    constants = _constants(route)
    if len(plan) == 1 and not constants and isinstance(plan[0], _Whole):
        return _one(plan[0])
    return _several(plan, constants)


def restore_slashes(values: dict[str, Any]) -> None:
    """Turn encoded slashes back into slashes: they have made no boundary by now."""
    for name, value in values.items():
        if isinstance(value, str) and ENCODED_SLASH in value:
            values[name] = value.replace(ENCODED_SLASH, "/")


def _plan(template: Template, route: RoutesRoute) -> list[_Whole | _Cut] | None:
    """How to take the values from the segments; None where that is not proved to be the same."""
    if route.minimization or route.conditions:
        return None
    plan: list[_Whole | _Cut] = []
    for at, parts in enumerate(template.segments()):
        variables = [part for part in parts if isinstance(part, Variable)]
        if not variables:
            continue
        if any(variable.kind != ":" for variable in variables):
            return None
        regexes = [route.reqs.get(variable.name) for variable in variables]
        if len(parts) == 1:
            regex = regexes[0]
            if regex and not fills_segment(regex):
                return None
            plan.append(
                _Whole(at, variables[0].name, re.compile(regex).fullmatch if regex else None)
            )
        elif any(regexes) or (cut := _cut(at, parts)) is None:
            return None
        else:
            plan.append(cut)
    return plan


def _cut(at: int, parts: list[str | Variable]) -> _Cut | None:
    texts: list[str] = [""]
    names: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts[-1] = part
        else:
            names.append(part.name)
            texts.append("")
    # Two variables with nothing between them: the first takes one character. Rare; leave it be.
    return None if not all(texts[1:-1]) else _Cut(at, tuple(texts), tuple(names))


def _constants(route: RoutesRoute) -> Values:
    """The defaults that are no variables of the path; every match has them."""
    return {
        name: value
        for name, value in route.defaults.items()
        if value is not None and name not in route.minkeys
    }


def _one(step: _Whole) -> Capture:
    at, name, takes = step

    def plain(path: str, segments: list[str], environ: Mapping[str, Any] | None) -> Values | None:
        value = segments[at]
        return {name: value} if value else None

    def checked(
        path: str, segments: list[str], environ: Mapping[str, Any] | None
    ) -> Values | None:
        value = segments[at]
        return {name: value} if takes is not None and takes(value) else None

    return plain if takes is None else checked


def _several(plan: list[_Whole | _Cut], constants: Values) -> Capture:
    wholes = [step for step in plan if isinstance(step, _Whole)]
    cuts = [step for step in plan if isinstance(step, _Cut)]

    def capture(
        path: str, segments: list[str], environ: Mapping[str, Any] | None
    ) -> Values | None:
        values: Values = {}
        for at, name, takes in wholes:
            value = segments[at]
            if not value or (takes is not None and not takes(value)):
                return None
            values[name] = value
        for at, texts, names in cuts:
            if not _take_apart(segments[at], texts, names, values):
                return None
        if constants:
            values.update(constants)
        return values

    return capture


def _take_apart(
    segment: str, texts: tuple[str, ...], names: tuple[str, ...], values: Values
) -> bool:
    """Cut `segment` at `texts`, each variable as short as can be but never empty.

    That is what Routes' lazy ``[^/]+?`` gives, without its backtracking: a text found early leaves
    the most room for the rest, so the first place is always right and time is linear.
    """
    last = texts[-1]
    end = len(segment) - len(last)
    if not segment.startswith(texts[0]) or not segment.endswith(last):
        return False
    begin = len(texts[0])
    for name, text in zip(names[:-1], texts[1:-1], strict=True):
        found = segment.find(text, begin + 1, end)
        if found < 0:
            return False
        values[name] = segment[begin:found]
        begin = found + len(text)
    if begin >= end:
        return False
    values[names[-1]] = segment[begin:end]
    return True


def by_route(route: RoutesRoute, mapper: Mapper) -> Capture:
    """Ask the route itself. Sub-domains are looked at only by a route with a condition on them."""
    by_domain = bool(route.conditions and "sub_domain" in route.conditions)

    def capture(
        path: str, segments: list[str], environ: Mapping[str, Any] | None
    ) -> Values | None:
        found = route.match(
            path, environ, by_domain, mapper.sub_domains_ignore, mapper.domain_match
        )
        if not isinstance(found, dict):
            return None
        return {name: value for name, value in found.items() if value is not None}

    return capture
