"""Links: the URLs of an application, as seen from a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..http import Handler, Request
from ..routing import Match, URLMap, routing_path_from_info

__all__ = ["Links"]


class Links:
    """What `Request.url_for` asks. Everything comes from the request and its match, nothing from
    the thread: two handlers that take turns in one thread never see each other's values."""

    def __init__(self, urls: URLMap[Handler]) -> None:
        self._urls = urls

    def url_for(self, request: Request, name: str, parts: Mapping[str, Any]) -> str:
        """The URL of the route `name`: of the application whose handler serves the request, or, if
        that has none of the name, of those that it is mounted in, innermost first.

        Raises BuildError as `URLMap.url_for` does.
        """
        environ = request.environ
        match = environ.get("kroute.match")
        urls, prefix, current = self._urls, "", {}
        script_name = environ["SCRIPT_NAME"]
        if isinstance(match, Match):
            current = match.variables
            if match.script_name:
                # What the mounts consumed stands in it too; the maps put it there themselves.
                script_name = environ.get("kroute.script_name", "")
            for inner, at in zip(reversed(match.maps), reversed(match.prefixes), strict=True):
                if inner.named(name) is not None:
                    urls, prefix = inner, at
                    break
        return urls.build(
            name,
            parts,
            script_name=routing_path_from_info(script_name) + prefix,
            scheme=request.scheme,
            host=request.host,
            current=current,
        )
