r"""`routing_path`, `routing_path_from_info`, `info_from_path`, `is_utf8`: the text a map matches.

A *routing path* is what a URL map matches: text, percent-decoded exactly once as UTF-8. Two kinds
of bytes have no place in such text and stand in it as lone surrogates, Python's own habit
(`surrogateescape`, PEP 383):

- a byte that is not UTF-8, 0x80 to 0xFF, as ``\udc80`` to ``\udcff``;
- an encoded slash, ``%2F``, as ``\udc2f``. RFC 3986, 2.2: a reserved character that is
  percent-encoded does not mean what it means bare, so it must make no segment boundary. The map
  turns it back into ``/`` in the values it hands out. No other text can produce it:
  surrogateescape never makes a surrogate of an ASCII byte.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

__all__ = ["ENCODED_SLASH", "info_from_path", "is_utf8", "routing_path", "routing_path_from_info"]

ENCODED_SLASH = "\udc2f"

_encoded_slash = re.compile(rb"%2[fF]")


def routing_path(raw: bytes | str) -> str:
    """The routing path of a request-target's path, still percent-encoded, without its query.

    `str` is taken as latin-1, one character a byte, the way it comes off the wire. A stray ``%``
    stays as it is. Raises `ValueError` for `str` with characters above U+00FF.

    Source: RFC 3986, 2.1 and 2.4 (decode once, after taking apart).
    """
    if isinstance(raw, str):
        # The common case: nothing to decode. Both tests are single passes in C.
        if "%" not in raw and raw.isascii():
            return raw
        raw = raw.encode("latin-1")
    elif b"%" not in raw:
        return raw.decode("utf-8", "surrogateescape")
    pieces = _encoded_slash.split(raw)
    return ENCODED_SLASH.join(
        [unquote_to_bytes(piece).decode("utf-8", "surrogateescape") for piece in pieces]
    )


def routing_path_from_info(path_info: str) -> str:
    """The routing path of a WSGI `PATH_INFO`: already percent-decoded, bytes as latin-1.

    What was ``%2F`` cannot be told from ``/`` any more (PEP 3333 leaves no trace of it).
    Raises `ValueError` for characters above U+00FF, which PEP 3333 does not allow.
    """
    if path_info.isascii():
        return path_info
    return path_info.encode("latin-1").decode("utf-8", "surrogateescape")


def info_from_path(path: str) -> str:
    """The WSGI `PATH_INFO` or `SCRIPT_NAME` of (part of) a routing path, bytes as latin-1."""
    if path.isascii():
        return path
    text = path.replace(ENCODED_SLASH, "/")
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def is_utf8(path: str) -> bool:
    """Whether a routing path is text; if not, the client sent bytes that are not UTF-8."""
    if path.isascii():
        return True
    try:
        path.replace(ENCODED_SLASH, "/").encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
