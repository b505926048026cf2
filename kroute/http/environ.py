"""EnvironMaker: from the head of a request to a WSGI environ (PEP 3333)."""

from __future__ import annotations

import re
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from .body import EMPTY_BODY
from .errors import RemoteProtocolError
from .parser import Head
from .target import split_target

__all__ = ["RAW_PATH", "EnvironMaker"]

RAW_PATH = "kroute.raw_path"
"""The environ key of the path as it was sent, percent-encoded, without the query."""

# RFC 9110, section 7.2: uri-host [ ":" port ]; the characters that section 3.2.2 of RFC 3986 has.
HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.vV]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::[0-9]*)?")

MAX_NAMES = 1024


class EnvironMaker:
    """Makes the environ of each request of one connection.

    peer, local: (address, port) of both sides. scheme: "http" or "https".
    """

    _names: dict[bytes, str] = {  # noqa: RUF012 - shared by all, bounded by MAX_NAMES
        b"content-type": "CONTENT_TYPE",
        b"content-length": "CONTENT_LENGTH",
    }

    def __init__(self, peer: tuple[str, int], local: tuple[str, int], scheme: str = "http") -> None:
        self._base: dict[str, Any] = {
            "REMOTE_ADDR": peer[0],
            "REMOTE_PORT": str(peer[1]),
            "SERVER_NAME": local[0],
            "SERVER_PORT": str(local[1]),
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.input": EMPTY_BODY,
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def make(self, head: Head) -> dict[str, Any]:
        """The environ of a request, without its body.

        Raises RemoteProtocolError where the target or the Host field cannot be understood.
        """
        environ = self._base.copy()
        names = self._names
        hosts = 0
        for name, value in head.headers:
            key = names.get(name) or self._key(name)
            text = value.decode("latin-1")
            if key in environ:
                # RFC 9110, section 5.3; RFC 6265, section 5.4 for cookies.
                text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
            environ[key] = text
            if key == "HTTP_HOST":
                hosts += 1
                if not HOST.fullmatch(value):
                    raise RemoteProtocolError("the Host field is not a host and port")
        if hosts > 1 or (not hosts and head.version == b"HTTP/1.1"):
            raise RemoteProtocolError("HTTP/1.1 has exactly one Host field (RFC 9112, section 3.2)")
        environ["REQUEST_METHOD"] = head.method.decode("ascii")
        environ["SERVER_PROTOCOL"] = "HTTP/1.1" if head.version == b"HTTP/1.1" else "HTTP/1.0"
        self._add_target(environ, head)
        return environ

    @staticmethod
    def _add_target(environ: dict[str, Any], head: Head) -> None:
        path, query, host = split_target(head.method, head.target)
        raw = path.decode("ascii")
        environ[RAW_PATH] = raw
        environ["QUERY_STRING"] = query.decode("ascii")
        # PEP 3333: bytes as latin-1; decoded once.
        environ["PATH_INFO"] = unquote_to_bytes(raw).decode("latin-1") if "%" in raw else raw
        if host:
            environ["HTTP_HOST"] = host.decode("latin-1")

    @classmethod
    def _key(cls, name: bytes) -> str:
        """The environ key of a header field; kept for the next time, up to a bound."""
        key = cls._names.get(name.lower())
        if key is None:
            key = "HTTP_" + name.decode("ascii").upper().replace("-", "_")
        if len(cls._names) < MAX_NAMES:
            cls._names[name] = key
        return key
