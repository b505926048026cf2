"""check_form: how many fields a form has, before anything is made of them."""

from __future__ import annotations

import re
from typing import IO, Any

import webob.exc

__all__ = ["MAX_FIELDS", "check_form"]

MAX_FIELDS = 1000
"""Fields of a form. Each is an object or two, and each part that is a file a file of its own."""

PART = 65536
BOUNDARY = re.compile(r'boundary="?([^";]{1,70})', re.IGNORECASE)  # RFC 2046, section 5.1.1


def check_form(environ: dict[str, Any], body: IO[bytes]) -> None:
    """Raise HTTPRequestEntityTooLarge for a form in `body` with more than MAX_FIELDS fields.

    It is counted by what separates the fields, so that nothing is parsed; `body` is left at its
    start.
    """
    kind = environ.get("CONTENT_TYPE", "")
    boundary = BOUNDARY.search(kind) if kind.lower().startswith("multipart/") else None
    if boundary is not None:
        separator = b"--" + boundary[1].encode("latin-1")
    elif kind.lower().startswith("application/x-www-form-urlencoded"):
        separator = b"&"
    else:
        return
    if _count(body, separator) > MAX_FIELDS:
        raise webob.exc.HTTPRequestEntityTooLarge(f"A form has at most {MAX_FIELDS} fields.")


def _count(body: IO[bytes], separator: bytes) -> int:
    """How often `separator` stands in `body`; stops counting after MAX_FIELDS."""
    found = 0
    kept = b""
    body.seek(0)
    while found <= MAX_FIELDS:
        part = body.read(PART)
        if not part:
            break
        text = kept + part
        found += text.count(separator)
        # What may be the beginning of a separator is looked at again; a whole one is not in it.
        kept = text[len(text) - len(separator) + 1 :] if len(separator) > 1 else b""
    body.seek(0)
    return found
