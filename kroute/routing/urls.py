"""`fill`, `query_string`, `with_host`, `local_reference`: the pieces a URL is built of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from .errors import BuildError
from .paths import ENCODED_SLASH
from .shape import Shape, shapes_of
from .template import Template

__all__ = ["fill", "local_reference", "query_string", "quote_path", "with_host"]

# RFC 3986, 3.3: pchar. The author's own text keeps them; in values, as in Routes, all but the
# unreserved are encoded, so that a URL can stand in any attribute of any page.
_LITERAL_SAFE = "/!$&'()*+,;=:@~"
# A static route or a destination is a whole URL reference, already spelt as one.
_REFERENCE_SAFE = _LITERAL_SAFE + "?#[]%"


def fill(
    template: Template, values: Mapping[str, Any], what: str, keep_slashes: bool = False
) -> str:
    """The template's path with `values` in it, percent-encoded. `what` names it in errors.

    A slash in a value is kept where the variable may hold one (``*rest``, a regex that takes it)
    and is ``%2F`` elsewhere, so that what was built is matched again; `keep_slashes` keeps all.

    Raises `BuildError`: a part missing or empty, or one that its requirement does not take.
    """
    missing = [
        name
        for name in template.names
        if values.get(name) is None and name not in template.optional
    ]
    if missing:
        raise BuildError(
            f"{what} ({template}) needs {_listed(missing)}; it takes {_listed(template.names)}",
            needed=template.names,
        )
    literal_safe = _REFERENCE_SAFE if template.static else _LITERAL_SAFE
    built = []
    for part in template.parts:
        if isinstance(part, str):
            built.append(_quote(part, literal_safe))
            continue
        value = values.get(part.name)
        if part.kind == "." and value in (None, ""):
            continue
        text = _checked(template, part.name, part.kind, value, what)
        regex = template.requirements.get(part.name, "")
        safe = "/" if keep_slashes or part.kind == "*" or _takes_slash(regex) else ""
        built.append(("." if part.kind == "." else "") + _quote(text, safe))
    return "".join(built)


def _checked(template: Template, name: str, kind: str, value: Any, what: str) -> str:
    text = value if isinstance(value, str) else str(value)
    regex = template.requirements.get(name)
    if regex is not None:
        if not _compiled(regex)(text):
            raise BuildError(
                f"{what} ({template}) takes no {name}={text!r}: it must match {regex!r}",
                needed=template.names,
            )
    elif not text:
        raise BuildError(f"{what} ({template}) takes no empty {name!r}", needed=template.names)
    return text


@lru_cache(maxsize=1024)
def _compiled(regex: str) -> Any:
    return re.compile(regex).fullmatch


@lru_cache(maxsize=1024)
def _takes_slash(regex: str) -> bool:
    shapes: Iterable[Shape] = shapes_of(regex)
    return any(shape.open or len(shape.segments) > 1 for shape in shapes)


def _quote(text: str, safe: str) -> str:
    try:
        return quote(text.encode("utf-8", "surrogateescape"), safe=safe)
    except UnicodeEncodeError as error:
        raise BuildError(f"{text!r} has no place in a URL: {error.reason}") from None


def quote_path(path: str) -> str:
    """A routing path, percent-encoded again."""
    return "%2F".join([_quote(piece, _LITERAL_SAFE) for piece in path.split(ENCODED_SLASH)])


def local_reference(path: str) -> str:
    """`path` as a reference that stays on this host.

    ``//evil.example`` would be a reference to another host (RFC 3986, 4.2), and some clients read
    a backslash as a slash; ``/.//evil.example`` is the same path and cannot be mistaken.
    """
    return "/." + path if path[:1] == "/" and path[1:2] in ("/", "\\") else path


def query_string(extras: Mapping[str, Any]) -> str:
    """``?a=1&b=2`` or ``''``; None is left out, a list or tuple is repeated."""
    given = {name: value for name, value in extras.items() if value is not None}
    return "?" + urlencode(given, doseq=True) if given else ""


def with_host(
    url: str,
    *,
    scheme: str | None,
    host: str | None,
    new_scheme: str | None,
    new_host: str | None,
) -> str:
    """`url` in full. A new scheme without a new host drops the port: it belonged to the old one.

    Raises `BuildError` where no host is known.
    """
    to = new_host or host
    if not to:
        raise BuildError(
            "a full URL needs a host: give _host=..., or build the URL from a request"
        )
    if new_scheme and new_scheme != scheme and not new_host:
        to = _without_port(to)
    return f"{new_scheme or scheme or 'http'}://{to.rstrip('/')}{url}"


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"
