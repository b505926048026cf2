"""Response: what a handler answers, a `webob.Response` that is cheap to make; close_body."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import webob
from webob.util import status_reasons

__all__ = ["Response", "close_body"]

# What WebOb made of a content type: the header field, and whether text can be a body of it.
_types: dict[str, tuple[tuple[str, str], bool]] = {}
MAX_TYPES = 256

# The statuses that have a body, by all the ways to say them that take the short way.
_status_lines: dict[int | str | None, str] = {
    code: f"{code} {reason}"
    for code, reason in status_reasons.items()
    if code >= 200 and code not in (204, 205, 304)
}
_status_lines.update({line: line for line in [*_status_lines.values()]})
_status_lines[None] = _status_lines[200]


def close_body(body: Any) -> None:
    """Close what an answer was made of, where it can be (PEP 3333). Raises what that raises."""
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _plainly(name: str) -> Any:
    """WebOb's property `name`, got without a call of Python: it is the attribute `_name`."""
    inherited: Any = getattr(webob.Response, name)
    return property(attrgetter("_" + name), inherited.fset, inherited.fdel, inherited.__doc__)


class Response(webob.Response):
    """`webob.Response`; the common calls are made shorter, and two are made safe.

    `Response(body, status, content_type=...)` with a body of text or bytes and a usual status
    takes a way of its own to the same object (a test compares the two), and so does one with all
    of `status`, `headerlist` and `app_iter`, as a WSGI application has them; every other call is
    WebOb's. But `headers=` adds to the other fields, where WebOb would take their place, the
    Content-Type with them; and a body that is neither text nor bytes is a TypeError at once.
    """

    status = _plainly("status")
    headerlist = _plainly("headerlist")
    app_iter = _plainly("app_iter")

    def __init__(
        self,
        body: str | bytes | None = None,
        status: int | str | None = None,
        headerlist: list[tuple[str, str]] | None = None,
        app_iter: Any = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        kind, made = type(body), None
        if (
            (kind is str or kind is bytes)
            and headerlist is None
            and app_iter is None
            and headers is None
            and not options
        ):
            line = _status_lines.get(status)
            known = _types.get(content_type or self.default_content_type)
            if line and known and (known[1] or kind is bytes) and self.default_charset == "UTF-8":
                data: Any = body if kind is bytes else body.encode()  # type: ignore[union-attr]
                made = line, [known[0], ("Content-Length", str(len(data)))], [data]
        elif (
            not (body is not None or headers is not None or content_type is not None or options)
            and app_iter is not None
            and headerlist is not None
            and status in _status_lines
        ):
            made = _status_lines[status], headerlist, app_iter
        if made is not None:
            self._status, self._headerlist, self._app_iter = made
            self._headers = None
            self.conditional_response = self.default_conditional_response
            return
        if body is not None and not isinstance(body, (str, bytes, bytearray)):
            hint = "; json=... takes it" if isinstance(body, (dict, list)) else ""
            raise TypeError(f"a body is str or bytes, not {type(body).__name__}{hint}")
        super().__init__(body, status, headerlist, app_iter, content_type, **options)
        if headers is not None:
            self.headers.update(headers.items())
        elif status in _status_lines and headerlist is None and not options:
            self._remember_type(content_type)

    def _remember_type(self, content_type: str | None) -> None:
        """Note what WebOb made of a content type, for the next time."""
        value = self.headers.get("Content-Type")
        key = content_type or self.default_content_type
        if value and key and len(_types) < MAX_TYPES and self.default_charset == "UTF-8":
            _types[key] = (("Content-Type", value), self.charset == "UTF-8")
