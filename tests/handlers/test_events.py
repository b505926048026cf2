"""Server-Sent Events, from messages alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Util.Backplane import Backplane, PublishTo, SubscribeTo

from kroute import App, Event, RouteError
from kroute.handlers.events import Stream
from tests.server.harness import Client, World, raw


class Source(component):
    """Sends what the test sends out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def main(self) -> Iterator[int]:
        while not self.told:
            self.pause()
            yield 1
            while self.dataReady("control"):
                self.told.append(self.recv("control"))


class Channel:
    """An application with one event stream, its components, and clients of it."""

    def __init__(self, world: World, **options: Any) -> None:
        self.world = world
        self.parts: list[Source] = []
        self.app = App()
        self.handler = self.app.events("/at", self._make, **options)

    def _make(self, request: Any) -> Source:
        self.parts.append(Source())
        return self.parts[-1]

    def client(self, **headers: str) -> Client:
        client = self.world.client(self.app)
        client.feed(raw("GET", "/at", **headers))
        return client

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.parts[-1].send(message, "outbox")
        self.world.settle()


def body(client: Client) -> bytes:
    """What came of an answer that goes on, its chunks put together; the head is left out."""
    data = client.take().partition(b"\r\n\r\n")[2]
    parts = []
    while data:
        size, _, data = data.partition(b"\r\n")
        parts.append(data[: int(size, 16)])
        data = data[int(size, 16) + 2 :]
    return b"".join(parts)


def events(client: Client) -> list[dict[str, str]]:
    """The fields of each event that came, as the HTML standard reads them."""
    found = []
    for block in body(client).decode().split("\n\n")[:-1]:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        found.append(fields)
    return found


def data(client: Client) -> list[str]:
    return [each["data"] for each in events(client) if "data" in each]


# One event.


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("text", ["data: text"]),
        ("", ["data: "]),
        ("a\nb\r\nc\rd\n", ["data: a", "data: b", "data: c", "data: d", "data: "]),
        ({"a": [1, None]}, ['data: {"a": [1, null]}']),
        (True, ["data: true"]),
        (b"bytes", ["data: bytes"]),
        (Event("x", "tick", "7", 100), ["event: tick", "data: x", "id: 7", "retry: 100"]),
        (Event([1]), ["data: [1]"]),
        (Event("x", id=""), ["data: x", "id: "]),
    ],
)  # fmt: skip
def test_the_bytes_of_an_event(message: Any, lines: list[str]) -> None:
    assert Event.of(message).encode().decode().split("\n") == [*lines, "", ""]


def test_an_id_for_an_event_that_has_none() -> None:
    assert b"id: 1\n" in Event("x").encode("1")
    assert b"id: 2\n" in Event("x", id="2").encode("1")


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_what_no_field_can_be(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} of an event"):
        Event("x", **{field: value})


# A stream.


def test_the_head(world: World) -> None:
    channel = Channel(world)
    head = channel.client().take().decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: text/event-stream\r\n" in head
    assert "Cache-Control: no-cache\r\n" in head


def test_all_subscribers_get_the_events_of_one_component(world: World) -> None:
    channel = Channel(world)
    clients = [channel.client() for _ in range(3)]
    channel.say("one", {"two": 2})
    assert len(channel.parts) == 1
    assert [data(client) for client in clients] == [["one", '{"two": 2}']] * 3


def test_who_comes_later_gets_what_comes_later(world: World) -> None:
    channel = Channel(world)
    channel.client()
    channel.say("one")
    late = channel.client()
    channel.say("two")
    assert data(late) == ["two"]


def test_one_component_for_each(world: World) -> None:
    channel = Channel(world, shared=False)
    first, second = channel.client(), channel.client()
    channel.say("to the second")
    assert len(channel.parts) == 2
    assert (data(first), data(second)) == ([], ["to the second"])
    second.hang_up()
    world.elapse(1)
    assert isinstance(channel.parts[1].told[0], shutdownMicroprocess)
    assert not channel.parts[0].told


def test_one_component_for_each_value_of_a_variable(world: World) -> None:
    made = []

    def make(request: Any, room: str) -> Source:
        made.append((room, Source()))
        return made[-1][1]

    app = App()
    app.events("/rooms/{room}", make)
    clients = [world.client(app) for _ in range(3)]
    for client, room in zip(clients, "aba", strict=True):
        client.feed(raw("GET", f"/rooms/{room}"))
    assert [room for room, _ in made] == ["a", "b"]
    made[0][1].send("to a", "outbox")
    world.settle()
    assert [data(client) for client in clients] == [["to a"], [], ["to a"]]


