"""BodyReader: a body that is read as it comes."""

from __future__ import annotations

from typing import Any

import pytest

from kroute import App, Limits, Response, RouteError, sleep

from ..server.harness import World, raw

HEAD = b"POST /parts HTTP/1.1\r\nHost: a\r\n"


def make(seen: list[Any], **limits: Any) -> App:
    app = App(limits=Limits(**limits))

    @app.post("/parts", stream=True)
    def parts(request):
        try:
            while chunk := (yield from request.read()):
                seen.append(chunk)
            seen.append(request.trailers)
            yield "read"
        finally:
            seen.append("end")

    @app.post("/echo", stream=True)
    def echo(request):
        yield Response(content_type="text/plain")
        while chunk := (yield from request.read()):
            yield chunk

    @app.post("/slow", stream=True)
    def slow(request):
        while chunk := (yield from request.read()):
            seen.append(len(chunk))
            yield from sleep(1)
        yield "read"

    @app.post("/deaf", stream=True)
    def deaf(request):
        yield "not read"

    @app.get("/")
    def front(request):
        chunk = yield from request.read()
        yield repr(chunk)

    @app.post("/whole")
    def whole(request):
        chunk = yield from request.read()
        yield repr(chunk)

    return app


def test_parts_are_read_as_they_come(world: World) -> None:
    seen: list[Any] = []
    client = world.client(make(seen))
    client.feed(HEAD + b"Content-Length: 6\r\n\r\n")
    assert seen == []
    client.feed(b"ab")
    assert seen == [b"ab"]
    client.feed(b"cd", b"ef")
    assert b"".join(seen[:-2]) == b"abcdef"
    assert client.answers("POST")[0].text == "read"
    assert client.get("/").text == "b''"  # the connection goes on


def test_chunks_and_trailers(world: World) -> None:
    """RFC 9112, section 7.1.2"""
    seen: list[Any] = []
    client = world.client(make(seen))
    client.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n")
    client.feed(b"x-sum: 1\r\nX-Sum: 2\r\n\r\n")
    assert b"".join(seen[:-2]) == b"abcde"
    assert seen[-2:] == [{"X-Sum": "1, 2"}, "end"]


def test_an_answer_can_begin_before_the_request_has_ended(world: World) -> None:
    client = world.client(make([]))
    client.feed(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
    assert b"2\r\nab\r\n" in client.take()
    client.feed(b"cd")
    assert client.take().endswith(b"2\r\ncd\r\n0\r\n\r\n")


def test_a_slow_handler_slows_its_client(world: World) -> None:
    seen: list[Any] = []
    client = world.client(make(seen))
    client.feed(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    fed = 0
    while client.taken and fed < 1_000_000:
        client.feed(b"x" * 10_000)
        fed += 10_000
    assert fed < 200_000  # it holds so much, and the rest has to wait
    while fed < 1_000_000:
        while not client.taken:
            world.elapse(1)
        client.feed(b"x" * 10_000)
        fed += 10_000
    for _ in range(20):
        world.elapse(1)
    assert sum(seen) == 1_000_000
    assert client.answers("POST")[0].text == "read"


@pytest.mark.parametrize("framing", [b"Content-Length: 11\r\n\r\n", b"chunked"])
def test_too_much_is_413_at_the_read(world: World, framing: bytes) -> None:
    seen: list[Any] = []
    client = world.client(make(seen, body_bytes=10))
    if framing == b"chunked":
        framing = b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nghijkl\r\n"
    client.feed(HEAD + framing)
    (answer,) = client.answers("POST")
    assert (answer.code, answer["Connection"], seen[-1]) == (413, "close", "end")
    assert client.ended == "closed"


def test_bad_chunks_close_the_handler(world: World) -> None:
    seen: list[Any] = []
    client = world.client(make(seen))
    client.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nrubbish\r\n")
    assert client.answers("POST")[0].code == 400
    assert seen[-1] == "end"


def test_a_client_that_goes_away_closes_the_handler(world: World) -> None:
    seen: list[Any] = []
    client = world.client(make(seen))
    client.feed(HEAD + b"Content-Length: 6\r\n\r\nabc")
    client.hang_up()
    assert seen == [b"abc", "end"]


def test_continue_is_said_when_the_body_is_wanted(world: World) -> None:
    """RFC 9110, section 10.1.1"""
    client = world.client(make([]))
    client.feed(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.received = b""
    client.feed(b"ab")
    assert client.answers("POST")[0].text == "read"
    client.feed(raw("POST", "/deaf", Content_Length="2", Expect="100-continue"))
    (answer,) = client.answers("POST")
    assert (answer.code, answer["Connection"]) == (200, "close")


def test_what_is_not_read_is_dropped(world: World) -> None:
    client = world.client(make([]))
    client.feed(raw("POST", "/deaf", b"x" * 5000) + raw("GET", "/"))
    assert [answer.text for answer in client.answers("POST")] == ["not read", "b''"]


def test_the_time_of_a_slow_handler_is_not_its_clients(world: World) -> None:
    client = world.client(make([], body_idle_seconds=3))
    client.feed(raw("POST", "/slow", b"x" * 200_000))
    for _ in range(10):
        world.elapse(1)
    assert client.answers("POST")[0].text == "read"


def test_elsewhere_the_body_is_there_already(world: World) -> None:
    client = world.client(make([]))
    assert client.ask("POST", "/whole", b"all of it").text == "b'all of it'"


@pytest.mark.parametrize("options", [{"threaded": True}, {}])
def test_it_is_for_generators_in_the_thread_of_components(options: dict[str, Any]) -> None:
    app = App()

    def plain(request):
        return "x"

    def generator(request):
        yield "x"

    with pytest.raises(RouteError, match="stream=True"):
        app.post("/", stream=True, **options)(generator if options else plain)
