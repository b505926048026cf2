"""read_fields: a FieldReader by httptools, which is llhttp, the parser of Node.js, in C."""

from __future__ import annotations

import httptools

from .fields import Fields, NotFields

__all__ = ["read_fields"]


class _Fields(Fields):
    """A list that llhttp fills."""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.append((name, value.rstrip()))


def read_fields(lines: bytes) -> Fields:
    """See `FieldReader`. llhttp never sees a method or a target, so it has no opinion on them."""
    fields = _Fields()
    try:
        httptools.HttpRequestParser(fields).feed_data(b"GET / HTTP/1.1" + lines)
    except httptools.HttpParserUpgrade:
        pass  # an offer, for a handler to take up; until then the connection speaks HTTP/1
    except httptools.HttpParserError as error:
        raise NotFields(str(error)) from error
    return fields
