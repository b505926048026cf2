"""own_environ: from the environ of another server to one that handlers know."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_to_bytes

from ..http import EMPTY_BODY, RAW_PATH

__all__ = ["body_length", "own_environ"]

SAFE = "/!$&'()*+,;=:@-._~"
"""What a path has unquoted (RFC 3986, section 3.3)."""


def own_environ(environ: dict[str, Any]) -> dict[str, Any]:
    """A copy, with the path as it was sent, as far as that can be known, and without the body:
    that is read when somebody wants it, and never in the scheduler's thread."""
    own = {**environ, "wsgi.input": EMPTY_BODY, "wsgi.input_terminated": True}
    own.pop("webob.is_body_seekable", None)  # said of the other one
    own.setdefault("SCRIPT_NAME", "")
    own.setdefault("PATH_INFO", "")
    own.setdefault("QUERY_STRING", "")
    own[RAW_PATH] = _raw_path(own) or quote(own["PATH_INFO"].encode("latin-1"), SAFE) or "/"
    return own


def _raw_path(environ: dict[str, Any]) -> str:
    """The path as it was sent, percent-encoded, or "".

    PEP 3333 has PATH_INFO alone, in which an encoded slash looks like any other. Many servers have
    the target of the request too (Apache, uWSGI, waitress and cheroot by one name, gunicorn by
    another). It is believed where it says the same.
    """
    target: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    path = target.partition("?")[0]
    prefix = quote(environ["SCRIPT_NAME"].encode("latin-1"), SAFE)
    rest = path[len(prefix) :]
    believed = path.isascii() and path.startswith(prefix)
    if believed and unquote_to_bytes(rest).decode("latin-1") == environ["PATH_INFO"]:
        return rest
    return ""


def body_length(environ: dict[str, Any]) -> int | None:
    """Bytes of the body: 0 where there is none, None where it ends by itself. Raises ValueError
    for a Content-Length that is no number."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length:
        if not (length.isascii() and length.isdigit()):
            raise ValueError(f"{length!r} is no Content-Length")
        return int(length)
    # PEP 3333 knows of no other; servers that take chunked bodies apart say so in this way.
    chunked = "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated")
    return None if chunked else 0
