"""WebSockets against a client library that has no code in common with ours: `websockets`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.process import Served

PROGRAM = """
    from Axon.Component import component

    from kroute import App


    class Echo(component):
        def main(self):
            while not self.dataReady("control"):
                while self.dataReady("inbox"):
                    self.send(self.recv("inbox"), "outbox")
                self.pause()
                yield 1


    def talk(request, ws):
        while True:
            ws.send((yield from ws.receive()))


    app = App()
    app.websocket("/component", lambda request: Echo())
    app.websocket("/generator", talk, subprotocols=["b", "a"])
    app.websocket("/few", talk, max_concurrent=1)
    app.websocket("/small", talk, max_message=1000)
"""
LONGEST = 1024 * 1024
TEXT = "plain ascii, Grüße, 世界, \U0001f600"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("echo"), PROGRAM) as served:
        yield served
        assert served.stop() == 0
        assert not [line for line in served.lines if "rror" in line]


def url(served: Served, path: str) -> str:
    return f"ws://127.0.0.1:{served.port}{path}"


Message = str | bytes


def any_size(chance: random.Random, longest: int) -> int:
    """Mostly small, as sizes are, and 0 and the longest among them."""
    if chance.random() < 0.1:
        return chance.choice([0, 1, 125, 126, 127])
    return int(longest ** chance.random())


def any_message(chance: random.Random, longest: int) -> Message:
    """Text or bytes, some of which can be compressed."""
    size = any_size(chance, longest)
    kind = chance.randrange(3)
    if kind == 0:
        return chance.randbytes(size)
    if kind == 1:
        return bytes([chance.randrange(256)]) * size
    text = TEXT * (size // len(TEXT.encode()) + 1)
    return text.encode()[:size].decode("utf-8", "ignore")


def pieces(chance: random.Random, message: Message) -> list[Message]:
    """A message as the frames that it is sent in, empty ones among them."""
    cuts = sorted(chance.randrange(len(message) + 1) for _ in range(chance.randrange(1, 4)))
    return [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]


async def echo(client: ClientConnection, chance: random.Random, sizes: list[int]) -> None:
    """Send messages no longer than `sizes`, and see each of them come back, in order."""
    sent: asyncio.Queue[Message] = asyncio.Queue(8)

    async def send() -> None:
        for size in sizes:
            message = any_message(chance, size)
            await sent.put(message)
            await client.send(message if chance.random() < 0.7 else pieces(chance, message))

    async def compare() -> None:
        for _ in sizes:
            assert await client.recv() == await sent.get()

    await asyncio.gather(send(), compare())


async def echo_all(served: Served, seed: float, count: int, few: int) -> None:
    """`count` short messages, and `few` long ones, with and without compression."""
    chance = random.Random(seed)

    async def one(path: str, compression: Any) -> None:
        own = random.Random(chance.random())
        sizes = [4096] * (count // 4) + [LONGEST] * (few // 4)
        own.shuffle(sizes)
        async with connect(
            url(served, path), compression=compression, max_size=None, ping_interval=None
        ) as client:
            assert ("permessage-deflate" in str(client.response.headers)) == bool(compression)
            await echo(client, own, sizes)
            # As long as they may be, once each way.
            longest = own.randbytes(LONGEST)
            await client.send(longest)
            assert await client.recv() == longest

    kinds = [(path, how) for path in ("/component", "/generator") for how in (None, "deflate")]
    await asyncio.gather(*(one(*kind) for kind in kinds))


def test_messages_come_back_byte_for_byte(served: Served) -> None:
    asyncio.run(echo_all(served, random.random(), 2000, 20))


@pytest.mark.load
@pytest.mark.timeout(180)
def test_a_hundred_thousand_messages_come_back(served: Served) -> None:
    asyncio.run(echo_all(served, random.random(), 99_000, 1000))


def test_a_subprotocol_is_agreed_on(served: Served) -> None:
    async def agreed(*asked: Any) -> str | None:
        async with connect(url(served, "/generator"), subprotocols=[*asked]) as client:
            return client.subprotocol

    assert asyncio.run(agreed("a", "b")) == "b"
    assert asyncio.run(agreed("c")) is None


def test_a_ping_is_answered_while_messages_go(served: Served) -> None:
    async def ping() -> float:
        async with connect(url(served, "/component")) as client:
            await client.send("first")
            answered = await client.ping()
            await client.send("second")
            assert [await client.recv(), await client.recv()] == ["first", "second"]
            return await answered

    assert asyncio.run(ping()) > 0


def test_the_codes_of_an_end(served: Served) -> None:
    async def too_long(compression: Any) -> ConnectionClosed:
        async with connect(url(served, "/small"), compression=compression) as client:
            await client.send("x" * 1000)
            assert await client.recv() == "x" * 1000
            await client.send("x" * 1001)
            with pytest.raises(ConnectionClosed) as caught:
                await client.recv()
            return caught.value

    for compression in None, "deflate":
        closed = asyncio.run(too_long(compression))
        assert closed.rcvd is not None
        assert (closed.rcvd.code, closed.sent) == (1009, closed.rcvd)
        assert closed.rcvd_then_sent


def test_one_too_many_is_told_when_to_come_back(served: Served) -> None:
    async def both() -> InvalidStatus:
        async with connect(url(served, "/few")) as first:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url(served, "/few"))
            await first.send("still here")
            assert await first.recv() == "still here"
            return caught.value

    refused = asyncio.run(both()).response
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
