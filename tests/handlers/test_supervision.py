"""How many at a time, and how often again: from messages alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component

from kroute import App, RouteError, Unavailable
from kroute.handlers.gate import Gate
from kroute.handlers.keeper import Restarts, Supervision
from kroute.http import Exchange
from tests.server.harness import Client, World, raw

# Restarts: pure.


def test_so_many_restarts_in_so_many_seconds() -> None:
    restarts = Restarts(Supervision("on_failure", max_restarts=2, within=10))
    assert restarts.left(100) == 2
    restarts.note(100)
    restarts.note(105)
    assert restarts.left(109.9) == 0
    with pytest.raises(Unavailable) as caught:
        restarts.refuse(107.5)
    assert caught.value.headers["Retry-After"] == "3"
    assert restarts.left(110) == 1
    restarts.refuse(110)


@pytest.mark.parametrize(
    ("restart", "ended", "failed"),
    [("never", False, False), ("on_failure", False, True), ("always", True, True)],
)
def test_what_is_started_again(restart: Any, ended: bool, failed: bool) -> None:
    supervision = Supervision(restart)
    assert supervision.wants(False) == ended
    assert supervision.wants(True) == failed


# A bound for a mount.


class Held(component):
    """Answers when it is told to."""

    def main(self) -> Iterator[int]:
        while not self.anyReady():
            self.pause()
            yield 1
        self.send("done", "outbox")


class Mount:
    def __init__(self, world: World, **options: Any) -> None:
        self.world = world
        self.parts: list[Held] = []
        self.app = App()
        self.app.mount("/at", self._make, **options)

    def _make(self, request: Any) -> component:
        self.parts.append(Held())
        return self.parts[-1]

    def ask(self) -> Client:
        client = self.world.client(self.app)
        client.feed(raw("GET", "/at"))
        return client

    def let_go(self, number: int) -> None:
        self.parts[number].inboxes["inbox"].append("go")
        self.world.settle()


def test_more_than_may_be_served_and_wait_get_a_503(world: World) -> None:
    mount = Mount(world, max_concurrent=2, max_queued=1)
    clients = [mount.ask() for _ in range(4)]
    assert len(mount.parts) == 2
    (refused,) = clients[3].answers()
    assert (refused.code, refused["Retry-After"]) == (503, "1")
    mount.let_go(0)
    assert len(mount.parts) == 3
    mount.let_go(1)
    mount.let_go(2)
    assert [client.answers()[0].text for client in clients[:3]] == ["done"] * 3
    assert mount.ask() and len(mount.parts) == 4


def test_who_waits_and_goes_away_leaves_his_place(world: World) -> None:
    mount = Mount(world, max_concurrent=1, max_queued=1)
    mount.ask()
    mount.ask().hang_up()
    third = mount.ask()
    mount.let_go(0)
    mount.let_go(1)
    assert third.answers()[0].text == "done"


def test_who_waits_too_long_gets_a_503(world: World) -> None:
    mount = Mount(world, max_concurrent=1, max_queued=1, timeout=5)
    mount.ask()
    waiting = mount.ask()
    world.elapse(6)
    assert waiting.answers()[0].code == 503


def test_a_factory_that_fails_leaves_its_place(world: World) -> None:
    app = App()
    app.mount("/at", lambda request: 1 / 0, max_concurrent=1)
    client = world.client(app)
    assert [client.get("/at").code for _ in range(3)] == [500] * 3


def test_a_gate_without_bound() -> None:
    gate = Gate(None)
    inside: list[int] = []
    for number in range(1000):
        gate.enter(Exchange(None, None), lambda number=number: inside.append(number))  # type: ignore
    assert len(inside) == 1000


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"max_concurrent": 0}, "max_concurrent is at least 1"),
        ({"max_queued": -1}, "max_queued at least 0"),
        ({"restart": "sometimes"}, "restart is 'never'"),
        ({"restart": "always"}, "has done its work when it ends"),
        ({"max_restarts": 0}, "max_restarts and within are positive"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RouteError, match=problem):
        App().mount("/at", Held, **options)


# Again, after a failure.


class Clock:
    """Seconds that go by when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in "component", "keeper", "websocket":
            monkeypatch.setattr(f"kroute.handlers.{module}.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Flaky:
    """Makes components of which the first `failures` fail; the others echo."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.made = 0

    def __call__(self, request: Any) -> component:
        self.made += 1
        return _Once(fails=self.made <= self.failures)


class _Once(component):
    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    def main(self) -> Iterator[int]:
        while not self.dataReady("control"):
            self.pause()
            yield 1
        if self.fails:
            raise ZeroDivisionError
        while self.dataReady("inbox"):
            self.send(self.recv("inbox"), "outbox")


def test_another_component_tries(
    world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    flaky = Flaky(failures=2)
    app = App()
    app.mount("/at", flaky, restart="on_failure", max_concurrent=1)
    client = world.client(app)
    assert client.ask("POST", "/at", b"the same body").text == "the same body"
    assert flaky.made == 3
    assert caplog.text.count("another component goes on") == 2


def test_another_component_tries_for_a_request_without_a_body(world: World) -> None:
    made: list[component] = []

    def make(request: Any) -> component:
        made.append(_Fails() if len(made) < 2 else _Says())
        return made[-1]

    app = App()
    app.mount("/at", make, restart="on_failure")
    assert world.client(app).get("/at").text == "at last"


class _Fails(component):
    def main(self) -> Iterator[int]:
        raise ZeroDivisionError
        yield


class _Says(component):
    def main(self) -> Iterator[int]:
        self.send("at last", "outbox")
        yield 1


def test_too_many_failures_close_the_mount_for_a_while(
    world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    flaky = Flaky(failures=6)
    app = App()
    app.mount("/at", flaky, restart="on_failure", max_restarts=5, within=60)
    client = world.client(app)
    assert client.ask("POST", "/at", b"body").code == 500
    assert flaky.made == 6  # five times again
    assert caplog.text.count("another component goes on") == 5
    assert caplog.text.count("failed and was closed down") == 6
    clock.now += 20
    refused = client.ask("POST", "/at", b"body")
    assert (refused.code, refused["Retry-After"]) == (503, "40")
    assert flaky.made == 6
    clock.now += 40
    assert client.ask("POST", "/at", b"body").text == "body"


def test_without_supervision_a_failure_is_one(world: World) -> None:
    flaky = Flaky(failures=1)
    app = App()
    app.mount("/at", flaky)
    client = world.client(app)
    assert client.ask("POST", "/at", b"body").code == 500
    assert flaky.made == 1


# An event stream whose component is started again.


class Counting(component):
    """Sends a number, and ends or fails."""

    made = 0

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    def main(self) -> Iterator[int]:
        type(self).made += 1
        self.send(self.made, "outbox")
        yield 1
        if self.fails:
            raise ZeroDivisionError


@pytest.fixture(autouse=True)
def from_nought() -> None:
    Counting.made = 0


@pytest.mark.parametrize(("restart", "fails"), [("on_failure", True), ("always", False)])
def test_a_stream_goes_on_with_another_component(
    world: World, clock: Clock, restart: str, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.events("/at", lambda request: Counting(fails), restart=restart, max_restarts=5, replay=0)
    client = world.client(app)
    client.feed(raw("GET", "/at"))
    client.take()
    assert Counting.made == 6
    body = client.take()
    assert [b"data: %d\n" % number in body for number in range(1, 7)] == [True] * 6
    assert body.endswith(b"0\r\n\r\n")
    assert caplog.text.count("it is started again") == 5
    assert "for the 6th time in 60 seconds; it is not started again" in caplog.text


@pytest.mark.parametrize(("restart", "fails"), [("on_failure", False), ("never", True)])
def test_a_stream_ends_with_its_component(
    world: World, clock: Clock, restart: str, fails: bool
) -> None:
    app = App()
    app.events("/at", lambda request: Counting(fails), restart=restart)
    client = world.client(app)
    client.feed(raw("GET", "/at"))
    assert client.take().endswith(b"0\r\n\r\n")
    assert Counting.made == 1
