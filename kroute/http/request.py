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
