"""FieldReader, field_reader, PARSERS: the libraries that take header fields apart.

Where a message begins and ends and what its fields mean for the connection is worked out in
`parser` and `head`, once for all of them. What is left to a library is what it is good at and
attacked for daily: names and values out of lines. The answers do not depend on which one it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

__all__ = ["PARSERS", "FieldReader", "Fields", "NotFields", "field_reader"]

log = logging.getLogger("kroute.http")

Fields = list[tuple[bytes, bytes]]

FieldReader = Callable[[bytes], Fields]
"""Reads field lines, from the CRLF of the line before them to the empty line: (name, value) in
order, the bytes as they came, without the white space around values. Raises NotFields, which is
not the last word. A line that is no field of its own, and a name that is no token, are for the
caller to find."""

PARSERS = ("httptools", "h11")


class NotFields(Exception):
    """What a FieldReader was given are not the lines of header fields."""


@cache
def field_reader(parser: str | None = None) -> FieldReader:
    """The reader of one of PARSERS; None for httptools, or h11 where that cannot be imported.

    Raises ValueError for another name, ImportError where httptools was asked for and is not there.
    """
    if parser not in (None, *PARSERS):
        raise ValueError(f"there is no parser {parser!r}; there are {' and '.join(PARSERS)}")
    if parser != "h11":
        try:
            from .fields_httptools import read_fields as read_by_httptools

            return read_by_httptools
        except ImportError as error:
            if parser is not None:
                raise ImportError(
                    f"httptools cannot be imported ({error}): install it, or use h11"
                ) from error
            log.info("requests are read by h11, since httptools cannot be imported: %s", error)
    from .fields_h11 import read_fields as read_by_h11

    return read_by_h11
