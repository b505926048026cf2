"""A connection under whatever a client, a network and a handler do, in any order."""

from __future__ import annotations

import gc
import http.client
import logging
import random
import weakref
from typing import Any

import pytest

from kroute import App, Limits, Response, sleep
from kroute.http import RequestBody
from tests.cases import check_each

from .harness import Client, World, _Unclosed, own_scheduler, raw


class Handlers:
    """An application of handlers of all kinds; `going` counts those that have not ended."""

    def __init__(self) -> None:
        self.going = 0
        self.app = App(
            limits=Limits(output_high=3000, output_low=1000, body_bytes=5000, body_in_memory=500)
        )
        for name in ("say", "stream", "slow", "turns", "iterator"):
            self.app.get(f"/{name}/{{n}}")(getattr(self, name))
        self.app.add("/echo", POST=lambda request: Response(request.body))
        self.app.add("/echo/slow", POST=self.echo_slowly)
        self.app.add("/fail", GET=lambda request: 1 / 0)
        self.app.add("/broken", GET=self.broken)

    def say(self, request: Any, n: int) -> Any:
        yield Response(b"x" * n)

    def stream(self, request: Any, n: int) -> Any:
        self.going += 1
        try:
            yield Response(content_type="text/plain")
            for _ in range(n):
                yield b"x"
        finally:
            self.going -= 1

    def slow(self, request: Any, n: int) -> Any:
        self.going += 1
        try:
            yield Response(content_type="text/plain")
            for _ in range(n):
                yield from sleep(random.random())
                yield b"x"
        finally:
            self.going -= 1

    def turns(self, request: Any, n: int) -> Any:
        self.going += 1
        try:
            for _ in range(n):
                yield
            return Response(b"x" * n)
        finally:
            self.going -= 1

    def iterator(self, request: Any, n: int) -> Any:
        return Response(app_iter=self.parts(n), content_length=n * 100)

    def parts(self, n: int) -> Any:
        self.going += 1
        try:
            for _ in range(n):
                yield b"x" * 100
        finally:
            self.going -= 1

    def echo_slowly(self, request: Any) -> Any:
        self.going += 1
        try:
            yield from sleep(1)
            yield Response(content_type="text/plain")
            while data := request.environ["wsgi.input"].read(100):
                yield data
        finally:
            self.going -= 1

    def broken(self, request: Any) -> Any:
        self.going += 1
        try:
            yield Response(content_type="text/plain")
            yield b"half"
            yield
            raise ValueError("in the middle")
        finally:
            self.going -= 1


def some_requests(chance: random.Random) -> tuple[bytes, list[tuple[str, int, bytes | None]]]:
    """Some requests, and for each its method and the answer: the code, and the body if known."""
    data = b""
    expected: list[tuple[str, int, bytes | None]] = []
    for _ in range(chance.randrange(1, 8)):
        n = chance.choice([0, 1, 5, 50])
        body = chance.randbytes(chance.choice([0, 1, 400, 600, 5000]))
        kind = chance.randrange(14)
        if kind < 8:
            name = chance.choice(["say", "stream", "slow", "turns", "iterator"])
            method = chance.choice(["GET", "GET", "HEAD"])
            data += raw(method, f"/{name}/{n}")
            text = b"x" * n * (100 if name == "iterator" else 1)
            expected.append((method, 200, b"" if method == "HEAD" else text))
        elif kind < 11:
            path = chance.choice(["/echo", "/echo/slow"])
            if chance.random() < 0.5:
                data += raw("POST", path, body)
            else:
                data += raw("POST", path, chunks=[body] if body else [])
            expected.append(("POST", 200, body))
        elif kind == 11:
            data += raw("GET", "/fail")
            expected.append(("GET", 500, None))
        elif kind == 12:
            data += raw("POST", "/nowhere", body)
            expected.append(("POST", 404, None))
        else:
            last = chance.choice(["broken", "large", "bad", "close"])
            if last == "broken":
                data += raw("GET", "/broken")
                expected.append(("GET", 0, None))
            elif last == "large":
                data += raw("POST", "/echo", bytes(5001))
                expected.append(("POST", 413, None))
            elif last == "bad":
                data += b"nonsense\r\n\r\n"
                expected.append(("GET", 400, None))
            else:
                data += raw("GET", f"/say/{n}", Connection="close")
                expected.append(("GET", 200, b"x" * n))
            break
    return data, expected


def check(received: bytes, expected: list[tuple[str, int, bytes | None]], whole: bool) -> None:
    """What came is the answers, in order, as far as it goes."""
    for method, code, body in expected:
        if not received:
            assert not whole
            return
        file = _Unclosed(received)
        try:
            answer = http.client.HTTPResponse(file, method=method)  # type: ignore[arg-type]
            answer.begin()
            got = answer.read()
        except (http.client.HTTPException, ValueError):
            assert not whole or code == 0
            return
        received = received[file.tell() :]
        assert answer.status == code
        assert body in (None, got)
    assert not received


@pytest.mark.parametrize("seeds", [range(at, at + 25) for at in range(0, 150, 25)])
def test_whatever_happens(caplog: pytest.LogCaptureFixture, seeds: range) -> None:
    caplog.set_level(logging.WARNING, "kroute")

    def check(seed: int) -> None:
        caplog.clear()
        with own_scheduler() as world:
            happens(world, seed)
        for record in caplog.records:
            assert record.name != "kroute.scheduler", record.getMessage()

    check_each(seeds, check)


def happens(world: World, seed: int) -> None:
    chance = random.Random(seed)
    random.seed(seed)
    handlers = Handlers()
    client = world.client(handlers.app)
    data, expected = some_requests(chance)
    finish = chance.random() < 0.5  # or else the client goes, or the server stops, at some time
    last = 10_000 if finish else chance.randrange(60)
    for _ in range(last):
        action = chance.randrange(5)
        if action == 0 and data and client.taken and not client.ended:
            size = min(len(data), chance.choice([1, 7, 100, 3000]))
            client.wire.send(data[:size], "outbox")
            data = data[size:]
        elif action == 1:
            world.step()
        elif action == 2:
            client.take(messages=chance.randrange(4))
        elif action == 3:
            world.elapse(chance.random() * 2)
        elif finish and not data and world.idle and not client.waiting() and not handlers.going:
            break
        if client.ended and not client.waiting():
            break
    ended = client.ended
    if not ended:
        chance.choice([client.hang_up, client.drain])()
    check(client.take(), expected, finish)
    for _ in range(100):
        client.take()
        world.elapse()
    if not client.ended:  # it waits for a request that is not complete
        client.hang_up()
        world.elapse()
    assert handlers.going == 0
    assert client.ended
    assert client.protocol not in world.scheduler.threads
    world.elapse()
    assert not world.scheduler.threads


def test_bodies_are_given_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Any] = []
    make = RequestBody.__init__

    def made(self: Any, *arguments: Any) -> None:
        make(self, *arguments)
        bodies.append(weakref.ref(self))

    monkeypatch.setattr(RequestBody, "__init__", made)
    for seed in range(30):
        chance = random.Random(seed)
        client: Client | None = world.client(Handlers().app)
        assert client
        data, _ = some_requests(chance)
        client.feed(data[: chance.randrange(len(data))])
        client.take()
        client.hang_up()
    client = None
    world.elapse()
    gc.collect()
    assert bodies
    assert not any(body() for body in bodies)
