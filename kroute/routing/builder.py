"""`Around`, `build`: from a name and parts to a URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

from .errors import BuildError, nearest
from .table import HandlerTable
from .urls import fill, query_string, with_host

if TYPE_CHECKING:
    from .urlmap import URLMap

__all__ = ["Around", "build"]

E = TypeVar("E")

# So many names are enough for an error.
_SOME = 5
_OWN_WORDS = ("_anchor", "_host", "_protocol", "_qualified")


class Around(NamedTuple):
    """What a URL is built in: what a request knows, or nothing. `script_name` is encoded."""

    script_name: str
    scheme: str | None
    host: str | None
    current: Mapping[str, Any]


def build(
    urls: URLMap[E], name: str | HandlerTable[E], parts: Mapping[str, Any], around: Around
) -> str:
    """See `URLMap.url_for`."""
    found = ((), name) if isinstance(name, HandlerTable) else urls.named(name)
    if found is None:
        raise _unknown(urls, name)
    mounts, thing = found
    what = thing.path if isinstance(name, HandlerTable) else str(name)
    templates = [*(mount.template for mount in mounts), thing.template]
    names = {part for template in templates for part in template.names}

    words = {word: parts.get(word) for word in _OWN_WORDS}
    current = {part: value for part, value in around.current.items() if part in names}
    values = {**current, **parts}
    values = {part: value for part, value in values.items() if part not in words}
    if isinstance(thing, HandlerTable):
        values = _filtered(thing, values, names, what)
        host = _domain_host(thing, values, around)
    else:
        host = None

    path = "".join(fill(template, values, what) for template in templates[:-1])
    if isinstance(thing, HandlerTable) and thing.route.minimization:
        path += _minimized(thing, values, what)
    else:
        path += fill(templates[-1], values, what)
    extras = {part: value for part, value in values.items() if part not in names}
    path = path or "/"
    anchor = words["_anchor"]
    tail = query_string(extras) + ("" if anchor is None else "#" + quote(str(anchor)))
    if not path.startswith("/"):
        return path + tail  # a static route to elsewhere
    url = around.script_name + path + tail
    new_host, scheme = words["_host"] or host, words["_protocol"]
    if not (new_host or scheme or words["_qualified"]):
        return url
    return with_host(
        url, scheme=around.scheme, host=around.host, new_scheme=scheme, new_host=new_host
    )


def _filtered(
    table: HandlerTable[E], values: dict[str, Any], names: set[str], what: str
) -> dict[str, Any]:
    """The values with the route's defaults, after its filter, without what every match has anyway.

    Raises `BuildError` for a value that contradicts such a default.
    """
    values = {**table.defaults, **values}
    if table.filter is not None:
        values = dict(table.filter(values))
    for name, default in table.defaults.items():
        if name in names:
            if values.get(name) is None:
                values[name] = default
            continue
        value = values.pop(name, default)
        if value is not None and str(value) != default:
            raise BuildError(
                f"{what!r} ({table.template}) always has {name}={default!r}, not {value!r}",
                name=what,
                needed=table.template.names,
            )
    return values


def _minimized(table: HandlerTable[E], values: Mapping[str, Any], what: str) -> str:
    """What Routes makes of a route that leaves out trailing defaults."""
    template = table.template
    parts = {name: str(values[name]) for name in template.names if values.get(name) is not None}
    constants = {n: v for n, v in table.defaults.items() if n not in template.names}
    path = table.route.generate(**parts, **constants)
    if not isinstance(path, str):
        raise BuildError(
            f"{what!r} ({template}) takes {', '.join(template.names)}; they cannot be {parts}",
            name=what,
            needed=template.names,
        )
    return path


def _domain_host(table: HandlerTable[E], values: dict[str, Any], around: Around) -> str | None:
    """The host of a route with a condition on its sub-domain, where it is not the present one."""
    if "sub_domain" not in table.conditions:
        return None
    condition = table.conditions["sub_domain"]
    wanted = values.pop("sub_domain", None) or around.current.get("sub_domain")
    if wanted is None and isinstance(condition, list) and len(condition) == 1:
        wanted = condition[0]
    if around.host is None or (condition and wanted is None):
        return None
    host, _, port = around.host.partition(":")
    domain = re.match(rf"^(?:(.+?)\.)?({table.owner.mapper.domain_match})$", host)
    if domain is None or domain[1] == wanted:
        return None
    new = f"{wanted}.{domain[2]}" if condition else domain[2]
    return f"{new}:{port}" if port else new


def _unknown(urls: URLMap[E], name: object) -> BuildError:
    known = urls.names()
    close = nearest(str(name), known)
    if close:
        hint = "did you mean " + " or ".join(repr(word) for word in close) + "?"
    elif known:
        more = ", ..." if len(known) > _SOME else ""
        hint = f"there are {', '.join(repr(word) for word in known[:_SOME])}{more}"
    else:
        hint = f"none has a name; name={name!r} gives a route one"
    return BuildError(f"no route is named {name!r}; {hint}", name=str(name), nearest=close)
