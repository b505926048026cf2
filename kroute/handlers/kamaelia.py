"""kamaelia_handler: what was written for Kamaelia's own HTTP server, at a URL.

A request handler of that server is a component, made with a dictionary that describes the request;
it sends dictionaries that describe the answer, of which the first has the head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import webob
from Axon.Component import component

__all__ = ["head_of", "kamaelia_handler"]

OURS = ("connection", "transfer-encoding")
"""Header fields that the server sends itself."""


def kamaelia_handler(
    factory: Callable[[dict[str, Any]], component],
) -> Callable[..., component]:
    """What to mount for a factory of Kamaelia's request handlers:
    `app.mount('/files', kamaelia_handler(MinimalFactory('index.html', 'htdocs')))`."""

    def make(request: webob.Request, **variables: Any) -> component:
        return factory(_describe(request))

    return make


def _describe(request: webob.Request) -> dict[str, Any]:
    """The request, as Kamaelia's HTTPParser and HTTPResourceGlue describe one."""
    environ = request.environ
    protocol, _, version = environ["SERVER_PROTOCOL"].partition("/")
    uri = request.script_name + request.path_info
    return {
        "method": request.method,
        "protocol": protocol,
        "version": version,
        "raw-uri": request.path_qs,
        "non-query-uri": uri,
        "uri-protocol": request.scheme,
        "uri-server": request.host,
        "uri-prefix-trigger": request.script_name,
        "uri-suffix": request.path_info.lstrip("/"),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "peer": environ.get("REMOTE_ADDR", ""),
        "peerport": int(environ.get("REMOTE_PORT") or 0),
        "localip": environ.get("SERVER_NAME", ""),
        "localport": int(environ.get("SERVER_PORT") or 0),
    }


def head_of(resource: Mapping[str, Any]) -> webob.Response:
    """The head of an answer that the first message of a request handler describes."""
    headers = [
        (name, value) for name, value in resource.get("headers", ()) if name.lower() not in OURS
    ]
    response = webob.Response(status=int(resource.get("statuscode", 200)), headerlist=headers)
    kind = resource.get("content-type") or resource.get("type")
    if "Content-Type" not in response.headers:
        response.headers["Content-Type"] = kind or "text/html; charset=UTF-8"
    if "charset" in resource:
        response.charset = resource["charset"]
    if "length" in resource:
        response.content_length = int(resource["length"])
    return response
