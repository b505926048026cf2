"""WebSockets, from messages alone. The protocol itself is tested in tests/http."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.Util.Chargen import Chargen
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App, Close, Disconnected, RouteError
from kroute.handlers.websocket import Socket
from tests.server.harness import Client, World, raw
from tests.websocket_frames import Frame, frame, read_frames

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
}


class Browser:
    """A client with a WebSocket."""

    def __init__(
        self, client: Client, path: str = "/ws", then: bytes = b"", **fields: str
    ) -> None:
        self.client = client
        client.feed(raw("GET", path, **HANDSHAKE, **fields) + then)
        self.head = b""

    def received(self) -> list[Frame]:
        """The frames that came so far."""
        self.head, _, data = self.client.take().partition(b"\r\n\r\n")
        return read_frames(data)

    @property
    def ended(self) -> str:
        """How the server closed the connection, if it did."""
        self.client.take()
        return self.client.ended

    def texts(self) -> list[str]:
        return [each.payload.decode() for each in self.received() if each.opcode == 1]

    def codes(self) -> list[int]:
        """Of the close frames that came."""
        return [each.code for each in self.received() if each.opcode == 8]

    def send(self, *texts: str) -> None:
        self.client.feed(b"".join(frame(1, text.encode()) for text in texts))

    def close(self, code: int = 1000) -> None:
        self.client.feed(frame(8, struct.pack("!H", code)))


def browse(world: World, make: Any, then: bytes = b"", **options: Any) -> Browser:
    app = App()
    app.websocket("/ws", make, **options)
    return Browser(world.client(app), then=then)


class Part(component):
    """Keeps what comes. Ends when it is told to, with `last` on "signal"."""

    def __init__(self, takes: bool = True, ends: bool = True) -> None:
        super().__init__()
        self.takes, self.ends = takes, ends
        self.got: list[Any] = []
        self.told: list[Any] = []

    def main(self) -> Iterator[int]:
        while not (self.told and self.ends):
            self.pause()
            yield 1
            while self.takes and self.dataReady("inbox"):
                self.got.append(self.recv("inbox"))
            while self.dataReady("control"):
                self.told.append(self.recv("control"))

    def say(self, world: World, *messages: Any) -> None:
        for message in messages:
            self.send(message, "outbox")
        world.settle()


def running(world: World, kind: type = Socket) -> int:
    return [type(each) for each in world.scheduler.listAllThreads()].count(kind)


# Messages.


def test_stock_components_talk(world: World) -> None:
    browser = browse(
        world, lambda request: Pipeline(PureTransformer(str.upper), PureTransformer(str.strip))
    )
    browser.send(" one ", " two ")
    assert browser.texts() == ["ONE", "TWO"]
    assert browser.head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nConnection: Upgrade" in browser.head


def test_kinds_of_messages(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    browser.client.feed(frame(2, b"\xff") + frame(1, b"text"))
    assert part.got == [b"\xff", "text"]
    part.say(world, "text", b"\xfe", bytearray(b"\xfd"), {"a": 1})
    assert browser.received() == [
        Frame(1, b"text"),
        Frame(2, b"\xfe"),
        Frame(2, b"\xfd"),
        Frame(1, b'{"a": 1}'),
    ]


def test_what_comes_with_the_handshake_is_not_lost(world: World) -> None:
    browser = browse(world, lambda request: PureTransformer(str.upper), then=frame(1, b"early"))
    assert browser.texts() == ["EARLY"]


def test_a_ping_gets_its_pong(world: World) -> None:
    browser = browse(world, lambda request: Part())
    browser.client.feed(frame(9, b"here?"))
    assert browser.received() == [Frame(10, b"here?")]


def test_a_message_that_cannot_be_sent_closes_with_1011(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    part.say(world, object())
    assert browser.codes() == [1011]
    assert "not JSON serializable" in caplog.text


def test_the_variables_and_the_subprotocol(world: World) -> None:
    app = App()
    made = []

    def make(request: Any, room: str) -> component:
        made.append(room)
        return Part()

    app.websocket("/rooms/{room}", make, subprotocols=["chat"])
    browser = Browser(world.client(app), "/rooms/blue", Sec_WebSocket_Protocol="x, chat")
    assert browser.received() == [] and made == ["blue"]
    assert b"Sec-WebSocket-Protocol: chat\r\n" in browser.head


# Generators.


def test_a_generator_talks(world: World) -> None:
    ended = []

    def talk(request: Any, ws: Any, name: str) -> Iterator[Any]:
        try:
            ws.send({"hello": name})
            while True:
                message = yield from ws.receive()
                ws.send(f"{message}!")
        except Disconnected:
            ended.append(name)
            raise

    app = App()
    app.websocket("/talk/{name}", talk)
    browser = Browser(world.client(app), "/talk/ada")
    browser.send("one", "two")
    assert browser.texts() == ['{"hello": "ada"}', "one!", "two!"]
    browser.close()
    assert ended == ["ada"] and browser.codes() == [1000]
    assert browser.ended == "closed"


def test_a_generator_closes_with_a_code(world: World) -> None:
    def refuse(request: Any, ws: Any) -> Iterator[Any]:
        message = yield from ws.receive()
        ws.close(4001, f"no {message}")

    browser = browse(world, refuse)
    browser.send("thanks")
    (close,) = browser.received()
    assert (close.code, close.payload[2:]) == (4001, b"no thanks")


def test_a_generator_that_does_not_fit_its_path() -> None:
    def talk(request: Any, ws: Any) -> Iterator[Any]:
        yield from ws.receive()

    with pytest.raises(RouteError, match="name"):
        App().websocket("/talk/{name}", talk)


def test_a_generator_that_has_no_place_for_the_websocket() -> None:
    def talk(request: Any, socket: Any) -> Iterator[Any]:
        yield from socket.receive()

    with pytest.raises(RouteError, match=r"test_websocket.py.*talk\(\) has no parameter 'ws'"):
        App().websocket("/talk", talk)

    def any_words(request: Any, **words: Any) -> Iterator[Any]:
        yield from words["ws"].receive()

    App().websocket("/talk", any_words)


# The end.


def test_the_end_of_the_component_closes_with_1000(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    part.send("last", "outbox")
    part.inboxes["control"].append("end")
    world.settle()
    assert browser.texts() == ["last"] and browser.codes() == [1000]
    assert browser.ended == ""
    browser.close()
    assert browser.ended == "closed" and running(world) == 0


def test_a_client_that_does_not_acknowledge_the_end_is_left(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part, grace=2)
    part.inboxes["control"].append("end")
    world.settle()
    browser.received()
    world.elapse(3)
    assert browser.ended == "closed" and running(world) == 0


def test_producer_finished_closes_with_1000(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part, grace=2)
    part.send(producerFinished(part), "signal")
    assert browser.codes() == [1000]
    part.say(world, "late")
    browser.close(1000)
    assert browser.texts() == []
    assert isinstance(part.told[0], producerFinished)


def test_a_failure_closes_with_1011(world: World, caplog: pytest.LogCaptureFixture) -> None:
    browser = browse(world, lambda request: PureTransformer(lambda text: 1 // 0))
    browser.send("x")
    assert browser.codes() == [1011]
    assert "ZeroDivisionError" in caplog.text


def test_a_client_that_closes(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    browser.close(1001)
    assert browser.codes() == [1001]
    assert [type(each) for each in part.told] == [producerFinished]
    assert browser.ended == "closed" and running(world) == 0


def test_a_client_that_is_gone(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    browser.client.hang_up()
    assert [type(each) for each in part.told] == [shutdownMicroprocess]
    assert running(world) == 0


def test_a_client_that_is_gone_at_once(world: World) -> None:
    part = Part()
    app = App()
    app.websocket("/ws", lambda request: part)
    client = world.client(app)
    client.wire.send(raw("GET", "/ws", **HANDSHAKE), "outbox")
    client.hang_up()
    assert running(world) == running(world, Part) == 0


def test_a_component_that_does_not_end_is_ended(world: World) -> None:
    part = Part(ends=False)
    browser = browse(world, lambda request: part, grace=2)
    browser.close()
    assert not part._isStopped()
    world.elapse(3)
    assert part._isStopped() and running(world) == 0


def test_a_breach_of_the_protocol(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    browser.client.feed(frame(1, b"x", masked=False))
    assert browser.codes() == [1002]
    assert browser.ended == "closed" and part.told


def test_a_message_too_long(world: World) -> None:
    browser = browse(world, lambda request: Part(), max_message=10)
    browser.send("x" * 11)
    assert browser.codes() == [1009]


def test_the_server_stops(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    browser.client.drain()
    assert browser.codes() == [1001] and part.told
    browser.close(1001)
    assert browser.ended == "closed"


# Time and speed.


def test_a_silent_client_is_pinged_and_stays_if_it_answers(world: World) -> None:
    browser = browse(world, lambda request: Part(), ping=20)
    for count in 1, 2, 3:
        world.elapse(21)
        assert browser.received() == [Frame(9, b"")] * count
        browser.client.feed(frame(10))
    assert browser.ended == ""


def test_a_client_that_answers_no_ping_is_cut_off(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part, ping=20)
    world.elapse(21)
    world.elapse(21)
    assert browser.ended == "cut"
    assert isinstance(part.told[0], shutdownMicroprocess)


def test_no_pings(world: World) -> None:
    browser = browse(world, lambda request: Part(), ping=None)
    world.elapse(1000)
    assert browser.received() == []


def test_a_component_that_does_not_read_slows_the_client(world: World) -> None:
    part = Part(takes=False)
    browser = browse(world, lambda request: part)
    browser.send(*map(str, range(30)))
    assert len(part.inboxes["inbox"].storage) == 16
    browser.client.wire.send(frame(1, b"last"), "outbox")
    world.settle()
    assert not browser.client.taken
    part.takes = True
    part.inboxes["inbox"].pop(0)
    part.unpause()
    world.settle()
    assert part.got == [*map(str, range(1, 30)), "last"]
    assert browser.client.taken


def test_a_client_that_waits_for_the_component_is_not_cut_off(world: World) -> None:
    """Its pongs are behind messages that nobody takes."""
    browser = browse(world, lambda request: Part(takes=False), ping=20)
    browser.send(*map(str, range(30)))
    for _ in range(3):
        world.elapse(21)
    assert browser.ended == ""


def test_whoever_says_anything_is_there(world: World) -> None:
    """A long message may be on its way for longer than there is between pings."""
    browser = browse(world, lambda request: Part(), ping=20)
    message = frame(1, b"slowly")
    for at in range(len(message)):
        browser.client.feed(message[at : at + 1])
        world.elapse(21)
    assert browser.ended == ""
    world.elapse(21)
    assert browser.ended == "cut"


def test_messages_for_a_component_that_has_ended_are_dropped(world: World) -> None:
    part = Part(takes=False)
    browser = browse(world, lambda request: part)
    browser.send(*map(str, range(30)))
    part.inboxes["control"].append("end")
    world.settle()
    assert browser.codes() == [1000]
    browser.send("more")
    browser.close()
    assert browser.ended == "closed" and running(world) == 0


def test_a_client_that_does_not_read_stops_the_component(world: World) -> None:
    browser = browse(world, lambda request: Chargen())
    world.settle(20_000)
    before = browser.client.waiting()
    assert 64 * 1024 < before < 80 * 1024
    world.settle(100)
    assert browser.client.waiting() == before
    browser.client.take(5000)
    world.settle(1000)
    assert len(browser.client.received) > before / 2
    browser.client.hang_up()
    world.elapse(3)
    assert running(world, Chargen) == 0


def test_a_client_too_slow_for_what_others_send(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part, backlog=10)
    part.say(world, b"x" * 100_000, *"0123456789")
    assert browser.client.ended == ""
    part.say(world, "one more")
    assert browser.client.ended == "cut" and running(world) == 0


def test_messages_that_wait_have_a_bound_in_bytes(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part, backlog_bytes=1000)
    part.say(world, b"x" * 100_000, b"y" * 900)
    assert browser.client.ended == ""
    part.say(world, b"z" * 100)
    assert browser.client.ended == "cut" and running(world) == 0


def test_what_waited_for_a_slow_client_comes_in_order(world: World) -> None:
    part = Part()
    browser = browse(world, lambda request: part)
    part.say(world, "x" * 100_000, *"0123", Close(4000))
    assert [len(text) for text in browser.texts()] == [100_000, 1, 1, 1, 1]
    assert browser.codes() == [4000]


# Again, after a failure.


class Fragile(component):
    """Echoes, and fails when it is told to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def main(self) -> Iterator[int]:
        while not self.dataReady("control"):
            while self.dataReady("inbox"):
                message = self.recv("inbox")
                if message == "die":
                    raise ZeroDivisionError
                self.send(f"{self.number} {message}", "outbox")
            self.pause()
            yield 1


