"""error_page, usual_page: an error as an answer, in what the client accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from html import unescape
from typing import Any

import webob.exc
from webob.acceptparse import create_accept_header

from ..http import Request, Response

__all__ = ["Fields", "Maker", "error_page", "usual_page"]

Fields = tuple[tuple[str, str], ...]
Maker = Callable[[str | None, Fields], webob.exc.WSGIHTTPException]
"""A class of webob.exc."""

OFFERS = ("text/plain", "text/html", "application/json")
MAX_ACCEPT = 1024
"""Characters of an Accept field that is looked into."""
MAX_METHOD = 32
"""Characters of a method whose pages are remembered; those that are in use have fewer."""
TAGS = re.compile(r"<br\s*/?>|<[^>]*>|<!--.*?-->", re.DOTALL)


def error_page(error: webob.exc.WSGIHTTPException, environ: dict[str, Any]) -> webob.Response:
    """What to answer for a `webob.exc` exception: its own body, or one made of its words.

    Plain text where the client takes anything (curl), HTML for a browser, JSON for who asks for it
    (RFC 9110, section 12.5.1). The exception itself is not changed: an author may raise one object
    twice.
    """
    if getattr(error, "add_slash", False):
        error = _with_slash(error, environ)
    headers = [field for field in error.headerlist if field[0].lower() != "content-length"]
    if error.has_body or error.empty_body:
        return Response(status=error.status, headerlist=headers, app_iter=error.app_iter)
    headers = [field for field in headers if field[0].lower() != "content-type"]
    kind = _kind(environ)
    if kind == "text/html":
        body = "<!DOCTYPE html>\n" + error.html_body(environ)
    elif kind == "application/json":
        body = json.dumps(
            error.json_formatter(_words(error), error.status, error.title, environ)
        )
    else:
        body = f"{error.status}\n\n{_words(error)}\n"
    response = Response(body.encode(), error.status, content_type=kind)
    response.headerlist.extend(headers)
    return response


def usual_page(
    environ: dict[str, Any], make: Maker, detail: str | None = None, headers: Fields = ()
) -> webob.Response:
    """`error_page` of `make(detail, headers)`, where that says nothing of the request but its
    method (as 404 and 405). One object for all requests that are to get the same: nobody may
    change it."""
    method = environ["REQUEST_METHOD"]
    if len(method) > MAX_METHOD:  # so that what is remembered has a bound
        return error_page(make(detail, headers), environ)
    return _usual(_kind(environ), method, make, detail, headers)


@lru_cache(256)
def _usual(
    kind: str, method: str, make: Maker, detail: str | None, headers: Fields
) -> webob.Response:
    environ = {"HTTP_ACCEPT": kind, "REQUEST_METHOD": method}
    return error_page(make(detail, headers), environ)


def _kind(environ: dict[str, Any]) -> str:
    """Which of OFFERS the client likes best."""
    accept: str | None = environ.get("HTTP_ACCEPT")
    return _best(accept) if accept and len(accept) <= MAX_ACCEPT else OFFERS[0]


@lru_cache(256)
def _best(accept: str) -> str:
    found = create_accept_header(accept).acceptable_offers(OFFERS)
    return found[0][0] if found else OFFERS[0]


def _with_slash(error: webob.exc.WSGIHTTPException, environ: dict[str, Any]) -> Any:
    """A redirect to where the request went, with a slash; WebOb's `add_slash`."""
    moved = copy(error)
    moved.headerlist = list(error.headerlist)
    query = environ.get("QUERY_STRING")
    moved.location = Request(environ).path_url + "/" + (f"?{query}" if query else "")
    return moved


def _words(error: webob.exc.WSGIHTTPException) -> str:
    """What the exception says, without markup: the author's words, or else WebOb's."""
    if error.detail:
        return str(error.detail).strip()
    words = _plain(error.explanation)
    location = error.headers.get("Location") if error.code < 400 else None
    return f"{words} {location}" if location else words


@lru_cache(256)
def _plain(markup: str) -> str:
    return unescape(TAGS.sub("", markup)).strip()
