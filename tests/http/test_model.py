"""RequestParser beside `model`: every byte there is, in places where one more could matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from kroute.http import Data, End, EnvironMaker, Event, Head, RemoteProtocolError

from . import model
from .raw_requests import NEXT, Refused, load, parse, unescape

# Where another byte stands: the % of each. Scanners for request smuggling look at these places.
REQUEST_LINES = rb"""
%GET / HTTP/1.1   G%T / HTTP/1.1   GET%/ HTTP/1.1   GET %/ HTTP/1.1   GET /% HTTP/1.1
GET /%HTTP/1.1   GET / %HTTP/1.1   GET / HTTP%1.1   GET / HTTP/%.1   GET / HTTP/1%1
GET / HTTP/1.%   GET / HTTP/1.1%   \r%GET / HTTP/1.1   GET / HTTP/1.1\r%   GET / HTTP/1.1%\n
GET http%//a/ HTTP/1.1   GET http://a%/ HTTP/1.1   OPTIONS % HTTP/1.1   CONNECT a% HTTP/1.1
"""
FIELDS = rb"""
%Host: a   Host%: a   Host:%a   Host: a%   Host: a%b   Host: %   Host: a\r%   Host: a%\n
X%: y   %X: y   X:%y   X: y%   X: y%z   X: y\r%   X: y%\n   %: y   X: %   %
X: y%Content-Length: 5   %Content-Length: 5   Content-Length%: 5   Content%Length: 5
Content-Length:%5   Content-Length: 5%   Content-Length: %   Content-Length: 0%5
X: y%Transfer-Encoding: chunked   %Transfer-Encoding: chunked   Transfer-Encoding%: chunked
Transfer%Encoding: chunked   Transfer-Encoding:%chunked   Transfer-Encoding: chunked%
Transfer-Encoding: chun%ed   Transfer-Encoding: chunked\r%   Transfer-Encoding: x%chunked
Expect: 100-continue%   Expect: 100%continue   Expect:%
%Connection: close   Connection:%close   Connection: close%   Connection: a%close
"""
CHUNKS = rb"""
%5\r\nhello\r\n   5%\r\nhello\r\n   %\r\nhello\r\n   5\r%hello\r\n   5%\nhello\r\n
5\r\nhello%\n   5\r\nhello\r%   5\r\nhello%\r\n   5\r\nhell%\r\n   5\r\nhello\r\n%
5;%\r\nhello\r\n   5;a%\r\nhello\r\n   5%;a\r\nhello\r\n   5;a%b\r\nhello\r\n
5;a=%\r\nhello\r\n   5;a="%"\r\nhello\r\n   5;a="\\%"\r\nhello\r\n   5;a="b"%\r\nhello\r\n
"""
LAST_CHUNKS = rb"""
0%\r\n\r\n   0\r%\r\n   0%\n\r\n   0\r\n%\r\n   0\r\n\r%   0\r\n%\n   %\r\n\r\n   0;%\r\n\r\n
0\r\nX%: y\r\n\r\n   0\r\nX: y%\r\n\r\n   0\r\n%X: y\r\n\r\n   0\r\nX: y\r\n%\r\n
"""

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def places() -> Iterator[bytes]:
    for line in _written(REQUEST_LINES):
        yield line + b"\r\nHost: a\r\n\r\n"
    for field in _written(FIELDS):
        end = b"\r\n\r\n0\r\n\r\n" if b"Transfer" in field else b"\r\n\r\nhello"
        if b"Host" in field:
            yield b"GET / HTTP/1.1\r\n" + field + b"\r\n\r\n"
        yield HEAD + field + end
    for chunk in _written(CHUNKS):
        yield CHUNKED + chunk + b"0\r\n\r\n"
    for chunk in _written(LAST_CHUNKS):
        yield CHUNKED + b"5\r\nhello\r\n" + chunk


def _written(table: bytes) -> list[bytes]:
    return [unescape(text) for text in re.split(" {3}|\n", table.decode().strip())]


def messages(events: list[Event | Refused]) -> Iterator[tuple[bytes, bytes, bytes | None] | str]:
    """What is answered: method, target and body, None where that has no end; "refused"."""
    environs = EnvironMaker(("192.0.2.1", 1), ("192.0.2.2", 80))
    for place, event in enumerate(events):
        if isinstance(event, Refused):
            yield "refused"
        elif isinstance(event, Head):
            try:
                environs.make(event)
            except RemoteProtocolError:
                yield "refused"
                return
            following = [*events[place + 1 : place + 3], None, None]
            data = following.pop(0) if isinstance(following[0], Data) else Data(b"")
            ended = isinstance(following[0], End) or event.said.body_length == 0
            assert isinstance(data, Data)
            yield event.method.encode(), event.target.encode(), data.data if ended else None


def agree(raw: bytes) -> None:
    """The parsers and the model see the same messages, and refuse what is none."""
    found = list(messages(parse([raw])))
    stream = model.read(raw)
    refused = bool(found) and found[-1] == "refused"
    if refused:
        found.pop()
    assert found == [(one.method, one.target, one.body) for one in stream.messages], raw
    if stream.behind != "open":
        assert refused is (stream.behind == "refusal"), raw


@pytest.mark.load
@pytest.mark.parametrize("place", list(places()), ids=repr)
def test_every_byte_in_its_place(place: bytes) -> None:
    for number in range(256):
        agree(place.replace(b"%", bytes([number])) + NEXT)


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_the_corpus(kind: str) -> None:
    for case in load(kind):
        agree(case.raw)
        agree(case.raw + NEXT)
        if kind == "invalid":
            assert model.read(case.raw + NEXT).behind in ("refusal", "open")
