"""Services: one component for all requests, from messages alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App, RouteError, ask
from tests.server.harness import World


class Counter(component):
    """Adds what it is asked to add. Answers each question itself."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def main(self) -> Iterator[int]:
        while True:
            while self.dataReady("inbox"):
                question = self.recv("inbox")
                if question.message == b"fail":
                    raise ZeroDivisionError
                if question.message == b"end":
                    return
                self.total += int(question.message)
                question.answer({"total": self.total})
            self.pause()
            yield 1

    def state(self) -> dict[str, int]:
        return {"total": self.total}


def test_a_stock_component_serves(world: World) -> None:
    app = App()
    app.service("/upper", PureTransformer(bytes.upper))
    clients = [world.client(app) for _ in range(2)]
    for client in clients:
        assert client.ask("POST", "/upper", b"loud").body == b"LOUD"
    assert clients[0].get("/upper").code == 405
    assert clients[0].get("/upper")["Allow"] == "POST"


def test_a_component_with_a_state(world: World) -> None:
    app = App()
    app.service("/count", Counter, outbox=None)
    client = world.client(app)
    assert client.get("/count").text == '{"total": 0}'
    assert client.ask("POST", "/count", b"2").text == '{"total": 2}'
    assert client.ask("POST", "/count", b"40").text == '{"total": 42}'
    assert world.client(app).get("/count").text == '{"total": 42}'


@pytest.mark.parametrize(
    ("parse", "body", "message"),
    [
        ("bytes", b"a", "b'a'"),
        ("text", b"a", "'a'"),
        ("json", b"[1]", "[1]"),
        (lambda request: request.path_info + request.method, b"", "'/echoPOST'"),
    ],
)
def test_messages_are_made_of_requests(
    world: World, parse: Any, body: bytes, message: str
) -> None:
    app = App()
    app.service("/echo", PureTransformer(repr), parse=parse)
    assert world.client(app).ask("POST", "/echo", body).text == message


def test_what_cannot_be_parsed_is_the_clients_fault(world: World) -> None:
    app = App()
    app.service("/echo", PureTransformer(repr), parse="json")
    assert world.client(app).ask("POST", "/echo", b"{").code == 400


def test_an_answer_of_none_is_a_204(world: World) -> None:
    class Quiet(component):
        def main(self) -> Iterator[int]:
            while True:
                while self.dataReady("inbox"):
                    self.recv("inbox").answer(None)
                self.pause()
                yield 1

    app = App()
    app.service("/quiet", Quiet, outbox=None)
    assert world.client(app).ask("POST", "/quiet", b"?").code == 204


def test_others_find_it_by_its_name(world: World) -> None:
    app = App()
    app.service("/upper", PureTransformer(bytes.upper), name="louder")
    app.service("/lower", PureTransformer(bytes.lower))

    @app.get("/{name}/{word}")
    def other(request: Any, name: str, word: str) -> Iterator[Any]:
        yield (yield from ask(name, word.encode()))

    client = world.client(app)
    assert client.get("/louder/word").body == b"WORD"
    assert client.get("/quieter/word").code == 503
    part, box = coordinatingassistanttracker.getcat().retrieveService("/lower")
    assert (type(part), box) == (PureTransformer, "inbox")


def test_no_more_than_so_many_at_a_time(world: World) -> None:
    class Deaf(component):
        def main(self) -> Iterator[int]:
            while True:
                self.pause()
                yield 1

    app = App()
    app.service("/deaf", Deaf, max_concurrent=1, timeout=5)
    first = world.client(app)
    first.feed(b"POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert world.client(app).ask("POST", "/deaf", b"").code == 503
    world.elapse(6)
    assert first.answers()[0].code == 504


def test_five_times_started_again_then_503(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("kroute.handlers.keeper.monotonic", lambda: now)
    app = App()
    app.service("/count", Counter, outbox=None, restart="on_failure", max_restarts=5, within=60)
    client = world.client(app)
    for _ in range(5):
        assert client.ask("POST", "/count", b"1").text == '{"total": 1}'
        assert client.ask("POST", "/count", b"fail").code == 503
    assert client.get("/count").code == 200
    assert client.ask("POST", "/count", b"fail").code == 503
    assert caplog.text.count("it is started again") == 5
    assert caplog.text.count("ZeroDivisionError\n") >= 6
    assert "for the 6th time in 60 seconds; it is not started again" in caplog.text
    now += 15
    refused = client.get("/count")
    assert (refused.code, refused["Retry-After"]) == (503, "45")
    now += 45
    assert client.get("/count").text == '{"total": 0}'


@pytest.mark.parametrize(("restart", "last"), [("never", b"fail"), ("on_failure", b"end")])
def test_what_has_ended_for_good_is_a_503(world: World, restart: str, last: bytes) -> None:
    app = App()
    app.service("/count", Counter, outbox=None, restart=restart)
    client = world.client(app)
    client.ask("POST", "/count", last)
    assert [client.get("/count").code for _ in range(2)] == [503, 503]


def test_always_is_always(world: World) -> None:
    app = App()
    app.service("/count", Counter, outbox=None, restart="always")
    client = world.client(app)
    client.ask("POST", "/count", b"end")
    assert client.get("/count").code == 200


@pytest.mark.parametrize(
    ("what", "options", "problem"),
    [
        ("text", {}, "is no component, nor does it make one"),
        (PureTransformer(), {"restart": "always"}, "give what makes it"),
        (Counter, {"parse": "xml"}, "parse is a function or one of bytes, text"),
        (Counter, {"colour": "red"}, "'colour' is no option here"),
        (Counter, {"restart": "soon"}, "restart is 'never'"),
    ],
)
def test_what_cannot_be_a_service(what: Any, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RouteError, match=problem):
        App().service("/at", what, **options)
