"""EarlyHints: a 103 before the answer (RFC 8297)."""

from __future__ import annotations

from typing import Any

import pytest

from kroute import App, EarlyHints, Response, in_thread, sleep
from tests.server.harness import Client, World, raw

STYLE = "</style.css>; rel=preload; as=style"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: " + STYLE.encode() + b"\r\n\r\n"


def client_of(world: World, handler: Any, **options: Any) -> Client:
    app = App()
    app.route("/", methods=["GET", "POST"], **options)(handler)
    return world.client(app)


@pytest.mark.parametrize("threaded", [False, True])
def test_they_are_sent_before_the_answer_is_there(world: World, threaded: bool) -> None:
    def handler(request):
        yield EarlyHints(STYLE)
        yield from sleep(10)
        yield "page"

    client = client_of(world, handler, threaded=threaded)
    client.feed(raw("GET", "/"))
    world.until(client.waiting)
    assert client.take() == HINTS
    world.until(lambda: len(world.scheduler.timers) > 1)  # it sleeps
    client.received = b""
    world.elapse(11)
    world.until(lambda: client.take().endswith((b"\r\n0\r\n\r\n", b"\r\n\r\npage")))
    (answer,) = client.answers()
    assert (answer.code, answer.text) == (200, "page")
    assert client.get("/none").code == 404  # the connection can have another request


def test_any_number_of_them_with_any_fields(world: World) -> None:
    def handler(request):
        yield EarlyHints(STYLE, "</a.js>; rel=preload; as=script")
        yield EarlyHints(headers={"Content-Security-Policy": "style-src: self"})
        yield Response("page")

    client = client_of(world, handler)
    client.feed(raw("GET", "/"))
    first, second, answer = client.take().split(b"HTTP/1.1 ")[1:]
    assert first.count(b"\r\nLink: ") == 2
    assert second == b"103 Early Hints\r\nContent-Security-Policy: style-src: self\r\n\r\n"
    assert answer.startswith(b"200 OK\r\n")


def test_http_1_0_knows_of_none(world: World) -> None:
    def handler(request):
        yield EarlyHints(STYLE)
        yield "page"

    answer = client_of(world, handler).get("/", version="HTTP/1.0")
    assert (answer.code, answer.text) == (200, "page")


def test_a_handler_that_reads_can_send_them(world: World) -> None:
    def handler(request):
        yield EarlyHints(STYLE)
        yield from request.read()
        yield "page"

    client = client_of(world, handler, stream=True)
    client.feed(raw("POST", "/", b"body"))
    assert client.take().startswith(HINTS + b"HTTP/1.1 200 OK\r\n")


def test_a_function_has_to_yield_them(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert client_of(world, lambda request: EarlyHints(STYLE)).get("/").code == 500
    assert "the handler answered EarlyHints" in caplog.text


@pytest.mark.parametrize("streamed", [False, True])
def test_after_the_answer_they_are_too_late(
    world: World, caplog: pytest.LogCaptureFixture, streamed: bool
) -> None:
    def handler(request):
        yield Response("page")
        if streamed:
            yield "more"
        try:
            yield EarlyHints(STYLE)
        except TypeError as error:
            problems.append(str(error))

    problems: list[str] = []
    answer = client_of(world, handler).get("/")
    assert answer.code == 200
    assert problems == ["early hints come before the answer, and it has begun"]


@pytest.mark.parametrize("value", ["</a>\r\nX: y", "\u20ac"])
def test_what_cannot_be_sent_is_raised_in_the_handler(
    world: World, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    def handler(request):
        yield EarlyHints(value)

    answer = client_of(world, handler).get("/")
    assert answer.code == 500
    assert "LocalProtocolError" in caplog.text


def test_hints_of_nothing() -> None:
    with pytest.raises(ValueError, match="early hints are of something"):
        EarlyHints()


def test_behind_a_wsgi_server_there_are_none() -> None:
    app = App()

    @app.get("/")
    def handler(request):
        yield EarlyHints(STYLE)
        yield from in_thread(int)
        yield "page"

    assert app.test_client().get("/").text == "page"
