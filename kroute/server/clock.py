"""http_date: the time as the Date field has it (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from email.utils import formatdate
from time import time

__all__ = ["http_date"]

_now = 0
_text = ""


def http_date() -> str:
    """The present second; worked out once in it."""
    global _now, _text
    now = int(time())
    if now != _now:
        _now, _text = now, formatdate(now, usegmt=True)
    return _text
