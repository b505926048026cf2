"""http_date: the time as the Date field has it (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from email.utils import formatdate
from time import time

__all__ = ["http_date"]

_begin = _end = 0  # of the second in question
_text = ""


def http_date() -> str:
    """The present second; worked out once in it."""
    global _begin, _end, _text
    if not _begin <= (now := time()) < _end:
        _begin = int(now)
        _end = _begin + 1
        _text = formatdate(_begin, usegmt=True)
    return _text
