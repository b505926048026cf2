"""read: what a stream of bytes is, by the letter of RFC 9112. A second opinion on RequestParser.

It shares nothing with what it is compared with: all bytes are there at once, each message is one
regular expression, there is no state, no limit of size, and no word on why something is no
message. What it takes for one has to be answered; what it does not must not be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
FIELDS = rb"((?:" + TOKEN + rb":" + TEXT + rb"\r\n)*)\r\n"

# RFC 9112, sections 2.2, 3 and 5. Of the target, what is no space, no control and no fragment.
HEAD = re.compile(rb"(" + TOKEN + rb") ([\x21\x22\x24-\x7e]+) HTTP/1\.([0-9])\r\n" + FIELDS)
FIELD = re.compile(rb"(" + TOKEN + rb"):([^\r\n]*)\r\n")
EMPTY_LINES = re.compile(rb"(?:\r\n)*")

# Section 7.1.
QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'
VALUE = rb"(?:" + TOKEN + rb"|" + QUOTED + rb")"
EXTENSION = rb"[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*" + VALUE + rb")?"
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:" + EXTENSION + rb")*\r\n")
TRAILERS = re.compile(FIELDS)

# Section 3.2; RFC 3986, section 3.2.
HOST = (
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[-A-Za-z0-9._~!$&'()*+,;=]|%[0-9A-Fa-f][0-9A-Fa-f])+)"
    rb"(?::[0-9]{0,5})?"
)
TARGET = re.compile(rb"/.*|(?:(?i:http)://" + HOST + rb"(?:[/?].*)?)")

# RFC 9110, section 5.3: no lists, so not twice.
ONCE = {
    b"authorization",
    b"content-range",
    b"content-type",
    b"host",
    b"if-modified-since",
    b"if-range",
    b"if-unmodified-since",
    b"proxy-authorization",
    b"range",
}
FRAMING = {b"content-length", b"transfer-encoding", b"connection", b"expect"}

MAX_FIELDS = 100
MAX_LENGTH = 10**19


@dataclass
class Message:
    """A request. fields, trailers: the values of each name, in lower case. body: None where its
    end is not there, or what is there is not a body. persists: whether more may follow."""

    method: bytes
    target: bytes
    fields: dict[bytes, list[bytes]]
    persists: bool
    body: bytes | None = b""
    chunked: bool = False
    length: int = 0
    trailers: dict[bytes, list[bytes]] = field(default_factory=dict)


@dataclass
class Stream:
    """The messages there are, and what is behind the last of them: "nothing" that counts, a
    "refusal", or something "open", of which the end is not there or which is wrong."""

    messages: list[Message]
    behind: str


def read(raw: bytes) -> Stream:
    """All that is in `raw`."""
    messages: list[Message] = []
    at = 0
    while (at := _skip(raw, at)) < len(raw):
        found = HEAD.match(raw, at)
        message = None if found is None else _message(*found.groups())
        if found is None or message is None:
            return Stream(messages, "open" if raw.find(b"\r\n\r\n", at) < 0 else "refusal")
        messages.append(message)
        at = _read_body(message, raw, found.end())
        if message.body is None:
            return Stream(messages, "open")
        if not message.persists:
            break
    return Stream(messages, "nothing")


def _skip(raw: bytes, at: int) -> int:
    """Section 2.2: empty lines before a request line are nothing."""
    found = EMPTY_LINES.match(raw, at)
    assert found
    return found.end()


def _message(method: bytes, target: bytes, minor: bytes, lines: bytes) -> Message | None:
    """A message without its body; None where what it says of itself is not right."""
    modern = minor != b"0"
    fields = _fields(lines)
    options = _members(fields, b"connection")
    persists = b"close" not in options and (modern or b"keep-alive" in options)
    hosts = fields.get(b"host", [])
    codings = fields.get(b"transfer-encoding")
    lengths = fields.get(b"content-length")
    right = (
        sum(map(len, fields.values())) <= MAX_FIELDS
        and all(len(fields.get(name, ())) <= 1 for name in ONCE)
        and (len(hosts) == 1 or not modern)
        and all(re.fullmatch(HOST, host) for host in hosts if host)
        and method != b"CONNECT"  # whose target is an authority; there are no tunnels here
        and (TARGET.fullmatch(target) or (method, target) == (b"OPTIONS", b"*"))
        and (codings is None or (modern and [c.lower() for c in codings] == [b"chunked"]))
        and (lengths is None or (len(lengths) == 1 and re.fullmatch(rb"[0-9]{1,19}", lengths[0])))
        and (codings is None or lengths is None)
        and (not modern or _members(fields, b"expect") <= {b"100-continue"})
    )
    if not right:
        return None
    length = int(lengths[0]) if lengths else 0
    return Message(method, target, fields, persists, b"", codings is not None, length)


def _members(fields: dict[bytes, list[bytes]], name: bytes) -> set[bytes]:
    """The members of a list (RFC 9110, section 5.6.1), in lower case."""
    members = b",".join(fields.get(name, [])).lower().split(b",")
    return {member.strip(b" \t") for member in members} - {b""}


def _fields(lines: bytes) -> dict[bytes, list[bytes]]:
    fields: dict[bytes, list[bytes]] = {}
    for name, value in FIELD.findall(lines):
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    return fields


def _read_body(message: Message, raw: bytes, at: int) -> int:
    """Add its body to a message; returns where that ends."""
    if not message.chunked:
        end = at + message.length
        message.body = raw[at:end] if end <= len(raw) else None
        return end
    body = b""
    message.body = None
    while (line := CHUNK_LINE.match(raw, at)) is not None:
        size = int(line[1], 16)
        if not size:
            trailers = TRAILERS.match(raw, line.end())
            if trailers is not None:
                found = _fields(trailers[1])
                if not FRAMING & set(found) and sum(map(len, found.values())) <= MAX_FIELDS:
                    message.body, message.trailers = body, found
                    return trailers.end()
            break
        at = line.end() + size + 2
        body += raw[line.end() : at - 2]
        if raw[at - 2 : at] != b"\r\n" or at > len(raw):
            break
    return at
