"""The corpus of raw requests, and how events are written there.

`parse` has every one of PARSERS read what it is given, and they have to say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kroute.http import (
    NEED_DATA,
    Data,
    End,
    Event,
    Head,
    Limits,
    RemoteProtocolError,
    RequestParser,
)
from kroute.http.fields import PARSERS, FieldReader, field_reader

CORPUS = Path(__file__).parent / "corpus"

# Another request, to stand behind the one that is looked at.
NEXT = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"


class Case(NamedTuple):
    """name: topic and title. section: of which RFC. expected: what stands after `---`."""

    name: str
    section: str
    raw: bytes
    expected: str

    def __str__(self) -> str:
        return self.name


def load(kind: str) -> list[Case]:
    """The cases of a folder of the corpus."""
    cases = []
    for file in sorted((CORPUS / kind).glob("*.txt")):
        for text in file.read_text("ascii").split("=== ")[1:]:
            title, _, rest = text.partition("\n")
            name, section = title.split(" | ")
            raw, _, expected = rest.partition("\n---")
            cases.append(Case(f"{file.stem}: {name}", section, unescape(raw), expected.strip()))
    return cases


def by_file(cases: list[Case]) -> list[Any]:
    """Parameters of a test: the cases of each file together, as each takes little."""
    names = dict.fromkeys(case.name.partition(":")[0] for case in cases)
    return [
        pytest.param([case for case in cases if case.name.startswith(f"{name}:")], id=name)
        for name in names
    ]


def unescape(text: str) -> bytes:
    return text.replace("\n", "").encode("ascii").decode("unicode_escape").encode("latin-1")


def escape(data: bytes) -> str:
    return re.sub(
        r"[\\\x00-\x1f\x7f-\xff]",
        lambda match: ESCAPES.get(match[0]) or f"\\x{ord(match[0]):02x}",
        data.decode("latin-1"),
    )


ESCAPES = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t"}


class Refused(NamedTuple):
    """The end of a list of events: a RemoteProtocolError."""

    status: int
    message: str


def parse(pieces: Iterable[bytes], limits: Limits | None = None) -> list[Event | Refused]:
    """What the parsers say of bytes that come in pieces; parts of a body put together."""
    pieces = list(pieces)
    first, *others = (
        parse_by(field_reader(name), pieces, limits or Limits()) for name in PARSERS
    )
    for other in others:
        assert other == first, pieces
    return first


def parse_by(
    reader: FieldReader, pieces: Iterable[bytes], limits: Limits
) -> list[Event | Refused]:
    """The same of one parser."""
    parser = RequestParser(limits, reader)
    events: list[Event | Refused] = []
    for piece in pieces:
        parser.feed(piece)
        try:
            while (event := parser.next_event()) is not NEED_DATA:
                if isinstance(event, Data) and events and isinstance(events[-1], Data):
                    event = Data(events.pop().data + event.data)
                events.append(event)
        except RemoteProtocolError as error:
            return [*events, Refused(error.status, str(error))]
    return events


def in_two(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(1, len(raw)):
        yield raw[:at], raw[at:]


def bytewise(raw: bytes) -> list[bytes]:
    return [raw[at : at + 1] for at in range(len(raw))]


def transcript(events: Iterable[Event | Refused]) -> str:
    """Events as the corpus has them."""
    return "\n".join(line for event in events for line in _lines(event))


def _lines(event: Event | Refused) -> Iterator[str]:
    if isinstance(event, Head):
        yield _head_line(event)
        yield from map(_field, event.said.headers)
    elif isinstance(event, Data):
        yield f"data {escape(event.data)}"
    elif isinstance(event, End):
        yield "end"
        yield from map(_field, event.trailers)
    else:
        yield f"refused {event.status}"


def _head_line(head: Head) -> str:
    length = "chunked" if head.said.body_length is None else str(head.said.body_length)
    version = b"HTTP/1.1" if head.said.modern else b"HTTP/1.0"
    words = [head.method.encode(), head.target.encode(), version]
    return " ".join(
        [escape(word) for word in words]
        + [length, "keep-alive" if head.said.keep_alive else "close"]
        + (["expects 100"] if head.said.expect_continue else [])
    )


def _field(field: tuple[bytes, bytes]) -> str:
    name, value = field
    return f"{escape(name)}: {escape(value)}".rstrip()


def kinds(events: Iterable[Event | Refused]) -> str:
    """The kinds of events, and the status of a refusal."""
    return " ".join(
        str(event.status) if isinstance(event, Refused) else type(event).__name__.lower()
        for event in events
    )
