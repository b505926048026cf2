"""EnvironMaker, put_body, add_trailers: from a request to a WSGI environ (PEP 3333)."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import IO, Any, ClassVar
from urllib.parse import unquote_to_bytes

from .body import EMPTY_BODY
from .errors import RemoteProtocolError
from .fields import Fields
from .forwarded import FIELDS, Proxies
from .head import Head, Said
from .target import HOST, split_target

__all__ = ["RAW_PATH", "TRAILERS", "EnvironMaker", "add_trailers", "put_body"]

RAW_PATH = "kroute.raw_path"
"""The environ key of the path as it was sent, percent-encoded, without the query."""

TRAILERS = "kroute.trailers"
"""The environ key of the fields after a chunked body, by name, as they are usually written."""

# Fields with one value, of which two readers of the request may each take another one. RFC 9110,
# section 5.3: only lists may come in several lines.
SINGLE = frozenset(
    (
        "CONTENT_TYPE",
        "HTTP_AUTHORIZATION",
        "HTTP_CONTENT_RANGE",
        "HTTP_HOST",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_RANGE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_RANGE",
    )
)

MAX_NAMES, MAX_NAME = 1024, 64

SPARE = [f"kroute.spare.{number}" for number in range(6)]


class EnvironMaker:
    """Makes the environ of each request of one connection.

    peer, local: (address, port) of both sides. scheme: "http" or "https". proxies: if the peer is
    among them, what it says of its client counts.

    A field with "_" in its name is left out: in the environ `X_User` would be `X-User`, and a
    proxy that sees to the one would let the other through. (nginx and gunicorn do the same.)
    """

    __slots__ = ("_address", "_base", "_port", "_proxies", "peer")

    # Shared by all, bounded by MAX_NAMES; "" for what is left out.
    _names: ClassVar[dict[bytes, str]] = {}

    def __init__(
        self,
        peer: tuple[str, int],
        local: tuple[str, int],
        scheme: str = "http",
        proxies: Proxies | None = None,
    ) -> None:
        self._proxies = proxies
        self.peer = peer
        self._address, self._port = peer[0], str(peer[1])
        self._base = _base(local, scheme, sys.stderr)

    def make(self, head: Head) -> dict[str, Any]:
        """The environ of a request, without its body.

        Raises RemoteProtocolError where the target or the Host field cannot be understood.
        """
        method, target, said = head.method, head.target, head.said
        if target[0] != "/" or method == "CONNECT":
            return self._for_other_target(head)
        known = said.environ
        if known is None or said.base is not self._base:
            known = self._from_said(said)
        environ = known.copy()
        environ["REMOTE_ADDR"] = self._address
        environ["REMOTE_PORT"] = self._port
        path, _, query = target.partition("?")
        environ["REQUEST_METHOD"] = method
        environ[RAW_PATH] = path
        environ["QUERY_STRING"] = query
        # PEP 3333: bytes as latin-1; decoded once.
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1") if "%" in path else path
        if said.forwarded and self._proxies is not None:
            self._proxies.restore(environ)
        return environ

    def _from_said(self, said: Said) -> dict[str, Any]:
        """What is the same for all requests that say the same of themselves, on all connections
        to one address; kept with that."""
        environ = self._from_fields(said)
        said.forwarded = not environ.keys().isdisjoint(FIELDS)
        # So that its copies have room for what is still to come, and need not grow then.
        spare = dict.fromkeys(["REQUEST_METHOD", RAW_PATH, "QUERY_STRING", "PATH_INFO", *SPARE])
        environ.update(spare)
        for name in SPARE:
            del environ[name]
        said.environ, said.base = environ, self._base
        return environ

    def _for_other_target(self, head: Head) -> dict[str, Any]:
        """The environ for a target that is no path."""
        environ = self._from_fields(head.said)
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = self._address, self._port
        method, target = head.method, head.target
        raw, query, host, scheme = split_target(method.encode("ascii"), target.encode("ascii"))
        if host:
            environ["HTTP_HOST"] = host.decode("ascii")
            if scheme != self._base["wsgi.url_scheme"].encode("ascii"):
                # RFC 9110, section 7.4: https is not served on what is not secured.
                message = "the target has another scheme than the connection"
                raise RemoteProtocolError(message, 421)
        environ["REQUEST_METHOD"] = method
        environ[RAW_PATH] = raw.decode("ascii")
        environ["QUERY_STRING"] = query.decode("ascii")
        environ["PATH_INFO"] = unquote_to_bytes(raw).decode("latin-1")
        if self._proxies is not None:
            self._proxies.restore(environ)
        return environ

    def _from_fields(self, said: Said) -> dict[str, Any]:
        environ = self._base.copy()
        names = self._names
        for name, value in said.headers:
            key = names.get(name)
            if key is None:
                key = self._key(name)
            if key in environ:
                self._add_again(environ, key, value.decode("latin-1"))
            elif key:
                environ[key] = value.decode("latin-1")
        environ["SERVER_PROTOCOL"] = "HTTP/1.1" if said.modern else "HTTP/1.0"
        self._check_host(environ)
        return environ

    @staticmethod
    def _add_again(environ: dict[str, Any], key: str, text: str) -> None:
        """A field comes once more: its values are a list (RFC 9110, section 5.3)."""
        if key in SINGLE:
            raise RemoteProtocolError(f"{key[5:].replace('_', '-').title()} comes twice")
        # RFC 6265, section 5.4, says how cookies are joined.
        environ[key] += ("; " if key == "HTTP_COOKIE" else ", ") + text

    def _check_host(self, environ: dict[str, Any]) -> None:
        """RFC 9112, section 3.2: one Host field, and what is in it is a host."""
        host: str | None = environ.get("HTTP_HOST")
        if host is None:
            if environ["SERVER_PROTOCOL"] == "HTTP/1.1":
                raise RemoteProtocolError("the Host field is missing")
        elif not host:
            # The client has no name for us (section 3.3); SERVER_NAME it is, then.
            del environ["HTTP_HOST"]
        elif not HOST.fullmatch(host.encode("latin-1")):
            raise RemoteProtocolError("the Host field is not a host and port")

    @classmethod
    def _key(cls, name: bytes) -> str:
        """The environ key of a header field; kept for the next time, up to a bound."""
        if b"_" in name:
            key = ""
        else:
            key = name.decode("ascii").upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
        if len(name) <= MAX_NAME:
            if len(cls._names) >= MAX_NAMES:
                cls._names.clear()  # somebody makes names up; the usual ones will be back soon
            cls._names[name] = key
        return key


@lru_cache(64)
def _base(local: tuple[str, int], scheme: str, errors: object) -> dict[str, Any]:
    """What all environs of connections to one address have in common, and room for the rest."""
    return {
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        "SERVER_NAME": local[0],
        "SERVER_PORT": str(local[1]),
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": errors,
        "wsgi.input": EMPTY_BODY,
        "wsgi.input_terminated": True,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def put_body(environ: dict[str, Any], file: IO[bytes], size: int) -> None:
    """Put a body that was received into an environ. file: at its start, with `size` bytes."""
    environ["wsgi.input"] = file
    environ["CONTENT_LENGTH"] = str(size)
    environ["webob.is_body_seekable"] = True  # or WebOb would make a copy


def add_trailers(environ: dict[str, Any], trailers: Fields) -> None:
    """Put the fields after a chunked body (RFC 9110, section 6.5) into an environ: apart, as what
    came before the body may have been acted on."""
    found = environ.setdefault(TRAILERS, {})
    for name, value in trailers:
        key = name.decode("ascii").title()
        text = value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
