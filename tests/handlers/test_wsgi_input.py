"""wsgi.input: what an application reads of a request, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kroute import Limits
from tests.server.harness import World, raw
from tests.waiting import PATIENCE

from .test_wsgi import TEXT, Serve, Server, answering, serve

__all__ = ["serve"]

HEAD = b"POST /app HTTP/1.1\r\nHost: a\r\n"


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    read = environ["wsgi.input"].read(-1)
    start_response("200 OK", list(TEXT))
    return [read]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_the_ways_to_read(serve: Serve, stream: bool, chunked: bool) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        file = environ["wsgi.input"]
        got = [file.read(2), file.readline(), *file.readlines(3), *file, file.read(5)]
        start_response("200 OK", list(TEXT))
        return [repr(got).encode()]

    body = b"abc\nd\nefg\nh\ni"
    framing: dict[str, Any] = {"chunks": [body[:5], body[5:]]} if chunked else {"body": body}
    answer = serve(application, stream=stream).ask("POST", "/app", **framing)
    assert answer.text == repr([b"ab", b"c\n", b"d\n", b"efg\n", b"h\n", b"i", b""])


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
@pytest.mark.parametrize("amount", [-1, 1000, 70_000])
def test_all_of_it_arrives(serve: Serve, size: int, amount: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        parts = list(iter(lambda: environ["wsgi.input"].read(amount), b""))
        start_response("200 OK", list(TEXT))
        return [str(b"".join(parts) == body).encode()]

    server = serve(application)
    pieces = [body[at : at + 30_000] for at in range(0, size, 30_000)]
    server.client.feed(HEAD + b"Content-Length: %d\r\n\r\n" % size)
    for piece in pieces:
        server.client.wire.send(piece, "outbox")
        server.world.until(lambda: server.client.taken)
    server.finish()
    assert server.client.answers("POST")[0].text == "True"


def test_parts_are_read_as_they_come(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", list(TEXT))
        assert environ["wsgi.input_terminated"] is True
        yield from iter(lambda: environ["wsgi.input"].read(3), b"")

    server = serve(application)
    server.client.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for part in (b"one", b"two"):
        server.client.feed(b"3\r\n%b\r\n" % part)
        server.world.until(server.client.waiting)
        assert server.client.take().endswith(b"3\r\n%b\r\n" % part)
    server.client.feed(b"0\r\n\r\n")
    server.finish()
    assert server.client.answers("POST")[0].text == "onetwo"


def test_a_slow_application_slows_its_client(serve: Serve) -> None:
    go = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert go.wait(PATIENCE)
        return echo(environ, start_response)

    server = serve(application)
    client = server.client
    client.feed(HEAD + b"Content-Length: 1000000\r\n\r\n")
    fed = 0
    while client.taken and fed < 1_000_000:
        client.feed(b"x" * 10_000)
        fed += 10_000
    assert fed < 150_000  # so much is held here, and the rest by the client
    go.set()
    while fed < 1_000_000:
        server.world.until(lambda: client.taken)
        client.feed(b"x" * 10_000)
        fed += 10_000
    server.finish()
    assert len(client.answers("POST")[0].body) == 1_000_000


@pytest.mark.parametrize("chunked", [True, False])
def test_too_much_is_413_whatever_the_application_makes_of_it(serve: Serve, chunked: bool) -> None:
    called, over = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.set()
        try:
            environ["wsgi.input"].read(-1)
        except OSError:
            pass
        finally:
            over.set()
        start_response("200 OK", list(TEXT))
        return [b"read"]

    server = serve(application, max_body=3)
    if chunked:
        server.client.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n12\r\n")
        assert called.wait(PATIENCE)
        server.client.feed(b"2\r\n34\r\n0\r\n\r\n")
        assert over.wait(PATIENCE)
    else:
        server.client.feed(HEAD + b"Content-Length: 4\r\n\r\n1234")
        assert not called.is_set()  # it is known before
    (answer,) = server.client.answers("POST")
    assert (answer.code, answer["Connection"]) == (413, "close")


def test_continue_is_said_when_the_application_reads(serve: Serve) -> None:
    """RFC 9110, section 10.1.1"""
    server = serve(echo)
    server.client.feed(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    server.world.until(server.client.waiting)
    assert server.client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    server.client.received = b""
    server.client.feed(b"ab")
    server.finish()
    assert server.client.answers("POST")[0].text == "ab"


def test_continue_is_not_said_where_the_body_is_not_wanted(serve: Serve) -> None:
    server = serve(answering([b"no"], TEXT, "403 Forbidden"), strict=False)
    answer = server.ask("POST", Content_Length="2", Expect="100-continue")
    assert (answer.code, answer["Connection"]) == (403, "close")


def test_what_is_not_read_is_dropped(serve: Serve) -> None:
    server = serve(answering([b"not read"]))
    assert server.ask("POST", "/app", b"x" * 5000).text == "not read"
    assert server.ask().text == "not read"  # the connection is where it should be


class Reading:
    """An application that answers as soon as it likes and notes how its reading ends."""

    def __init__(self, before: list[bytes]) -> None:
        self.before = before
        self.ended: list[Any] = []
        self.called = threading.Event()
        self.over = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [*TEXT, ("Content-Length", "2")])
        self.called.set()
        yield from self.before
        try:
            self.ended.append(environ["wsgi.input"].read(-1))
        except BaseException as error:
            self.ended.append(error)
            raise
        finally:
            self.over.set()
        yield b""


@pytest.mark.parametrize("before", [[], [b"o"], [b"ok"]])
def test_a_reader_is_told_that_nothing_more_comes(serve: Serve, before: list[bytes]) -> None:
    # Its client has gone, or has all of its answer: nobody sends what would be waited for.
    application = Reading(before)
    server = serve(application)
    server.client.feed(HEAD + b"Content-Length: 9\r\n\r\nabc")
    assert application.called.wait(PATIENCE)
    if before:
        server.world.until(server.client.waiting)
    if before != [b"ok"]:
        server.client.hang_up()
    assert application.over.wait(PATIENCE)
    assert isinstance(application.ended[0], ConnectionError)


def test_bad_chunks_end_the_reading(serve: Serve) -> None:
    application = Reading([])
    server = serve(application)
    server.client.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert application.called.wait(PATIENCE)
    server.client.feed(b"rubbish\r\n")
    assert server.client.answers("POST")[0].code == 400
    assert application.over.wait(PATIENCE)
    assert isinstance(application.ended[0], ConnectionError)


def test_a_client_that_sends_nothing_more_is_told(world: World) -> None:
    server = Server(world, echo)
    server.app.limits = Limits(body_idle_seconds=3)
    client = world.client(server.app)
    client.feed(HEAD + b"Content-Length: 9\r\n\r\nabc")
    world.elapse(4)
    assert client.answers("POST")[0].code == 408


def test_one_that_waits_for_its_client_is_not_stuck(serve: Serve) -> None:
    server = serve(echo, stuck_after=0.001)
    server.client.feed(HEAD + b"Content-Length: 2\r\n\r\na")
    server.wait_for_turn()
    threading.Event().wait(0.01)
    server.world.elapse(1)
    server.client.feed(b"b")
    server.finish()
    assert server.client.answers("POST")[0].text == "ab"


def test_hooks_can_read_what_does_not_stream(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    read: list[bytes] = []
    for stream, code in ((False, 200), (True, 500)):
        server = serve(echo, strict=False, stream=stream)
        server.app.before_request(lambda request: read.append(request.body))
        assert server.ask("POST", "/app", b"body").code == code
    assert read == [b"body"]
    assert "stream=False" in caplog.text


def test_where_it_does_not_stream_a_slow_client_holds_no_thread(serve: Serve) -> None:
    called: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.append(environ["CONTENT_LENGTH"])
        return echo(environ, start_response)

    server = serve(application, strict=False, stream=False)
    request = raw("POST", "/app", chunks=[b"one", b"two"])
    server.client.feed(request[:-8])
    assert not called
    server.client.feed(request[-8:])
    server.finish()
    assert server.client.answers("POST")[0].text == "onetwo"
    assert called == ["6"]
