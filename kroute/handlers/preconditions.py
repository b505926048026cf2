"""Validators: the state that a client knows, against the one there is (RFC 9110, section 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, NamedTuple

from webob.datetime_utils import parse_date

__all__ = ["Validators"]

# Section 8.8.3. (WebOb's own takes no list without spaces, which the RFC allows.)
ETAG = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"')


class Validators(NamedTuple):
    """etag: as it is sent, with its quotes. modified: seconds of a time that is not in the future.
    strong: whether both change with every change of what they stand for (section 8.8.1)."""

    etag: str
    modified: int
    strong: bool

    @property
    def last_modified(self) -> str:
        return formatdate(self.modified, usegmt=True)

    def status_for(self, environ: Mapping[str, Any]) -> int:
        """412, 304, or 200 to go on: the preconditions of a GET or HEAD, in the order of section
        13.2.2."""
        match = environ.get("HTTP_IF_MATCH")
        since = _date(environ.get("HTTP_IF_UNMODIFIED_SINCE"))
        if match is not None:
            strongly = self.strong and self.etag in ETAG.findall(match)
            if not strongly and match.strip() != "*":
                return 412
        elif since is not None and self.modified > since:
            return 412
        none_match = environ.get("HTTP_IF_NONE_MATCH")
        since = _date(environ.get("HTTP_IF_MODIFIED_SINCE"))
        if none_match is not None:
            weakly = _opaque(self.etag) in map(_opaque, ETAG.findall(none_match))
            return 304 if weakly or none_match.strip() == "*" else 200
        return 304 if since is not None and self.modified <= since else 200

    def range_holds(self, environ: Mapping[str, Any]) -> bool:
        """Whether a Range field is about what there is: If-Range, compared to the letter (section
        13.1.5)."""
        if_range = environ.get("HTTP_IF_RANGE")
        return if_range is None or (self.strong and if_range in (self.etag, self.last_modified))


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def _date(value: str | None) -> float | None:
    """A date in seconds; None for what is none, which is to be ignored (section 13.1.3). WebOb
    takes more for a date than section 5.6.7 does: it means what it looks like."""
    try:
        date = parse_date(value)
    except (ValueError, OverflowError, OSError):  # a year or a zone that is out of all range
        return None
    return None if date is None else date.timestamp()
