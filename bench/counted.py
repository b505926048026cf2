"""Requests through the protocol component, with no socket: what `bench.instructions` counts.

Each kind is served in a child of its own, forked when all is imported and warm. `python -m
bench.counted` prints kind, process and number of requests of each; the first child does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from Axon.Component import component

from .peers.kroute import app

__all__ = ["COUNT", "KINDS", "NOTHING", "YARDSTICK", "yardstick"]

COUNT = 300
WARMING = 100
NOTHING, YARDSTICK = "nothing", "yardstick"


class Kind(NamedTuple):
    """request: bytes in one message. end: of the answer."""

    request: bytes
    end: bytes


HOST = b"Host: 127.0.0.1:8080\r\n"
BROWSER = (
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Connection: keep-alive\r\nCookie: session=0123456789abcdef\r\n"
)

KINDS = {
    "hello": Kind(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"Hello, World!"),
    "hello of a browser": Kind(b"GET / HTTP/1.1\r\n" + HOST + BROWSER + b"\r\n", b"Hello, World!"),
    "JSON": Kind(b"GET /users/4711?q=kroute HTTP/1.1\r\n" + HOST + b"\r\n", b'"q": "kroute"}'),
    "404": Kind(b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", b"could not be found.\n"),
    "POST of 1 KiB": Kind(
        b"POST /size HTTP/1.1\r\n" + HOST + b"Content-Length: 1024\r\n\r\n" + b"x" * 1024, b"1024"
    ),
}


class Client(component):
    """Has the boxes of a socket, and asks what the children are to serve."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol = app.protocol()
        self.link((self, "outbox"), (self.protocol, "inbox"))
        self.link((self.protocol, "outbox"), (self, "inbox"))

    def main(self) -> Iterator[int]:
        self.protocol.activate()
        yield 1
        for kind in KINDS.values():
            yield from self.ask(kind, WARMING)
        yardstick(WARMING)
        if not _forked(NOTHING):
            os._exit(0)
        if not _forked(YARDSTICK):
            yardstick(COUNT)
            os._exit(0)
        for name, kind in KINDS.items():
            if not _forked(name):
                yield from self.ask(kind, COUNT)
                os._exit(0)
        os._exit(0)

    def ask(self, kind: Kind, count: int) -> Iterator[int]:
        for _ in range(count):
            self.send(kind.request, "outbox")
            while not self.dataReady("inbox"):
                yield 1
            answer = self.recv("inbox")
            if not answer.endswith(kind.end):
                print(f"{answer!r} does not end in {kind.end!r}", flush=True)
                os._exit(1)


def _forked(name: str) -> bool:
    """Fork and wait; False in the child."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            os._exit(1)
        print(name, child, sep="\t", flush=True)
    return child != 0


WORDS = "some words that are taken from here to there one by one"


class Line:
    def __init__(self) -> None:
        self.parts: list[tuple[str, int]] = []

    def add(self, word: str, length: int) -> Line:
        self.parts.append((word, length))
        return self

    def text(self) -> str:
        return "".join(f"{word}: {length}\r\n" for word, length in self.parts)


def yardstick(count: int) -> None:
    """What any Python does all day: calls, attributes, dictionaries, text, an exception.

    Another build of the same Python needs other instructions for it, by as much as for a request.
    """
    for _ in range(count):
        line = Line()
        seen: dict[str, int] = {}
        for word in WORDS.split(" "):
            seen[word] = len(word)
            if word.startswith("t") and isinstance(line, Line):
                line.add(word.upper(), seen[word])
        try:
            line.add(WORDS, seen[WORDS])
        except KeyError:
            line.add(WORDS, len(WORDS))
        line.text().encode("latin-1")


if __name__ == "__main__":
    Client().run()