def fragile() -> Any:
    numbers = iter(range(100))
    return lambda request: Fragile(next(numbers))


SUPERVISED = {"restart": "on_failure", "max_restarts": 2, "within": 60}


def test_another_component_goes_on(world: World, caplog: pytest.LogCaptureFixture) -> None:
    browser = browse(world, fragile(), **SUPERVISED)
    browser.send("a", "die", "lost")
    browser.send("b", "die")
    browser.send("c")
    assert browser.texts() == ["0 a", "1 b", "2 c"] and browser.codes() == []
    assert caplog.text.count("another component goes on") == 2
    browser.send("die")
    assert browser.codes() == [1011]
    browser.close()
    assert browser.ended == "closed" and running(world) == running(world, Fragile) == 0


def test_too_many_failures_refuse_handshakes_for_a_while(world: World) -> None:
    app = App()
    app.websocket("/ws", fragile(), **SUPERVISED)
    browser = Browser(world.client(app))
    for _ in range(3):
        browser.send("die")
    (refused,) = Browser(world.client(app)).client.answers()
    assert (refused.code, refused["Retry-After"]) == (503, "60")


def test_a_generator_that_fails_goes_on_too(world: World) -> None:
    def numbers(request: Any, ws: Any) -> Any:
        while True:
            ws.send(1 / int((yield from ws.receive())))

    browser = browse(world, numbers, **SUPERVISED)
    browser.send("2", "0")
    browser.send("4")
    assert browser.texts() == ["0.5", "0.25"] and browser.codes() == []


