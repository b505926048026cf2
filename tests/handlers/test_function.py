"""FunctionHandler, GeneratorHandler: plain functions, and generators that answer at once."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
import webob
from webob import exc

from kroute import App, Response, in_thread, sleep
from tests.server.harness import World, raw
from tests.waiting import PATIENCE

VALUES: list[tuple[Any, int, str, bytes]] = [
    (lambda: Response("hi", 201), 201, "text/html; charset=UTF-8", b"hi"),
    (lambda: webob.Response("hi", 202), 202, "text/html; charset=UTF-8", b"hi"),
    (lambda: "é", 200, "text/html; charset=UTF-8", "é".encode()),
    (lambda: b"\xff", 200, "application/octet-stream", b"\xff"),
    (lambda: {"a": 1}, 200, "application/json", b'{"a": 1}'),
    (lambda: [1, 2], 200, "application/json", b"[1, 2]"),
    (lambda: Response(app_iter=(b"a", b"b"), content_type="text/plain"), 200, "", b"ab"),
    (lambda: Response(app_iter=[b"a", b"b"], content_type="text/plain"), 200, "", b"ab"),
    (lambda: Response(app_iter=iter([b"a", b"b"]), content_type="text/plain"), 200, "", b"ab"),
    (lambda: Response(app_iter=["é"], content_type="text/plain"), 500, "", b""),
    (lambda: Response(app_iter=iter(["é"]), content_type="text/plain"), 500, "", b""),
    (lambda: Response(app_iter=iter([3]), content_type="text/plain"), 500, "", b""),
    (lambda: Response(app_iter=iter([]), content_type="text/plain"), 200, "", b""),
    (lambda: Response(app_iter=[], content_type="text/plain"), 200, "", b""),
    (lambda: 3.5, 500, "", b""),
    (lambda: object(), 500, "", b""),
    (lambda: (b"a",), 500, "", b""),
    (lambda: iter([b"a"]), 500, "", b""),
    (lambda: {"a": object()}, 500, "", b""),
]


@pytest.mark.parametrize("way", ["return", "yield", "yield later", "return late", "thread"])
@pytest.mark.parametrize(("make", "code", "kind", "body"), VALUES)
def test_an_answer(
    world: World,
    caplog: pytest.LogCaptureFixture,
    make: Any,
    code: int,
    kind: str,
    body: bytes,
    way: str,
) -> None:
    def plain(request):
        return make()

    def generator(request):
        if way.endswith(("later", "late")):
            yield
        if way.startswith("return"):
            return make()
        yield make()

    app = App()
    if way in ("return", "thread"):
        app.get("/", threaded=way == "thread")(plain)
    else:
        app.get("/")(generator)
    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.until(client.waiting)
    (answer,) = client.answers()
    assert answer.code == code
    assert kind in ("", answer["Content-Type"])
    assert code == 500 or answer.body == body
    assert bool(caplog.records) == (code == 500)
    assert not client.ended
    client.feed(raw("GET", "/nothing"))
    assert [answer.code for answer in client.answers()] == [404]


@pytest.mark.parametrize("way", ["return", "yield", "return late", "end"])
def test_nothing_is_204(world: World, way: str) -> None:
    def generator(request):
        if way == "return late":
            yield
        if way == "yield":
            yield
        return None

    app = App()
    app.get("/")(generator if way != "return" else lambda request: None)
    answer = world.client(app).get("/")
    assert (answer.code, answer.body, answer["Content-Type"]) == (204, b"", None)


@pytest.mark.parametrize("way", ["raise", "yield", "return"])
def test_a_failure_before_the_answer_is_500(
    world: World, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    app = App()
    closed = []

    @app.get("/")
    def handler(request):
        try:
            if way == "raise":
                raise ValueError("no")
            if way == "yield":
                yield object()
            yield
            return object()
        finally:
            closed.append(True)

    client = world.client(app)
    answer = client.get("/")
    assert answer.code == 500
    assert "no" not in answer.text.split()
    assert closed == [True]
    assert len(caplog.records) == 1
    assert not client.ended


def test_the_traceback_of_rubbish_names_the_line_that_yielded_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    @app.get("/")
    def handler(request):
        yield
        yield object()  # here

    assert world.client(app).get("/").code == 500
    assert "yield object()  # here" in caplog.text


def test_a_failure_after_the_response_and_before_its_end_is_500(world: World) -> None:
    app = App()

    @app.get("/")
    def handler(request):
        yield Response("fine")
        raise ValueError

    assert world.client(app).get("/").code == 500


def test_in_a_thread_the_answer_begins_with_its_response(world: World) -> None:
    app = App()

    @app.get("/", threaded=True)
    def handler(request):
        yield Response("fine")
        raise ValueError

    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.until(lambda: client.ended)
    assert client.ended == "cut"


def test_a_refusal_reaches_a_handler_in_a_thread(world: World) -> None:
    app = App()
    seen: list[bool] = []

    @app.get("/", threaded=True)
    def handler(request):
        try:
            yield object()
        except TypeError:
            seen.append(threading.current_thread() is threading.main_thread())
            yield "refused"

    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.until(lambda: client.take().endswith(b"0\r\n\r\n"))
    assert client.answers()[0].text == "refused"
    assert seen == [False]


@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, BaseException])
@pytest.mark.parametrize("way", ["plain", "first", "later"])
def test_any_failure_is_the_handlers_own(
    world: World, caplog: pytest.LogCaptureFixture, kind: type[BaseException], way: str
) -> None:
    def plain(request):
        raise kind

    def generator(request):
        if way == "later":
            yield
        raise kind
        yield

    app = App()
    app.get("/")(plain if way == "plain" else generator)
    client = world.client(app)
    assert [client.get("/").code for _ in range(2)] == [500, 500]
    assert len(caplog.records) == 2


def test_stop_iteration_of_a_function_is_a_failure(world: World) -> None:
    app = App()
    app.add("/", GET=lambda request: next(iter(())))
    assert world.client(app).get("/").code == 500


# Header fields that an author could be brought to send


INJECTIONS = [
    {"X-A": "a\r\nX-B: c"},
    {"X-A": "a\nX-B: c"},
    {"X-A": "a\rX-B: c"},
    {"X-A": "a\0"},
    {"X-A\r\nX-B": "c"},
    {"X A": "c"},
    {"": "c"},
    {"X-A": "€"},
    {"Content-Length": "1, 2"},
    {"Transfer-Encoding": "chunked"},
    {"Connection": "upgrade"},
]


@pytest.mark.parametrize("headers", INJECTIONS)
@pytest.mark.parametrize("way", ["return", "yield", "stream", "iterator"])
def test_a_field_that_would_split_the_answer_is_500(
    world: World, caplog: pytest.LogCaptureFixture, headers: dict[str, str], way: str
) -> None:
    def make() -> Response:
        response = Response(app_iter=iter([b"x"]) if way == "iterator" else [b"x"])
        response.headerlist.extend(headers.items())
        return response

    def generator(request):
        yield make()
        if way == "stream":
            yield b"more"
            yield b"and more"

    app = App()
    app.get("/")(generator if way in ("yield", "stream") else lambda request: make())
    client = world.client(app)
    client.feed(raw("GET", "/") + raw("GET", "/nothing"))
    first, second = client.answers()
    assert (first.code, second.code) == (500, 404)
    assert first["X-B"] is None
    assert len(caplog.records) == 1


@pytest.mark.parametrize("status", ["200 OK\r\nX-B: c", "99 Low", "200 €", "abc"])
def test_a_status_that_is_none_is_500(world: World, status: str) -> None:
    app = App()

    @app.get("/")
    def handler(request):
        response = Response("x")
        response._status = status  # past WebOb's own check
        return response

    answer = world.client(app).get("/")
    assert (answer.code, answer["X-B"]) == (500, None)


@pytest.mark.parametrize("length", ["5", "0"])
def test_a_length_that_is_not_that_of_the_body_is_500(world: World, length: str) -> None:
    app = App()
    app.add("/", GET=lambda request: Response(b"xyz", headers={"Content-Length": length}))

    @app.get("/set")
    def set_later(request):
        response = Response(b"xyz")
        response.headers["Content-Length"] = length
        yield response

    assert world.client(app).get("/set").code == 500


# threaded=True


def test_a_plain_function_runs_in_a_thread(world: World) -> None:
    app = App()
    seen: list[Any] = []

    @app.post("/{n}", threaded=True)
    def handler(request, n: int):
        seen.append(threading.current_thread())
        return {"n": n + len(request.body)}

    client = world.client(app)
    client.feed(raw("POST", "/3", b"1234"))
    world.until(client.waiting)
    (answer,) = client.answers()
    assert answer.text == '{"n": 7}'
    assert seen[0] is not threading.current_thread()


def test_a_generator_makes_each_step_in_a_thread(world: World) -> None:
    app = App()
    seen: list[Any] = []

    @app.get("/", threaded=True)
    def handler(request):
        def note(word):
            seen.append((word, threading.current_thread() is threading.main_thread()))

        note("before")
        yield
        yield from sleep(0)
        yield Response(content_type="text/plain")
        note("after")
        yield "one "
        value = yield from in_thread(lambda: "two ")
        yield value
        note("end")
        return "ignored"

    client = world.client(app)
    client.feed(raw("GET", "/"))

    def complete() -> bool:
        world.elapse(1)
        return client.take().endswith(b"0\r\n\r\n")

    world.until(complete)
    (answer,) = client.answers()
    assert answer.text == "one two "
    assert seen == [("before", False), ("after", False), ("end", False)]


@pytest.mark.parametrize("kind", ["plain", "generator"])
def test_a_failure_in_a_thread(world: World, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    def plain(request):
        raise exc.HTTPTeapot() if hasattr(exc, "HTTPTeapot") else exc.HTTPGone()

    def generator(request):
        yield
        raise ValueError

    app = App()
    app.get("/", threaded=True)(plain if kind == "plain" else generator)
    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.until(client.waiting)
    (answer,) = client.answers()
    assert answer.code == (410 if kind == "plain" else 500)
    assert len(caplog.records) == (kind == "generator")


def test_threads_do_not_hold_up_others(world: World) -> None:
    app = App()
    go = threading.Event()

    @app.get("/slow", threaded=True)
    def slow(request):
        assert go.wait(PATIENCE)
        return "slow"

    app.add("/fast", GET=lambda request: "fast")
    slow_client, fast_client = world.client(app), world.client(app)
    slow_client.feed(raw("GET", "/slow"))
    assert fast_client.get("/fast").text == "fast"
    assert not slow_client.waiting()
    go.set()
    world.until(slow_client.waiting)
    assert [answer.text for answer in slow_client.answers()] == ["slow"]


def test_the_client_goes_between_two_steps_in_a_thread(world: World) -> None:
    closed: list[bool] = []
    began, over = threading.Event(), threading.Event()
    app = App()

    @app.get("/", threaded=True)
    def handler(request):
        try:
            began.set()
            yield from sleep(3600)
        finally:
            closed.append(threading.current_thread() is threading.main_thread())
            over.set()

    client = world.client(app)
    client.feed(raw("GET", "/"))
    world.until(began.is_set)
    client.hang_up()
    assert over.wait(PATIENCE)
    assert closed == [False]


@pytest.mark.parametrize("kind", ["plain", "generator"])
def test_the_client_goes_while_a_thread_is_at_work(
    world: World, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO, "kroute")
    begun, go, over = (threading.Event() for _ in range(3))

    def plain(request):
        begun.set()
        go.wait(PATIENCE)
        over.set()
        return "too late"

    def generator(request):
        try:
            begun.set()
            go.wait(PATIENCE)
            yield "too late"
        finally:
            over.set()

    app = App()
    app.get("/", threaded=True)(plain if kind == "plain" else generator)
    client = world.client(app)
    client.feed(raw("GET", "/"))
    assert begun.wait(PATIENCE)
    client.hang_up()
    assert client.ended == "closed"
    assert [record.getMessage() for record in caplog.records] == [
        "the client went away during GET /"
    ]
    go.set()
    assert over.wait(PATIENCE)
    world.settle()
    assert client.take() == b""
    assert len(caplog.records) == 1
