"""WSGI applications behind URLs: PEP 3333, case by case, and what breaks it."""

from __future__ import annotations

import gc
import io
import logging
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

from kroute import App, Limits, Response, RouteError
from kroute.handlers import WSGIHandler, is_wsgi
from kroute.handlers.workers import Workers
from kroute.handlers.wsgi_environ import ErrorLog, FileWrapper
from kroute.handlers.wsgi_output import HIGH
from kroute.loading import LoadError, load_app
from tests.server.harness import Answer, Client, World, raw
from tests.waiting import PATIENCE, wait_until

TEXT = [("Content-Type", "text/plain")]


class Server:
    """An application at /app, strictly validated, and a client of it."""

    def __init__(self, world: World, application: Any, *, strict: bool = True, **options: Any):
        self.world = world
        self.app = App(limits=Limits(output_high=1000, output_low=500))
        self.handler = WSGIHandler(validator(application) if strict else application, **options)
        self.app.mount("/app", self.handler)
        self.client = world.client(self.app)

    def ask(self, method: str = "GET", path: str = "/app", *args: Any, **options: Any) -> Answer:
        """Send a request and return its answer, which has to come to its end."""
        self.client.feed(raw(method, path, *args, **options))
        self.finish()
        (answer,) = self.client.answers(method)
        return answer

    def finish(self) -> None:
        """Take all until the answer is complete, or cut."""

        def over() -> bool:
            self.client.take()
            return self.client.protocol._exchange is None or bool(self.client.ended)

        self.world.until(over)

    def wait_for_turn(self) -> None:
        """Wait until it is the client's turn, in the one request that runs."""
        running = self.handler._workers.running
        wait_until(lambda: [call.since for call in running()] == [None], "the client's turn")

    def cut(self, path: str = "/app", method: str = "GET") -> bytes:
        """Send a request whose answer is cut; returns what came of it."""
        self.client.feed(raw(method, path))
        self.finish()
        assert self.client.ended == "cut"
        return self.client.take()


Serve = Callable[..., Server]


@pytest.fixture
def serve(world: World) -> Serve:
    return lambda *args, **options: Server(world, *args, **options)


class Body:
    """An iterable that notes whether it was closed, as often as it was."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts
        self.closed = 0
        self.done = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, threading.Event):
                assert part.wait(PATIENCE)
                part = b""
            yield part

    def close(self) -> None:
        self.closed += 1
        self.done.set()


def answering(body: Any, headers: Any = TEXT, status: Any = "200 OK") -> Any:
    """The application that answers so."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, list(headers) if isinstance(headers, list) else headers)
        return body

    return application


# What an application may do


def writes(environ: Any, start_response: Any) -> list[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"one ")
    write(b"two ")
    return [b"three"]