def test_one_that_only_says_that_it_failed_is_ended(world: World) -> None:
    parts: list[Part] = []

    def make(request: Any) -> Part:
        parts.append(Part(ends=False))
        return parts[-1]

    browser = browse(world, make, grace=2, **SUPERVISED)
    parts[0].send(shutdownMicroprocess(parts[0]), "signal")
    world.settle()
    assert len(parts) == 1
    world.elapse(3)
    assert len(parts) == 2 and running(world, Part) == 1
    parts[1].say(world, "here")
    assert browser.texts() == ["here"]
    world.elapse(10)
    assert browser.ended == "" and running(world, Part) == 1


def test_the_new_one_is_held_while_the_client_does_not_read(world: World) -> None:
    class Talks(component):
        def __init__(self, fails: bool) -> None:
            super().__init__()
            self.fails = fails

        def main(self) -> Iterator[int]:
            while True:
                self.send(b"x" * 100_000, "outbox")
                if self.fails:
                    raise ZeroDivisionError
                yield 1

    fails = iter([True, False])
    browser = browse(world, lambda request: Talks(next(fails)), backlog=5, **SUPERVISED)
    world.settle(100)
    assert browser.client.ended == "" and running(world, Talks) == 1
    before = len(browser.client.received)
    browser.client.take(1)
    world.settle(100)
    assert browser.client.ended == "" and len(browser.client.received) > before