def test_head_gets_the_head_alone(world: World) -> None:
    channel = Channel(world)
    client = world.client(channel.app)
    answer = client.ask("HEAD", "/at")
    assert (answer.code, answer.body) == (200, b"")


def test_what_is_no_event_is_logged_and_left_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Channel(world)
    client = channel.client()
    channel.say("one", object(), "two")
    assert data(client) == ["one", "two"]
    assert "sent what is no event" in caplog.text


def test_the_hooks_of_the_application_see_the_answer(world: World) -> None:
    channel = Channel(world)

    @channel.app.after_request
    def allow(request: Any, response: Any) -> None:
        response.headers["Access-Control-Allow-Origin"] = "*"

    assert b"Access-Control-Allow-Origin: *\r\n" in channel.client().take()


def test_backplanes_are_sources(world: World) -> None:
    Backplane("news").activate()
    publish = PublishTo("news").activate()
    world.settle()
    app = App()
    app.events("/news", lambda request: SubscribeTo("news"))
    client = world.client(app)
    client.feed(raw("GET", "/news"))
    publish._deliver({"title": "it works"}, "inbox")
    world.settle()
    assert [json.loads(each) for each in data(client)] == [{"title": "it works"}]


# Coming back.


def test_last_event_id_replays_what_was_missed(world: World) -> None:
    channel = Channel(world)
    first = channel.client()
    channel.say("one", "two", "three")
    ids = [each["id"] for each in events(first)]
    assert len(set(ids)) == 3
    second = channel.client(Last_Event_ID=ids[0])
    channel.say("four")
    assert data(second) == ["two", "three", "four"]
    assert data(channel.client(Last_Event_ID=ids[2])) == ["four"]


def test_an_id_of_the_author_counts(world: World) -> None:
    channel = Channel(world)
    channel.client()
    channel.say(Event("one", id="a"), Event("two", id="b"))
    assert data(channel.client(Last_Event_ID="a")) == ["two"]


def test_an_unknown_id_replays_all_that_is_kept(world: World) -> None:
    channel = Channel(world, replay=2)
    channel.client()
    channel.say("one", "two", "three")
    assert data(channel.client(Last_Event_ID="of another life")) == ["two", "three"]


def test_without_replay_events_have_no_ids(world: World) -> None:
    channel = Channel(world, replay=0)
    client = channel.client()
    channel.say("one")
    assert events(client) == [{"data": "one"}]
    assert data(channel.client(Last_Event_ID="x")) == []


def test_retry_is_said_first(world: World) -> None:
    channel = Channel(world, retry=250)
    client = channel.client()
    channel.say("one")
    assert events(client)[0] == {"retry": "250"}


# The life of the component.


def test_it_goes_on_for_a_while_for_nobody(world: World) -> None:
    channel = Channel(world, linger=5)
    client = channel.client()
    channel.say("one")
    last = events(client)[-1]["id"]
    client.hang_up()
    world.elapse(3)
    channel.say("two")
    assert data(channel.client(Last_Event_ID=last)) == ["two"]
    world.elapse(6)
    assert len(channel.parts) == 1 and not channel.parts[0].told


def test_it_is_shut_down_when_nobody_comes_back(world: World) -> None:
    channel = Channel(world, linger=5)
    channel.client().hang_up()
    world.elapse(6)
    assert isinstance(channel.parts[0].told[0], shutdownMicroprocess)
    assert channel.parts[0]._isStopped()
    kinds = [type(each) for each in world.scheduler.listAllThreads()]
    assert Stream not in kinds
    channel.client()
    assert len(channel.parts) == 2


def test_one_that_does_not_end_is_ended(world: World) -> None:
    class Deaf(component):
        def main(self) -> Iterator[int]:
            while True:
                self.pause()
                yield 1

    part = Deaf()
    app = App()
    app.events("/at", lambda request: part, linger=0, grace=1)
    client = world.client(app)
    client.feed(raw("GET", "/at"))
    client.hang_up()
    world.elapse(0.5)
    assert not part._isStopped()
    world.elapse(2)
    assert part._isStopped()


@pytest.mark.parametrize("how", ["producerFinished", "end", "failure"])
def test_its_end_is_the_end_of_the_answers(world: World, how: str) -> None:
    class Short(component):
        def main(self) -> Iterator[int]:
            self.send("all", "outbox")
            yield 1
            if how == "failure":
                raise ZeroDivisionError
            if how == "producerFinished":
                self.send(producerFinished(self), "signal")
                yield 1

    app = App()
    app.events("/at", Short)
    client = world.client(app)
    client.feed(raw("GET", "/at"))
    world.settle()
    assert data(client) == ["all"]
    assert client.take().endswith(b"0\r\n\r\n")
    assert Stream not in [type(each) for each in world.scheduler.listAllThreads()]


