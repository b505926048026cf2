"""Request: what a handler is given, a `webob.Request`."""

from __future__ import annotations

import re
from collections.abc import Generator
from io import BytesIO
from typing import Any

import webob
import webob.exc

from .body import SharedBytes
from .environ import TRAILERS
from .form import check_form
from .query import plain_query

__all__ = ["READER", "Request"]

READER = "kroute.reader"
"""The environ key of who reads the body as it comes: `read()` is a generator function."""

PART = 65536


# Codecs for text. Python has others (punycode, idna) that take for ever over long bodies.
CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?[lb]e)?|(us-)?ascii|latin-?1|iso-?8859-?\d+|(windows-|cp)12\d\d"
    r"|koi8-[ru]|shift_jis|euc-(jp|kr)|gb(k|2312|18030)|big5",
    re.IGNORECASE,
)


def _from_client(name: str, what: str) -> Any:
    """WebOb's property `name`; what a client sent that cannot be read as that is its fault."""
    inherited: Any = getattr(webob.Request, name)

    def get(self: Request) -> Any:
        if name != "GET":
            self._check_body(name)
        elif (plain := plain_query(self.environ)) is not None:
            return plain
        try:
            return inherited.fget(self)
        except (ValueError, LookupError, RecursionError, DeprecationWarning) as error:
            raise webob.exc.HTTPBadRequest(f"{what} cannot be read: {error}.") from error

    return property(get, inherited.fset, inherited.fdel, inherited.__doc__)


BODY: Any = webob.Request.body


def _body(self: webob.Request) -> bytes:
    """The body of the request; WebOb's property, by a shorter way where the body is in memory."""
    environ = self.environ
    file = environ["wsgi.input"]
    kind = type(file)
    if (kind is BytesIO or kind is SharedBytes) and environ.get("webob.is_body_seekable"):
        data: bytes = file.getvalue()  # no copy, unless somebody has written to it
        if environ.get("CONTENT_LENGTH") == str(len(data)):
            file.seek(0)
            return data
    body: bytes = BODY.fget(self)
    return body


class Request(webob.Request):
    """A request, as a handler sees it: `webob.Request` and what routing knows about it.

    GET, POST, json and text raise HTTPBadRequest where the client sent what is no such thing,
    HTTPUnsupportedMediaType for a charset that is not for text, and POST
    HTTPRequestEntityTooLarge for a form of more than a thousand fields.
    The environ it is made of is a WSGI environ (PEP 3333); the path as it was sent stands in
    `kroute.raw_path`.
    """

    def __init__(
        self, environ: dict[str, Any], charset: str | None = None, **options: Any
    ) -> None:
        if charset is None and not options and type(environ) is dict:
            # All that WebOb's does then. It goes past its __setattr__, as that does.
            self.__dict__["environ"] = environ
        else:
            super().__init__(environ, charset=charset, **options)

    body = property(_body, BODY.fset, BODY.fdel)
    GET = _from_client("GET", "The query")
    POST = _from_client("POST", "The form in the body")
    json = json_body = _from_client("json", "The JSON in the body")
    text = _from_client("text", "The text in the body")

    def _check_body(self, name: str) -> None:
        """Raise for a body that would take long to read, whatever its length."""
        charset = self.charset or "utf-8"
        if not CHARSETS.fullmatch(charset):
            detail = f"The charset {charset!r:.40} is not understood."
            raise webob.exc.HTTPUnsupportedMediaType(detail)
        if name == "POST" and self.is_body_readable and self.environ.get("CONTENT_TYPE"):
            self.make_body_seekable()
            check_form(self.environ, self.environ["wsgi.input"])

    @property
    def client_addr(self) -> str | None:
        """The address of the client, as far as proxies that are trusted have told it. (WebOb takes
        the word of whoever writes X-Forwarded-For.)"""
        address: str | None = self.remote_addr
        return address

    @property
    def path_variables(self) -> dict[str, Any]:
        """The variables of the route, as text (also `urlvars`, WebOb's name for them)."""
        variables: dict[str, Any] = self.urlvars
        return variables

    @property
    def trailers(self) -> dict[str, str]:
        """The fields that came after a chunked body (RFC 9110, section 6.5), by their names as
        they are usually written. Empty until the body was received."""
        trailers: dict[str, str] = self.environ.get(TRAILERS, {})
        return trailers

    def read(self) -> Generator[Any, None, bytes]:
        """The next part of the body, b"" at its end: `chunk = yield from request.read()`.

        In a handler whose route says `stream=True` it waits for what the client sends, which is
        slowed down to the pace of the handler; elsewhere the body is there already. Raises
        HTTPRequestEntityTooLarge where it is longer than it may be.
        """
        reader = self.environ.get(READER)
        if reader is None:
            data: bytes = self.body_file.read(PART)
        else:
            data = yield from reader.read()
        return data

    def url_for(self, name: str, /, **parts: Any) -> str:
        """The URL of the route `name`, with `parts` in it; see `URLMap.url_for`.

        A part that is not given comes from the URL of this request where that has it; what the
        route has no place for becomes the query. `_qualified=True` makes a full URL, `_host` and
        `_protocol` one of another host or scheme, `_anchor` adds a fragment.

        Raises BuildError: no such name, a part missing, one that does not fit; RuntimeError for a
        request that no application has dispatched.
        """
        links = self.environ.get("kroute.links")
        if links is None:
            raise RuntimeError("this request was made by hand; no application knows its routes")
        url: str = links.url_for(self, name, parts)
        return url
