"""read_fields: a FieldReader by h11, which is in Python and runs wherever that does."""

from __future__ import annotations

import re

import h11

from .fields import Fields, NotFields

__all__ = ["read_fields"]

# RFC 9110, section 5.5, and RFC 9112, section 2.2: what h11 lets through. It has to be looked for
# first: h11's expressions take quadratic time for a long value that they refuse in the end.
FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")

# h11 has views of its own on Host, Content-Length and Transfer-Encoding: it leaves out the second
# of two equal lengths and changes the case of codings. With this in front of their names they are
# fields like any other to it. What is in front of white space is then no field any more.
MARK = b"."


def read_fields(lines: bytes) -> Fields:
    """See `FieldReader`."""
    if FORBIDDEN.search(lines):
        raise NotFields("a control character or a bare CR or LF")
    connection = h11.Connection(h11.SERVER)
    marked = lines[:-4].replace(b"\r\n", b"\r\n" + MARK)
    connection.receive_data(b"GET / HTTP/1.0%b\r\n\r\n" % marked)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise NotFields(str(error)) from error
    if not isinstance(request, h11.Request):
        raise NotFields("not complete")
    return [(name[1:], value) for name, value in request.headers.raw_items()]