def generates(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", list(TEXT))
    yield b"one "
    yield b""
    yield b"two three"


def starts_late(environ: Any, start_response: Any) -> Iterator[bytes]:
    yield b""
    start_response("200 OK", list(TEXT))
    yield b"one two three"


def thinks_again(environ: Any, start_response: Any) -> list[bytes]:
    start_response("500 Oh", list(TEXT))
    try:
        raise ValueError
    except ValueError:
        start_response("200 OK", list(TEXT), sys.exc_info())
    return [b"one two three"]


class AsClass:
    def __init__(self, environ: Any, start_response: Any) -> None:
        self.start = start_response

    def __iter__(self) -> Iterator[bytes]:
        self.start("200 OK", list(TEXT))
        yield b"one two three"


LENGTH = [*TEXT, ("Content-Length", "13")]
WHOLE = b"one two three"

GOOD: dict[str, tuple[Callable[[], Any], bool]] = {
    # what makes the application; whether the length is known when the head is sent
    "a list": (lambda: answering([b"one ", b"two three"]), True),
    "a tuple": (lambda: answering((WHOLE,)), True),
    "an iterator": (lambda: answering(iter([b"one ", b"two three"])), False),
    "an iterator with a length": (lambda: answering(iter([b"one ", WHOLE[4:]]), LENGTH), True),
    "one part with a length": (lambda: answering(iter([WHOLE]), LENGTH), True),
    "a generator": (lambda: generates, False),
    "a generator that starts late": (lambda: starts_late, False),
    "write() and a list": (lambda: writes, False),
    "start_response again, in an error": (lambda: thinks_again, True),
    "a class": (lambda: AsClass, False),
    "a file": (lambda: answering(FileWrapper(io.BytesIO(WHOLE))), False),
    "a part of a file": (lambda: answering(FileWrapper(io.BytesIO(WHOLE * 9)), LENGTH), True),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_the_ways_to_answer(serve: Serve, name: str, version: str) -> None:
    make, known = GOOD[name]
    server = serve(make(), strict=False)
    answer = server.ask(version=version)
    assert (answer.code, answer.body) == (200, WHOLE)
    assert answer["Content-Type"] == "text/plain"
    assert (answer["Content-Length"] == "13") is known
    assert server.client.ended == ("closed" if version == "HTTP/1.0" else "")


# The validator wants start_response called before even b"" is yielded, and hides the file.
@pytest.mark.parametrize(
    "name", sorted(GOOD.keys() - {"a generator that starts late", "a part of a file"})
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_validator_has_no_complaint(serve: Serve, name: str, method: str) -> None:
    answer = serve(GOOD[name][0]()).ask(
        method, "/app/x?y=1", b"body" if method == "POST" else None
    )
    assert (answer.code, answer.body) == (200, b"" if method == "HEAD" else WHOLE)


@pytest.mark.parametrize(
    ("headers", "body", "length"),
    [
        (LENGTH, [], "13"),
        (TEXT, [WHOLE], "13"),
        (TEXT, [], None),  # RFC 9110, 8.6: as for GET, or not at all
        (TEXT, iter([WHOLE, WHOLE]), None),
    ],
)
def test_head(serve: Serve, headers: Any, body: Any, length: str | None) -> None:
    server = serve(answering(body, headers), strict=False)
    answer = server.ask("HEAD")
    assert (answer.code, answer.body, answer["Content-Length"]) == (200, b"", length)
    assert server.client.ended == ""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body(serve: Serve, status: str) -> None:
    server = serve(answering([], [("ETag", '"1"')], status))
    assert server.ask().code == int(status[:3])
    assert server.ask().body == b""  # and the connection is where it should be


def test_an_empty_answer(serve: Serve) -> None:
    answer = serve(answering(iter([b"", b""]))).ask()
    assert (answer.body, answer["Content-Length"]) == (b"", "0")


def test_header_fields_go_through(serve: Serve) -> None:
    fields = [*TEXT, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Latin", "\xe9")]
    answer = serve(answering([b"x"], fields)).ask()
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer["X-Latin"] == "\xe9"


def test_each_part_is_sent_when_it_is_there(serve: Serve) -> None:
    # PEP 3333, "Buffering and Streaming": no block is delayed, and the head not longer than that.
    more = threading.Event()
    server = serve(answering(Body(b"first", more, b"second")))
    server.client.feed(raw("GET", "/app"))
    server.world.until(server.client.waiting)
    assert b"first" in server.client.take()
    more.set()
    server.finish()
    assert server.client.answers()[0].text == "firstsecond"


def test_nothing_is_sent_before_the_body_begins(serve: Serve) -> None:
    more = threading.Event()
    server = serve(answering(Body(b"", more, ValueError("in time"))))
    server.client.feed(raw("GET", "/app"))
    assert server.client.take() == b""
    more.set()
    server.finish()
    assert server.client.answers()[0].code == 500


# The environ


def seen(serve: Serve, *args: Any, **options: Any) -> dict[str, Any]:
    """The environ of a request."""
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.update(environ)
        start_response("200 OK", list(TEXT))
        return [environ["wsgi.input"].read()]

    answer = serve(application, strict=False).ask(*args, **options)
    assert answer.code == 200
    found["read"] = answer.body
    return found


def test_environ(serve: Serve) -> None:
    environ = seen(serve, "GET", "/app/a%20b/%E9/c?d=%20e", X_One="1")
    assert {k: type(v) for k, v in environ.items() if "." not in k and type(v) is not str} == {
        "read": bytes
    }
    assert environ["SCRIPT_NAME"] == "/app"
    assert environ["PATH_INFO"] == "/a b/\xe9/c"
    assert environ["QUERY_STRING"] == "d=%20e"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert environ["HTTP_X_ONE"] == "1"
    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multithread"] is True
    assert environ["wsgi.multiprocess"] is False
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.input_terminated"] is True
    assert environ["read"] == b""


@pytest.mark.parametrize(("path", "info"), [("/app", ""), ("/app/", "/"), ("/app//x", "//x")])
def test_the_path_is_split_at_the_mount(serve: Serve, path: str, info: str) -> None:
    environ = seen(serve, "GET", path)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", info)


@pytest.mark.parametrize("size", [0, 1, 3, 200_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_body_of_a_request(serve: Serve, size: int, chunked: bool) -> None:
    body = b"x" * size
    parts = {"chunks": [body[:2], body[2:]] if size > 2 else [body]} if chunked and size else {}
    environ = seen(serve, "POST", "/app", None if parts else body, **parts)
    assert environ["read"] == body
    assert environ.get("CONTENT_LENGTH") == (None if parts else str(size))


def test_an_application_may_do_with_its_environ_what_it_likes(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ.clear()
        start_response("200 OK", list(TEXT))
        return [b"x"]

    server = serve(application, strict=False)
    after: list[str] = []
    server.app.after_request(lambda request, response: after.append(request.path))
    assert server.ask("GET", "/app/y").text == "x"
    assert after == ["/app/y"]


# Around it


def test_hooks_see_the_answers(serve: Serve) -> None:
    server = serve(answering(iter([b"1", b"2"])), strict=False)

    @server.app.after_request
    def after(request: Any, response: Any) -> Any:
        response.headers["X-After"] = response.status
        return Response("instead") if request.GET else None

    answer = server.ask()
    assert (answer.text, answer["X-After"]) == ("12", "200 OK")
    assert server.ask("GET", "/app?instead").text == "instead"


def test_error_handlers_are_asked(serve: Serve) -> None:
    def application(environ: Any, start_response: Any) -> Any:
        raise ZeroDivisionError

    server = serve(application)
    server.app.error_handler(ZeroDivisionError)(lambda request, error: Response("mine", 418))
    assert server.ask().text == "mine"


# The log


def test_errors_go_to_the_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        print("one", "line", file=environ["wsgi.errors"])
        environ["wsgi.errors"].writelines(["two\n", "lines\n"])
        environ["wsgi.errors"].write("no end")
        environ["wsgi.errors"].flush()
        environ["wsgi.errors"].write("none at all")
        start_response("200 OK", list(TEXT))
        return [b"x"]

    server = serve(application, strict=False, name="mine", threads=1)
    server.ask()
    server.ask()  # by the same thread, so the first is over
    said = [record.getMessage() for record in caplog.records if record.name == "kroute.wsgi"]
    assert said[:4] == ["mine: one line", "mine: two\nlines", "mine: no end", "mine: none at all"]


def test_a_log_that_writes_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    # Flask's documents show a root logger that writes to wsgi.errors.
    errors = ErrorLog("mine")
    handler = logging.StreamHandler(errors)  # type: ignore[arg-type]
    logging.getLogger().addHandler(handler)
    try:
        errors.write("once\n")
    finally:
        logging.getLogger().removeHandler(handler)
    assert capsys.readouterr().err == "mine: once\n"


# What is wrong with an application


def raises(environ: Any, start_response: Any) -> Any:
    raise RuntimeError("before")


def raises_after(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", list(TEXT))
    raise RuntimeError("after")


def starts_twice(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", list(TEXT))
    start_response("200 OK", list(TEXT))
    return [b"x"]


def exits(environ: Any, start_response: Any) -> Any:
    sys.exit(3)


BAD: dict[str, tuple[Any, str]] = {
    # application, and what the log says of it
    "raises": (raises, "before"),
    "raises after start_response": (raises_after, "after"),
    "exits": (exits, "SystemExit"),
    "never starts": (lambda environ, start: [b"x"], "has not called start_response"),
    "never starts, generator": (lambda environ, start: iter([b"x"]), "has not called"),
    "never starts, empty": (lambda environ, start: iter([]), "has not called"),
    "starts twice": (starts_twice, "start_response twice"),
    "returns None": (answering(None), "NoneType"),
    "returns str": (answering("text"), "gave str ('t')"),
    "returns bytes": (answering(b"text"), "gave int"),
    "yields str": (answering(["text"]), "gave str"),
    "yields None": (answering(Body(None)), "NoneType"),
    "status is bytes": (answering([b"x"], status=b"200 OK"), "bytes"),
    "status is a number": (answering([b"x"], status=200), "int"),
    "status has no reason": (answering([b"x"], status="200"), "'200'"),
    "status is none": (answering([b"x"], status="OK"), "'OK'"),
    "status is not the last": (answering([b"x"], status="100 Continue"), "100 Continue"),
    "status is out of range": (answering([b"x"], status="700 What"), "700 What"),
    "headers are a tuple": (answering([b"x"], tuple(TEXT)), "tuple"),
    "a header is a list": (answering([b"x"], [["X-A", "1"]]), "['X-A', '1']"),
    "a header is bytes": (answering([b"x"], [(b"X-A", b"1")]), "b'X-A'"),
    "a header is a number": (answering([b"x"], [("X-A", 1)]), "('X-A', 1)"),
    "a header has a line end": (answering([b"x"], [("X-A", "1\r\nX-B: 2")]), "CR, LF"),
    "a header has no name": (answering([b"x"], [("", "1")]), "name of a header field"),
    "a header is not Latin-1": (answering([b"x"], [("X-A", "\u20ac")]), "Latin-1"),
    "a length is no number": (answering([b"x"], [("Content-Length", "one")]), "'one'"),
    "too little": (answering([b"x"], [("Content-Length", "2")]), "Content-Length"),
    "too much": (answering([b"xyz"], [("Content-Length", "2")]), "Content-Length"),
    "too much at once": (answering(iter([b"xyz"]), [("Content-Length", "2")]), "Content-Length"),
    **{
        f"sets {name}": (answering([b"x"], [(name, value)]), name)
        for name, value in [
            ("Connection", "close"),
            ("keep-alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "h2c"),
            ("TE", "trailers"),
            ("Trailer", "X-A"),
            ("Proxy-Authenticate", "Basic"),
        ]
    },
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_application_is_a_500(
    serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    application, said = BAD[name]
    server = serve(application, strict=False, name="the culprit")
    assert server.ask().code == 500
    assert "the culprit" in caplog.text and said in caplog.text
    assert server.ask().code == 500  # on the same connection: it goes on


def fails_late(environ: Any, start_response: Any) -> Iterator[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"sent")
    try:
        raise RuntimeError("late")
    except RuntimeError:
        start_response("500 Oh", list(TEXT), sys.exc_info())
    return iter([])


TEN = [("Content-Length", "10")]

CUT: dict[str, tuple[Any, str]] = {
    "raises": (answering(Body(b"sent", RuntimeError("midway"))), "midway"),
    "yields str": (answering(iter([b"sent", "text"])), "gave str"),
    "too little": (answering(iter([b"sent"]), TEN), "6 bytes of the Content-Length"),
    "too much": (answering(iter([b"sent", b"x" * 7]), TEN), "more than the 10 bytes"),
    "start_response with exc_info": (fails_late, "late"),
}


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_breaks_is_cut(
    serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    application, said = CUT[name]
    server = serve(application, strict=False, name="the culprit")
    assert server.cut().endswith((b"sent", b"sent\r\n"))
    assert "the culprit" in caplog.text and said in caplog.text


def test_what_close_raises_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    class Closes(Body):
        def close(self) -> None:
            super().close()
            raise RuntimeError("at the end")

    body = Closes(b"x")
    server = serve(answering(body), strict=False, name="the culprit", threads=1)
    assert server.ask().text == "x"
    assert server.ask().text == "x"
    assert body.closed >= 1
    assert "at the end" in caplog.text and "the culprit" in caplog.text


# close()


@pytest.mark.parametrize("parts", [(b"x",), (b"x", b"y"), (), (RuntimeError(),), ("str",)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_close_is_called_once(serve: Serve, parts: tuple[Any, ...], method: str) -> None:
    body = Body(*parts)
    server = serve(answering(body), strict=False, threads=1)
    server.client.feed(raw(method, "/app"))
    server.finish()
    assert body.done.wait(PATIENCE)
    assert body.closed == 1


def test_close_is_called_when_the_client_goes(serve: Serve) -> None:
    more = threading.Event()
    body = Body(b"first", more, *[b"x" * 100] * 1000)
    server = serve(answering(body))
    server.client.feed(raw("GET", "/app"))
    server.world.until(server.client.waiting)
    server.client.hang_up()
    more.set()
    assert body.done.wait(PATIENCE)
    assert body.closed == 1


def test_write_raises_when_the_client_is_gone(serve: Serve) -> None:
    more = threading.Event()
    raised: list[BaseException] = []
    over = threading.Event()

    def application(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response("200 OK", list(TEXT))
        try:
            write(b"first")
            assert more.wait(PATIENCE)
            write(b"second")
        except ConnectionError as error:
            raised.append(error)
        over.set()
        return [b"third"]

    server = serve(application)
    server.client.feed(raw("GET", "/app"))
    server.world.until(server.client.waiting)
    server.client.hang_up()
    more.set()
    assert over.wait(PATIENCE)
    assert len(raised) == 1


def test_a_request_whose_client_left_the_queue_is_not_begun(serve: Serve) -> None:
    held, calls = threading.Event(), []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        calls.append(environ["PATH_INFO"])
        assert held.wait(PATIENCE)
        start_response("200 OK", list(TEXT))
        return [b"x"]

    server = serve(application, threads=1)
    clients = [server.world.client(server.app) for _ in range(3)]
    for number, client in enumerate(clients):
        client.feed(raw("GET", f"/app/{number}"))
    clients[1].hang_up()
    held.set()
    server.world.until(clients[2].waiting)
    assert calls == ["/0", "/2"]


# Back-pressure


def test_an_application_waits_for_its_client(serve: Serve) -> None:
    given = []

    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", list(TEXT))
        for number in range(1000):
            given.append(number)
            yield b"x" * 1024

    server = serve(application)
    server.client.feed(raw("GET", "/app"))
    server.world.until(lambda: len(given) >= HIGH / 1024)
    server.world.settle()
    # What its client has not taken (64 KiB here), what waits for that, and one in hand.
    assert len(given) <= (HIGH + 65536) / 1024 + 1
    server.finish()
    assert len(server.client.answers()[0].body) == 1_024_000


def test_a_client_that_never_reads_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kroute.handlers.wsgi_call.PATIENCE", 0.01)
    body = Body(*[b"x" * 50_000] * 20)
    server = serve(answering(body))
    server.client.feed(raw("GET", "/app"))
    server.world.until(lambda: server.client.ended)
    assert server.client.ended == "cut"
    assert body.done.wait(PATIENCE)


# Threads


class Crowd:
    """An application in which all wait until they are let go, and that counts them."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside = 0
        self.most = 0
        self.lock = threading.Lock()

    def wait_for(self, number: int) -> None:
        """Wait until so many are inside."""
        wait_until(lambda: self.inside >= number, f"the {number} that are inside")

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(PATIENCE)
        with self.lock:
            self.inside -= 1
        start_response("200 OK", list(TEXT))
        return [b"x"]


def crowd_of(server: Server, number: int) -> list[Client]:
    clients = [server.world.client(server.app) for _ in range(number)]
    for client in clients:
        client.feed(raw("GET", "/app"))
    return clients


def test_threads_and_queue_are_bounded(serve: Serve) -> None:
    crowd = Crowd()
    server = serve(crowd, threads=2, queue=3)
    *waiting, refused = crowd_of(server, 6)
    (answer,) = refused.answers()
    assert (answer.code, answer["Retry-After"]) == (503, "1")
    assert not any(client.waiting() for client in waiting)
    crowd.wait_for(2)
    crowd.go.set()
    server.world.until(lambda: all(client.waiting() for client in waiting))
    assert [client.answers()[0].code for client in waiting] == [200] * 5
    assert crowd.most == 2
    assert server.ask().code == 200  # there is room again


def test_the_scheduler_goes_on_meanwhile(serve: Serve) -> None:
    crowd = Crowd()
    server = serve(crowd, threads=1)
    server.app.get("/other")(lambda request: "there")
    (client,) = crowd_of(server, 1)
    assert server.client.get("/other").text == "there"
    crowd.go.set()
    server.world.until(client.waiting)


def look(server: Server) -> None:
    """Let the time pass after which it is looked for threads that are stuck."""
    server.world.elapse(1)


def test_a_stuck_thread_is_reported_and_replaced(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = Crowd()
    server = serve(crowd, threads=1, stuck_after=0.001, name="the culprit")
    (client,) = crowd_of(server, 1)
    crowd.wait_for(1)
    crowd.go.wait(0.002)
    look(server)
    assert client.answers()[0].code == 504
    assert "the culprit is stuck in GET /app" in caplog.text
    assert "assert self.go.wait(PATIENCE)" in caplog.text  # where it stands
    crowd.go.set()
    assert server.ask().code == 200


def test_one_that_is_stuck_in_its_answer_is_cut(serve: Serve) -> None:
    go = threading.Event()
    body = Body(b"first", go, b"late")
    server = serve(answering(body), stuck_after=0.001)
    server.client.feed(raw("GET", "/app"))
    server.world.until(server.client.waiting)
    go.wait(0.002)
    look(server)
    assert server.client.ended == "cut"
    go.set()
    assert body.done.wait(PATIENCE)  # and it is closed when it comes back


def test_no_more_threads_are_replaced_than_there_are(serve: Serve) -> None:
    crowd = Crowd()
    server = serve(crowd, threads=2, queue=0, stuck_after=0.001)
    for number in range(4):
        crowd_of(server, 1)
        crowd.wait_for(number + 1)
        crowd.go.wait(0.002)
        look(server)
    (refused,) = crowd_of(server, 1)
    assert refused.answers()[0].code == 503
    crowd.go.set()
    assert crowd.most == 4


def test_a_thread_that_waits_for_its_client_is_not_stuck(serve: Serve) -> None:
    server = serve(answering(Body(*[b"x" * 50_000] * 20)), stuck_after=0.001)
    server.client.feed(raw("GET", "/app"))
    server.world.until(server.client.waiting)
    server.wait_for_turn()
    threading.Event().wait(0.01)
    look(server)
    server.finish()
    assert len(server.client.answers()[0].body) == 1_000_000


def test_threads_end_when_there_is_nothing_to_do(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kroute.handlers.workers.IDLE", 0.0)
    server = serve(answering([b"x"]), name="short-lived")
    assert server.ask().code == 200
    (thread,) = (each for each in threading.enumerate() if "short-lived" in each.name)

    def ended() -> bool:
        server.world.elapse(60)  # it may not have been idle the last time
        return not thread.is_alive()

    wait_until(ended, "the end of the thread")
    server.client = server.world.client(server.app)  # the other one has been idle for too long
    assert server.ask().code == 200


def test_threads_end_with_what_they_were_for() -> None:
    ran = threading.Event()

    class Once:
        def run(self) -> None:
            ran.set()

    workers = Workers(2, 0, "forgotten")
    workers.submit(Once())
    assert ran.wait(PATIENCE)
    (thread,) = (each for each in threading.enumerate() if each.name == "forgotten")
    wait_until(lambda own=workers: not own.running())
    del workers
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()


# Which are recognised, and what is made of them


def application(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode()]


class Callable_:
    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        return application(environ, start_response)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (application, True),
        (Callable_(), True),
        (Callable_().__call__, True),
        (AsClass, True),
        (lambda *args: [], True),
        (validator(application), True),
        (lambda request, name: "", False),
        (lambda request: "", False),
        (lambda: application, False),
        (lambda config=None, debug=False: application, False),
        ("application", False),
        (None, False),
    ],
)
def test_what_is_recognised(thing: Any, expected: bool) -> None:
    assert is_wsgi(thing) is expected


@pytest.mark.parametrize(
    ("options", "said"),
    [({"thread": 2}, "'thread' is no option"), ({"threads": 0}, "at least 1")],
)
def test_options_that_are_none(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RouteError, match=said):
        App().mount("/app", application, **options)


def test_a_handler_says_whose_it_is() -> None:
    assert WSGIHandler(application).name == "tests.handlers.test_wsgi.application"
    assert WSGIHandler(Callable_()).name == "tests.handlers.test_wsgi.Callable_"


@pytest.mark.parametrize("name", ["site_wsgi:application", "site_wsgi:make()"])
def test_a_wsgi_application_is_a_whole_server(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "site_wsgi.py").write_text(
        "from tests.handlers.test_wsgi import application\n\n\n"
        "def make(debug=False, config=None):\n    return application\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    client = world.client(load_app(name))
    client.feed(raw("GET", "/a/b"))
    world.until(client.waiting)
    assert client.answers()[0].text == "|/a/b"


def test_a_factory_is_not_taken_for_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site_factory.py").write_text("def make(debug=False, config=None): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LoadError, match=r"is it a factory: site_factory:make\(\)"):
        load_app("site_factory:make")


def test_a_file_is_closed_and_read_from_where_it_stands() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.seek(4)
        wrapper = FileWrapper(file, 2)
        assert b"".join(wrapper) == b"456789"
        wrapper.close()
        assert file.closed
