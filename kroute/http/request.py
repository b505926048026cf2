"""Request: what a handler is given, a `webob.Request`."""

from __future__ import annotations

from typing import Any

import webob

__all__ = ["Request"]


class Request(webob.Request):
    """A request, as a handler sees it: `webob.Request` and what routing knows about it.

    The environ it is made of is a WSGI environ (PEP 3333); the path as it was sent stands in
    `kroute.raw_path`.
    """

    @property
    def path_variables(self) -> dict[str, Any]:
        """The variables of the route, as text (also `urlvars`, WebOb's name for them)."""
        variables: dict[str, Any] = self.urlvars
        return variables

    def url_for(self, name: str, /, **parts: Any) -> str:
        """The URL of the route `name`, with `parts` in it; see `URLMap.url_for`.

        A part that is not given comes from the URL of this request where that has it; what the
        route has no place for becomes the query. Raises BuildError: no such name, a part missing,
        one that does not fit; RuntimeError for a request that no application has dispatched.
        """
        links = self.environ.get("kroute.links")
        if links is None:
            raise RuntimeError("this request was made by hand; no application knows its routes")
        url: str = links.url_for(self, name, parts)
        return url