def test_a_server_that_stops_ends_the_answers(world: World) -> None:
    channel = Channel(world)
    client = channel.client()
    channel.say("one")
    client.drain()
    assert data(client) == ["one"]
    assert client.ended == "closed"


# Time and speed.


def test_comments_keep_a_silent_connection_alive(world: World) -> None:
    channel = Channel(world, keep_alive=15)
    client = channel.client()
    world.elapse(16)
    assert body(client) == b":\n\n"
    channel.say("one")
    before = body(client)
    world.elapse(16)
    assert body(client) == before
    world.elapse(16)
    assert body(client) == before + b":\n\n"


BIG = "x" * 100_000


def test_a_slow_client_gets_what_waited_for_it(world: World) -> None:
    channel = Channel(world)
    slow = channel.client()
    slow.take()
    channel.say(BIG, "two", "three")
    assert data(slow) == [BIG, "two", "three"]


def test_a_client_too_slow_is_dropped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    channel = Channel(world, queue=3)
    slow, fast = channel.client(), channel.client()
    channel.say(BIG, *"123")
    assert slow.ended == ""
    fast.take()
    channel.say("4")
    assert slow.ended == "cut"
    assert data(fast) == [BIG, *"1234"]
    assert "the client is too slow" in caplog.text


def test_a_client_too_slow_skips_the_oldest(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    channel = Channel(world, queue=3, slow="skip")
    slow = channel.client()
    channel.say(BIG, *"1234567")
    assert data(slow) == [BIG, *"567"]
    slow.hang_up()
    assert "too slow for 4 events" in caplog.text


def test_what_was_lost_is_counted(world: World) -> None:
    for slow, lost in ("skip", (4, 0)), ("drop", (0, 2)):
        channel = Channel(world, queue=1, slow=slow)
        clients = channel.client(), channel.client()
        assert channel.handler.subscribers == 2
        channel.say(BIG, *"123")
        assert (channel.handler.skipped, channel.handler.dropped) == lost
        clients[0].hang_up()
        assert channel.handler.subscribers == (1 if slow == "skip" else 0)


def test_so_many_subscribers_and_no_more(world: World) -> None:
    channel = Channel(world, max_concurrent=2)
    clients = [channel.client() for _ in range(2)]
    for _ in range(2):
        refused = channel.client().answers()[0]
        assert (refused.code, refused["Retry-After"]) == (503, "1")
    clients[0].hang_up()
    another = channel.client()
    channel.say("one")
    assert data(another) == data(clients[1]) == ["one"]
    channel.parts[0].send(producerFinished(), "signal")
    world.settle()
    assert data(channel.client()) == []
    assert channel.handler.subscribers == 1


def test_whatever_fails_leaves_its_place(world: World) -> None:
    app = App()
    app.events("/at", lambda request: 1 / 0, max_concurrent=1)
    assert [world.client(app).get("/at").code for _ in range(3)] == [500] * 3
    channel = Channel(world, max_concurrent=1)
    for _ in range(3):
        client = world.client(channel.app)
        client.feed(raw("HEAD", "/at"))
        assert client.answers("HEAD")[0].code == 200


def test_a_silent_slow_client_gets_no_comments(world: World) -> None:
    channel = Channel(world, keep_alive=15, queue=1)
    slow = channel.client()
    channel.say(BIG)
    for _ in range(5):
        world.elapse(16)
    assert slow.ended == ""
    assert data(slow) == [BIG]


# What cannot be.


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"slow": "wait"}, "slow is 'drop' or 'skip'"),
        ({"queue": 0}, "queue and keep_alive are positive"),
        ({"colour": "red"}, "'colour' is no option here"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RouteError, match=problem):
        App().events("/at", Source, **options)


def test_what_makes_no_components() -> None:
    with pytest.raises(RouteError, match="makes no components"):
        App().events("/at", "Source")


def test_a_factory_that_does_not_fit_its_path() -> None:
    with pytest.raises(RouteError, match="room"):
        App().events("/rooms/{room}", lambda request: Source())


def test_a_factory_that_fails_is_a_500(world: World) -> None:
    app = App()
    app.events("/at", lambda request: 1 / 0)
    assert world.client(app).get("/at").code == 500


def test_ids_differ_from_one_process_to_the_next(world: World) -> None:
    streams = [Channel(world) for _ in range(3)]
    clients = [channel.client() for channel in streams]
    for channel in streams:
        channel.say("one")
    ids = {events(client)[0]["id"].partition("-")[0] for client in clients}
    assert len(ids) == 3
