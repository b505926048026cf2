"""Head, Said, HeadReader, parse_trailers: a complete block of lines, taken apart (RFC 9112).

A FieldReader (httptools or h11) reads the fields. What they mean for the connection - length of
the body, keep-alive - is worked out here, because there the two differ from one another and from
the RFCs (llhttp takes Proxy-Connection for Connection), and one release from the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .errors import RemoteProtocolError
from .fields import FieldReader, Fields, NotFields

__all__ = ["Head", "HeadReader", "Said", "parse_trailers"]


@dataclass(slots=True)
class Said:
    """What all of a head but method and target says.

    modern: it is to be answered as HTTP/1.1, and not as HTTP/1.0. headers: (name, value) in order,
    the bytes as they came, without the white space around values. body_length: bytes of body to
    come; 0 for none, None if it is chunked. expect_continue: the client may wait for a 100
    (Continue) before it sends them. rest: the bytes that say so. environ, base, forwarded: what an
    `EnvironMaker` has made of all that, if one has.
    """

    modern: bool
    headers: Fields
    body_length: int | None
    keep_alive: bool
    expect_continue: bool = False
    rest: bytes = field(default=b"", compare=False, repr=False)
    environ: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    base: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    forwarded: bool = field(default=False, compare=False, repr=False)


NOTHING = Said(False, [], 0, False)


@dataclass(slots=True)
class Head:
    """The start of a request. said: the same for the next head where that says the same."""

    method: str
    target: str
    said: Said


# RFC 9110, section 5.6.2
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9110, section 5.5: in a value, of these a tab only. Bare CR and LF are found by the parser.
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

# RFC 9112, section 3: one space between the parts. A target is any visible ASCII without "#". RFC
# 3986 allows less, but browsers send such as "|" and "{" as they are (WHATWG URL, query state).
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!\"$-~]+) HTTP/([0-9])\.([0-9])\r\n")

# The usual ones; any other token is a method, too.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

# RFC 9112, section 7: a coding, perhaps with parameters; `chunked` has none (section 7.1).
CODING = re.compile(rb"chunked|(?!chunked[ \t]*;)[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*;.*)?")

# RFC 9110, section 8.6. More digits than a file can have bytes are no length.
LENGTH = re.compile(rb"[0-9]{1,19}")

# The fields that mean something for the connection, and for nothing after it.
_SPECIAL = frozenset((b"connection", b"content-length", b"expect", b"transfer-encoding"))

MAX_NAMES, MAX_NAME = 1024, 64
_names: dict[bytes, bytes] = {}  # good names: which of _SPECIAL they are, or b""


class Memory:
    """What was said last, on any connection: what follows the target of a head, and its meaning.

    A connection refers to what its client has said last. So thousands that say the same, as those
    of one program do, take the room of one. Who asks needs all of the bytes to find what they
    mean, so nobody learns here what others have said.

    size: bytes of heads that it keeps; what they mean takes about five times as many.
    """

    def __init__(self, size: int = 256 * 1024) -> None:
        self._room = size
        self._said: dict[bytes, Said] = {}

    def get(self, rest: bytes) -> Said | None:
        """What `rest` means, if it is known."""
        return self._said.get(rest)

    def add(self, said: Said) -> None:
        """Keep what was said, and forget what was learnt first where there is no room."""
        self._said[said.rest] = said
        self._room -= len(said.rest)
        while self._room < 0:
            oldest = next(iter(self._said))
            del self._said[oldest]
            self._room += len(oldest)


@lru_cache(16)
def _memory(max_fields: int, read_fields: FieldReader) -> Memory:
    """One for all who read in the same way."""
    return Memory()


class HeadReader:
    """Takes the heads of one connection apart, one after the other.

    A client says mostly the same of itself with each request. So what follows the target is
    compared with that of the head before, and not read again where it is the same: as far as it is
    short enough to be remembered as long as the connection lasts.

    max_fields: header fields that a head may have. body: bytes of the body that follows a head
    that says the same as the one before, as far as that is known.
    """

    __slots__ = ("_max_fields", "_read_fields", "_rest", "_said", "body")

    REMEMBERED = 4096
    """Bytes."""

    def __init__(self, max_fields: int, read_fields: FieldReader) -> None:
        self._max_fields = max_fields
        self._read_fields = read_fields
        self._rest = b""
        self._said = NOTHING
        self.body = 0

    def again(self, data: bytes, end: int) -> Head | None:
        """The head that data are up to `end`, if it is one, and says the same as the one before;
        None where that takes a closer look. So they are one head to that end, and no more."""
        rest = self._rest
        cut = end - len(rest)
        if cut < 1 or data[cut:end] != rest or not rest:
            return None
        try:
            method, _, target = data[:cut].decode("ascii").partition(" ")
        except UnicodeDecodeError:
            return None
        if not (method in METHODS and target and target.isprintable()):
            return None
        if " " in target or "#" in target:
            return None
        return Head(method, target, self._said)  # as REQUEST_LINE says, which takes twice as long

    def read(self, block: bytes) -> Head:
        """Request line and header fields. Raises RemoteProtocolError where they are not HTTP."""
        same = self.again(block, len(block))
        if same is not None:
            return same
        match = REQUEST_LINE.match(block)
        if match is None:
            raise RemoteProtocolError("the request line is not METHOD TARGET HTTP/1.1")
        rest = block[match.end(2) :]
        said = self._said
        if rest != self._rest:
            said = self._know(rest, match[3], match[4])
        return Head(match[1].decode("ascii"), match[2].decode("ascii"), said)

    def _know(self, rest: bytes, major: bytes, minor: bytes) -> Said:
        """What `rest` means; remembered, if it is short enough."""
        if len(rest) > self.REMEMBERED:
            return self._read_rest(rest, major, minor)
        memory = _memory(self._max_fields, self._read_fields)
        said = memory.get(rest)
        if said is None:
            said = self._read_rest(rest, major, minor)
            memory.add(said)
        self._rest, self._said, self.body = said.rest, said, said.body_length or 0
        return said

    def _read_rest(self, rest: bytes, major: bytes, minor: bytes) -> Said:
        if major != b"1":
            raise RemoteProtocolError("only HTTP/1.1 and HTTP/1.0 are spoken here", 505)
        # RFC 9110, section 2.5: a higher minor version is processed as the highest that is known.
        modern = minor != b"0"
        headers = _read_lines(rest[rest.index(b"\r") :], self._max_fields, self._read_fields)
        special = _special(headers)
        return Said(
            modern,
            headers,
            _body_length(special, modern) if special else 0,
            _keeps_alive(special.get(b"connection"), modern),
            modern and b"expect" in special and _expects_continue(special[b"expect"]),
            rest,
        )


def parse_trailers(block: bytes, max_fields: int, read_fields: FieldReader) -> Fields:
    """The fields after a chunked body, without those about framing, which have no place there."""
    trailers = _read_lines(b"\r\n" + block, max_fields, read_fields)
    if _special(trailers):
        raise RemoteProtocolError("a trailer cannot frame a message (RFC 9110, section 6.5.1)")
    return trailers


def _read_lines(lines: bytes, max_fields: int, read_fields: FieldReader) -> Fields:
    """The fields of lines, from the CRLF before them to the empty line."""
    try:
        fields = read_fields(lines)
    except NotFields:
        return _read_plainly(lines, max_fields)
    if len(fields) > max_fields or lines.count(b"\n") != len(fields) + 2:
        return _read_plainly(lines, max_fields)
    return fields


def _read_plainly(lines: bytes, max_fields: int) -> Fields:
    """The fields of lines that a library refuses, or makes fewer fields of than they are.

    The libraries differ in what they look at first and in what they call it, and llhttp refuses a
    little that is right, such as a tab behind `chunked`. So that the answer does not depend on
    them, these lines are read once more, by the letter and as slowly as it may be.
    """
    fields = []
    for line in lines[2:-4].split(b"\r\n") if len(lines) > 4 else ():
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):
            # llhttp before 9.2 takes it.
            problem = "a header field goes over several lines (RFC 9112, section 5.2)"
        elif not colon:
            problem = "a header field has no colon: NAME: VALUE is right"
        elif not TOKEN.fullmatch(name):
            problem = _about_name(name)
        elif CONTROL.search(value):
            problem = "a header field has a control character in its value (RFC 9110, section 5.5)"
        else:
            fields.append((name, value.strip(b" \t")))
            continue
        raise RemoteProtocolError(problem)
    if len(fields) > max_fields:
        raise RemoteProtocolError(f"more than {max_fields} header fields", 431)
    return fields


def _special(fields: Fields) -> dict[bytes, bytes]:
    """The values of those fields that mean something for the connection; of several with one name
    the list of values (RFC 9110, section 5.3)."""
    special: dict[bytes, bytes] = {}
    for name, value in fields:
        known = _names.get(name)
        if known is None:
            known = _check_name(name)
        if known:
            special[known] = special[known] + b", " + value if known in special else value
    return special


def _check_name(name: bytes) -> bytes:
    """What a field name means here; kept for the next time."""
    if not TOKEN.fullmatch(name):
        # llhttp before 9.2 takes white space before the colon.
        raise RemoteProtocolError(_about_name(name))
    lower = name.lower()
    known = lower if lower in _SPECIAL else b""
    if len(name) <= MAX_NAME:
        if len(_names) >= MAX_NAMES:
            _names.clear()  # somebody makes names up; the usual ones will be back soon
        _names[name] = known
    return known


def _about_name(name: bytes) -> str:
    """What is wrong with a name that is no token."""
    if name.endswith((b" ", b"\t")):
        return "there is white space before a colon (RFC 9112, section 5.1)"
    return "the name of a header field is not a token (RFC 9110, section 5.1)"


def _body_length(special: dict[bytes, bytes], modern: bool) -> int | None:
    """How long the body is (RFC 9112, section 6.3), None if chunked.

    Where two readers could come to two answers, this one refuses to come to any.
    """
    length = special.get(b"content-length")
    coding = special.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise RemoteProtocolError("both Transfer-Encoding and Content-Length")
        _check_coding(coding, modern)
        return None
    if length is None:
        return 0
    if not LENGTH.fullmatch(length):
        raise RemoteProtocolError("Content-Length is not one number of bytes")
    return int(length)


def _check_coding(value: bytes, modern: bool) -> None:
    """Raise unless the transfer coding is `chunked` alone, the only one that is understood."""
    if not modern:
        raise RemoteProtocolError("HTTP/1.0 has no Transfer-Encoding (RFC 9112, section 6.1)")
    codings = [coding.strip() for coding in value.lower().split(b",")]
    if codings == [b"chunked"]:
        return
    if codings.count(b"chunked") > 1 or not all(map(CODING.fullmatch, codings)):
        raise RemoteProtocolError("Transfer-Encoding is no list of codings, or chunked is twice")
    # Section 6.1: what is not understood is 501. Section 6.3 has 400 where `chunked` is not the
    # last one. Both are true of `gzip` alone, and what the client has to change is the coding.
    raise RemoteProtocolError("no transfer coding but `chunked` is understood", 501)


def _expects_continue(value: bytes) -> bool:
    """Whether the client may wait for a 100 (RFC 9110, section 10.1.1). Not for HTTP/1.0, whose
    expectations are ignored."""
    wishes = {wish.strip() for wish in value.lower().split(b",")} - {b""}
    if wishes <= {b"100-continue"}:
        return bool(wishes)
    raise RemoteProtocolError("no expectation but 100-continue is understood", 417)


def _keeps_alive(connection: bytes | None, modern: bool) -> bool:
    """Whether the client wants the connection to persist (RFC 9112, section 9.3)."""
    if connection is None:
        return modern
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (modern or b"keep-alive" in options)