def test_handshakes_wait_for_their_turn(world: World) -> None:
    app = App()
    app.websocket("/ws", lambda request: Part(), max_concurrent=1, max_queued=1)
    first, second, third = (Browser(world.client(app)) for _ in range(3))
    assert [each.client.take()[9:12] for each in (first, second, third)] == [b"101", b"", b"503"]
    first.close()
    assert second.client.take()[9:12] == b"101"


# What cannot be.


def test_a_request_that_is_no_handshake(world: World) -> None:
    app = App()
    app.websocket("/ws", Part)
    answer = world.client(app).get("/ws")
    assert (answer.code, answer["Upgrade"]) == (426, "websocket")


def test_pages_from_elsewhere(world: World) -> None:
    app = App()
    app.websocket("/ws", Part, origins=["https://example.org"])
    client = world.client(app)
    client.feed(raw("GET", "/ws", **HANDSHAKE, Origin="https://elsewhere"))
    assert client.answers()[0].code == 403


def test_so_many_and_no_more(world: World) -> None:
    app = App()
    app.websocket("/ws", Part, max_concurrent=2)
    first, _second = Browser(world.client(app)), Browser(world.client(app))
    third = world.client(app)
    third.feed(raw("GET", "/ws", **HANDSHAKE))
    assert third.answers()[0].code == 503
    first.close()
    assert Browser(world.client(app)).received() == []


def test_a_factory_that_fails_is_a_500(world: World) -> None:
    app = App()
    app.websocket("/ws", lambda request: 1 / 0, max_concurrent=1)
    for _ in range(2):
        client = world.client(app)
        client.feed(raw("GET", "/ws", **HANDSHAKE))
        assert client.answers()[0].code == 500


def test_a_websocket_is_over_when_its_component_has_ended() -> None:
    with pytest.raises(RouteError, match="has done its work when it ends"):
        App().websocket("/ws", Part, restart="always")


def test_an_option_that_there_is_not() -> None:
    with pytest.raises(RouteError, match="'colour' is no option here"):
        App().websocket("/ws", Part, colour="red")
