"""on_disconnect="finish": a handler comes to its end although its client is gone."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished

from kroute import App, Limits, Request, Response, in_thread, sleep
from kroute.handlers import Unattended
from kroute.http.body import MEMORY
from kroute.routing import RouteError
from tests.server.harness import Client, World, raw
from tests.waiting import PATIENCE

done: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    gc.collect()  # handlers that another test has left at work are closed now, not in this one
    done.clear()


def sleeps(request):
    try:
        yield from sleep(10)
        yield Response(content_type="text/plain")
        yield from sleep(10)
        yield "text"
        done.append("end")
    finally:
        done.append("closed")


def streams(request):
    try:
        yield Response(content_type="text/plain")
        for _ in range(100):
            yield bytes(100_000)
        done.append("end")
    finally:
        done.append("closed")


def works_in_threads(request):
    for number in range(3):
        yield from in_thread(done.append, number)
    yield "done"
    done.append("end")


def turns(request):
    for _ in range(10):
        yield
    done.append("end")
    return "done"


class Endless(component):
    """Waits until it is told to stop."""

    def main(self):
        while not self.dataReady("control"):
            self.pause()
            yield 1
        done.append("told")


def client_of(world: World, handler: Any, **options: Any) -> Client:
    app = App()
    app.route("/", methods=["GET", "POST"], **options)(handler)
    return world.client(app)


def begin_and_go(world: World, handler: Any, **options: Any) -> Client:
    client = client_of(world, handler, **options)
    client.wire.send(raw("GET", "/"), "outbox")
    world.step()
    client.hang_up()
    return client


def unattended(world: World) -> list[Any]:
    return [part for part in world.scheduler.listAllThreads() if isinstance(part, Unattended)]


@pytest.mark.parametrize("handler", [sleeps, streams, works_in_threads, turns])
@pytest.mark.parametrize("threaded", [False, True])
def test_it_comes_to_its_end(
    world: World, handler: Callable[..., Any], threaded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = begin_and_go(world, handler, on_disconnect="finish", threaded=threaded)

    def over() -> bool:
        world.elapse(11)
        return "end" in done and not unattended(world)

    world.until(over)
    assert done[-1] == ("closed" if "closed" in done else "end")
    assert client.protocol not in world.scheduler.threads
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


@pytest.mark.parametrize("handler", [sleeps, streams])
def test_otherwise_it_is_closed_where_it_waits(
    world: World, handler: Callable[..., Any]
) -> None:
    begin_and_go(world, handler)
    assert done == ["closed"]
    assert not unattended(world)


def test_one_that_fails_then_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def fails(request):
        yield from sleep(10)
        raise ZeroDivisionError

    begin_and_go(world, fails, on_disconnect="finish")
    assert unattended(world)
    world.elapse(11)
    assert "GET / failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert not unattended(world)


@pytest.mark.parametrize("caught", [False, True])
def test_the_rest_of_a_body_never_comes(
    world: World, caught: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def reads(request):
        try:
            while chunk := (yield from request.read()):
                done.append(chunk)
        except ConnectionAbortedError as error:
            done.append(str(error))
            if not caught:
                raise
        yield "done"
        done.append("end")

    client = client_of(world, reads, stream=True, on_disconnect="finish")
    client.feed(raw("POST", "/", b"body")[:-1])
    client.hang_up()
    problem = "the client went away before the end of its body"
    assert done == [b"bod", problem, "end"] if caught else [b"bod", problem]
    assert not unattended(world)
    assert ("ConnectionAbortedError" in caplog.text) is not caught


def test_a_body_that_has_come_is_read(world: World) -> None:
    def reads(request):
        done.append((yield from request.read()))
        yield from sleep(10)
        done.append((yield from request.read()))

    client = client_of(world, reads, stream=True, on_disconnect="finish")
    client.feed(raw("POST", "/", b"body"))
    client.hang_up()
    world.elapse(11)
    assert done == [b"body", b""]
    assert not unattended(world)


@pytest.mark.parametrize("handler", [sleeps, Endless])
def test_there_may_not_be_any_number_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, handler: Any
) -> None:
    monkeypatch.setattr(Unattended, "MOST", 2)
    app = App()
    app.add("/", GET=handler, on_disconnect="finish")
    for _ in range(4):
        client = world.client(app)
        client.feed(raw("GET", "/"))
        client.hang_up()
    assert len(unattended(world)) == 2
    assert caplog.text.count("GET / is stopped: 2 others finish without a client") == 2
    assert len(done) == 2


@pytest.mark.parametrize("size", [3, 100_000])  # in memory, in the memory that all share
def test_it_has_the_body_to_its_end(world: World, size: int) -> None:
    before = MEMORY.taken

    def reads(request):
        yield from sleep(10)
        done.append(len(request.body))
        done.append(request.environ["wsgi.input"])

    client = client_of(world, reads, on_disconnect="finish")
    client.feed(raw("POST", "/", bytes(size)))
    client.hang_up()
    assert MEMORY.taken == before + (size if size > Limits().body_in_memory else 0)
    world.elapse(11)
    assert MEMORY.taken == before
    assert done[0] == size
    assert done[1].closed


def test_it_comes_to_its_end_when_a_wsgi_server_wants_no_more() -> None:
    app = App()
    over = threading.Event()

    @app.post("/", on_disconnect="finish")
    def writes(request):
        yield Response(content_type="text/plain")
        for _ in range(100):
            yield bytes(10_000)
        done.append(request.text)
        over.set()

    answer = app(Request.blank("/", POST="text").environ, lambda *_: None)
    assert not done
    answer.close()
    assert over.wait(PATIENCE)
    assert done == ["text"]


def test_after_hooks_and_answers_are_as_ever(world: World) -> None:
    app = App()
    app.after_request(lambda request, response: done.append(response.status_int))
    app.get("/", on_disconnect="finish")(turns)
    client = world.client(app)
    assert client.get("/").text == "done"
    client.wire.send(raw("GET", "/"), "outbox")
    world.step()
    client.hang_up()
    assert done == ["end", 200, "end", 200]


class Slow(component):
    """Answers in its own time, whatever it is told."""

    def main(self):
        self.send(Response(content_type="text/plain"), "outbox")
        for _ in range(200):
            yield 1
            self.send(bytes(10_000), "outbox")
            done.extend("told" for _ in iter(lambda: self.dataReady("control"), False))
        done.append("end")
        self.send(producerFinished(self), "signal")


@pytest.mark.parametrize("mounted", [False, True])
def test_a_component_comes_to_its_end(world: World, mounted: bool) -> None:
    app = App()
    if mounted:
        app.mount("/", lambda request: Slow(), on_disconnect="finish")
    else:
        app.add("/", GET=Slow, on_disconnect="finish")
    client = world.client(app)
    client.feed(raw("GET", "/"))  # it is held, as nobody reads
    assert not done
    client.hang_up()
    assert done == ["end"]
    assert not unattended(world)


@pytest.mark.parametrize("thing", [turns, Slow])
def test_there_is_nothing_else_to_do(thing: Any) -> None:
    with pytest.raises(RouteError, match="on_disconnect='wait': there are stop and finish"):
        App().add("/", GET=thing, on_disconnect="wait")
