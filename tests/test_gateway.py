"""An App as a WSGI application."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import Axon.Scheduler
import pytest
import webob.exc
from Axon.Component import component

from kroute import App, Limits, Request, Response, in_thread, sleep
from kroute.gateway import AnswerCut
from kroute.scheduler import Scheduler
from tests.handlers.live import Live, live
from tests.own_loop import own_loop, threads_of
from tests.waiting import PATIENCE
from tests.wsgi_app import make_app
from tests.wsgi_servers import COMMANDS, Process
from tests.wsgi_servers import ask as requested

__all__ = ["live", "own_loop"]

pytestmark = pytest.mark.usefixtures("own_loop")


def ask(app: App, path: str, method: str = "GET", **options: Any) -> webob.Response:
    """The answer, with the validator looking at both sides."""
    request = Request.blank(path, **options)
    request.method = method
    response = request.get_response(validator(app))
    parts = response.app_iter
    response.app_iter = [b"".join(parts)]
    parts.close()
    return response


REQUESTS: list[tuple[str, str, bytes | None, int, str | None]] = [
    ("/hello/you", "GET", None, 200, "Hello, you!"),
    ("/hello/you", "HEAD", None, 200, ""),
    ("/hello/%C3%A9", "GET", None, 200, "Hello, \xe9!"),
    ("/numbers/3", "GET", None, 200, "0 1 2 "),
    ("/numbers/0", "GET", None, 200, ""),
    ("/numbers/3", "HEAD", None, 200, ""),
    ("/numbers/three", "GET", None, 404, None),
    ("/later", "GET", None, 200, "by a thread"),
    ("/blocking", "GET", None, 200, None),
    ("/echo", "POST", b"x" * 200_000, 200, "x" * 200_000),
    ("/echo", "POST", b"", 200, ""),
    ("/parts", "POST", b"x" * 200_000, 200, "X" * 200_000),
    ("/parts", "POST", b"", 200, ""),
    ("/small", "POST", b"1234", 200, "1234"),
    ("/small", "POST", b"12345", 413, None),
    ("/echo", "GET", None, 405, None),
    ("/echo", "OPTIONS", None, 204, ""),
    ("/nothing", "GET", None, 204, ""),
    ("/typed-nothing", "GET", None, 204, ""),
    ("/close", "GET", None, 200, "x"),
    ("/teapot", "GET", None, 404, None),
    ("/none", "GET", None, 404, None),
    ("/none", "POST", b"unread", 404, None),
    ("/fails", "GET", None, 500, None),
    ("/bad", "GET", None, 500, None),
    ("/old", "GET", None, 301, None),
    ("/upper", "POST", b"abc", 200, "ABC"),
    ("/inner/x", "POST", b"body", 200, "/inner|/x|body"),
    ("/inner/x", "POST", b"b" * 200_000, 200, "/inner|/x|" + "b" * 100),
    ("/inner", "HEAD", None, 200, ""),
    ("/socket", "GET", None, 501, None),
]


@pytest.mark.parametrize(("path", "method", "body", "status", "answer"), REQUESTS)
def test_requests(path: str, method: str, body: bytes | None, status: int, answer: Any) -> None:
    options = {} if body is None else {"body": body}
    response = ask(make_app(), path, method, **options)
    assert response.status_int == status
    if answer is not None:
        assert response.body == answer.encode()


def test_header_fields() -> None:
    app = make_app()
    head = Request.blank("/hello/you", method="HEAD").get_response(app)
    assert head.headers["Content-Length"] == "11"
    assert "Connection" not in ask(app, "/close").headers
    assert "Upgrade" not in ask(app, "/upgrade").headers
    assert "Date" not in head.headers
    assert ask(app, "/dated").headers["Date"] == "long ago"
    assert "Content-Length" not in call(app, "/numbers/3")[1]
    assert ask(app, "/cached", headers={"If-None-Match": '"1"'}).status_int == 304


def call(app: App, path: str, **environ: Any) -> tuple[str, dict[str, str], Any]:
    """As a WSGI server does."""
    given: list[Any] = []
    request = Request.blank(path)
    request.environ.update(environ)
    body = app(request.environ, lambda status, headers: given.extend((status, dict(headers))))
    return given[0], given[1], body


# The path and the body, as different servers have them


@pytest.mark.parametrize(
    ("environ", "part", "path"),
    [
        ({"PATH_INFO": "/where/a b"}, "a b", "/where/a%20b"),
        ({"PATH_INFO": "/where/\xc3\xa9"}, "\xe9", "/where/%C3%A9"),
        ({"PATH_INFO": "/where/a/b"}, None, ""),
        ({"PATH_INFO": "/where/a/b", "REQUEST_URI": "/where/a%2Fb?x=1"}, "a/b", "/where/a/b"),
        ({"PATH_INFO": "/where/a/b", "RAW_URI": "/where/a%2fb"}, "a/b", "/where/a/b"),
        ({"PATH_INFO": "/where/a", "REQUEST_URI": "/rewritten/b"}, "a", "/where/a"),
        ({"PATH_INFO": "/where/a", "RAW_URI": "http://localhost/where/a"}, "a", "/where/a"),
        (
            {
                "SCRIPT_NAME": "/s p",
                "PATH_INFO": "/where/a/b",
                "REQUEST_URI": "/s%20p/where/a%2Fb",
            },
            "a/b",
            "/s%20p/where/a/b",
        ),
    ],
)
def test_the_path(environ: dict[str, str], part: str | None, path: str) -> None:
    app = App()

    @app.get("/where/{part}", name="where")
    def where(request, part):
        assert request.url_for("where", part="x").endswith(
            f"{request.script_name}/where/x".replace(" ", "%20")
        )
        return {"part": part, "path": request.path}

    status, _, body = call(app, "/", **environ)
    if part is None:
        assert status == "404 Not Found"
    else:
        assert Response(app_iter=body, content_type="application/json").json == {
            "part": part,
            "path": path,
        }


def test_an_environ_with_little_in_it() -> None:
    app = App()
    app.get("/")(lambda request: "there")
    environ = Request.blank("/").environ
    for name in ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"):
        del environ[name]
    assert b"".join(app(environ, lambda status, headers: None)) == b"there"


class Input(io.BytesIO):
    """A body that counts what is asked of it."""

    asked = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None and size > 0, "reading to the end may wait for ever"
        self.asked += 1
        return super().read(size)


CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.mark.parametrize(
    ("environ", "status", "answer"),
    [
        ({"CONTENT_LENGTH": "4"}, 200, b"body"),  # and no more, though there is more
        ({"CONTENT_LENGTH": "0"}, 200, b""),
        ({"CONTENT_LENGTH": ""}, 200, b""),
        ({}, 200, b""),
        ({"wsgi.input_terminated": True}, 200, b""),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 200, b""),  # nobody says that it ends
        ({**CHUNKED}, 200, b"body and more"),
        ({"CONTENT_LENGTH": "14"}, 400, None),  # it ended before
    ],
)
def test_the_body(environ: dict[str, Any], status: int, answer: bytes | None) -> None:
    app = App()
    app.post("/")(lambda request: request.body)
    given = {"REQUEST_METHOD": "POST", "wsgi.input": Input(b"body and more"), **environ}
    got, _, body = call(app, "/", **given)
    assert int(got[:3]) == status
    assert answer is None or b"".join(body) == answer


def test_a_body_without_a_length_over_the_limit() -> None:
    app = App(limits=Limits(body_bytes=10))
    app.post("/")(lambda request: request.body)
    given = {"REQUEST_METHOD": "POST", "wsgi.input": Input(b"x" * 11), **CHUNKED}
    assert call(app, "/", **given)[0].startswith("413")


def test_a_body_that_cannot_be_read() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the client is gone")

    app = App()
    app.post("/")(lambda request: request.body)
    given = {"REQUEST_METHOD": "POST", "wsgi.input": Broken(), "CONTENT_LENGTH": "3"}
    assert call(app, "/", **given)[0].startswith("400")


def test_a_body_that_nobody_wants_is_not_read() -> None:
    body = Input(b"body")
    given = {"REQUEST_METHOD": "POST", "wsgi.input": body, "CONTENT_LENGTH": "4"}
    assert call(App(), "/", **given)[0].startswith("404")
    assert body.asked == 0


def test_a_length_that_is_no_number_is_the_servers_fault() -> None:
    with pytest.raises(ValueError, match="'four'"):
        call(App(), "/", CONTENT_LENGTH="four")


# A body that is read as it comes


def parts_app(seen: list[Any], **limits: Any) -> App:
    app = App(limits=Limits(**limits))

    @app.post("/", stream=True)
    def handler(request):
        yield Response()
        try:
            while part := (yield from request.read()):
                yield b"<%b>" % part
        except webob.exc.HTTPException as error:
            seen.append(error.code)
            raise
        finally:
            seen.append("over")

    return app


class Pieces(Input):
    """A body that comes piece by piece, as the body of a chunked request does."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def read(self, size: int | None = -1) -> bytes:
        self.asked += 1
        return self.pieces.pop(0) if self.pieces else b""


def test_parts_are_read_when_they_are_asked_for() -> None:
    body = Pieces(b"one", b"two")
    _, _, answer = call(
        parts_app([]), "/", REQUEST_METHOD="POST", **CHUNKED, **{"wsgi.input": body}
    )
    assert b"".join(answer) == b"<one><two>"


def test_an_answer_is_given_before_more_is_read() -> None:
    # One thread does both, and reading may wait for a client that waits for its answer.
    body = Pieces(b"one", b"two", b"three")
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": body, **CHUNKED}
    _, _, answer = call(parts_app([]), "/", **environ)
    assert next(answer) == b"<one>"
    assert body.asked <= 2
    assert b"".join(answer) == b"<two><three>"


@pytest.mark.parametrize(
    ("body", "environ", "code"),
    [
        (Pieces(b"123", b"456"), CHUNKED, 413),
        (Pieces(b"123"), {"CONTENT_LENGTH": "5"}, 400),  # it ended before
    ],
)
def test_a_body_that_goes_wrong_on_its_way(body: Any, environ: Any, code: int) -> None:
    seen: list[Any] = []
    app = parts_app(seen, body_bytes=5)
    _, _, answer = call(app, "/", REQUEST_METHOD="POST", **environ, **{"wsgi.input": body})
    with pytest.raises(AnswerCut):
        list(answer)
    assert seen == [code, "over"]


def test_a_body_that_is_known_to_be_too_long() -> None:
    seen: list[Any] = []
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": Pieces(b"123456"), "CONTENT_LENGTH": "6"}
    status, _, _ = call(parts_app(seen, body_bytes=5), "/", **environ)
    assert (status[:3], seen) == ("413", [413, "over"])
    assert environ["wsgi.input"].asked == 0


def test_a_mounted_application_reads_as_it_comes() -> None:
    def inner(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield from iter(lambda: environ["wsgi.input"].read(3), b"")

    app = App()
    app.mount("/inner", inner)
    body = Pieces(b"one", b"two", b"three")
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": body, **CHUNKED}
    _, _, answer = call(app, "/inner", **environ)
    assert b"".join(answer) == b"onetwothree"


# What needs a connection


def test_a_websocket_says_that_it_is_not_to_be_had() -> None:
    response = ask(make_app(), "/socket", headers={"Accept": "text/plain"})
    assert response.status_int == 501
    assert "A WebSocket needs the connection itself" in response.text


# Streaming


def test_parts_come_when_they_are_there() -> None:
    app, go = App(), threading.Event()

    @app.get("/")
    def handler(request):
        yield Response()
        yield "first"
        yield from in_thread(go.wait, PATIENCE)
        yield "second"

    _, _, body = call(app, "/")
    assert next(body) == b"first"
    go.set()
    assert next(body) == b"second"
    with pytest.raises(StopIteration):
        next(body)


def test_a_handler_waits_for_its_client() -> None:
    app, given, over = App(limits=Limits(output_high=1000)), [], threading.Event()

    @app.get("/")
    def handler(request):
        yield Response()
        for number in range(100):
            given.append(number)
            yield b"x" * 100
            if number == 10:
                over.set()

    _, _, body = call(app, "/")
    first = next(body)
    assert len(given) < 25
    assert len(first + b"".join(body)) == 10_000
    assert len(given) == 100


def test_close_is_a_client_that_goes_away() -> None:
    app, closed = App(), threading.Event()

    @app.get("/")
    def handler(request):
        try:
            yield Response()
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    _, _, body = call(app, "/")
    next(body)
    body.close()
    body.close()
    assert closed.wait(PATIENCE)


def test_an_answer_that_breaks_off_is_an_error_of_the_iterable() -> None:
    app = App()

    @app.get("/")
    def handler(request):
        yield Response()
        yield "first"
        yield from sleep(0)
        raise ZeroDivisionError

    _, _, body = call(app, "/")
    assert next(body) == b"first"
    with pytest.raises(AnswerCut) as cut:
        next(body)
    assert isinstance(cut.value.__cause__, ZeroDivisionError)


def test_a_start_response_that_raises_ends_the_answer() -> None:
    app, closed = App(), threading.Event()

    @app.get("/")
    def handler(request):
        try:
            yield Response()
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    def start_response(status: str, headers: Any) -> None:
        raise RuntimeError("the server's")

    with pytest.raises(RuntimeError, match="the server's"):
        app(Request.blank("/").environ, start_response)
    assert closed.wait(PATIENCE)


# Threads


def test_many_threads_at_once(own_loop: Scheduler) -> None:
    app = make_app()

    def one(number: int) -> bool:
        paths = (f"/hello/{number}", f"/numbers/{number}", f"/inner/{number}")
        texts = [ask(app, path).text for path in paths]
        numbers = "".join(f"{each} " for each in range(number))
        return texts == [f"Hello, {number}!", numbers, f"/inner|/{number}|"]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(100)))
    assert len(threads_of(own_loop)) == 1


def test_the_scheduler_runs_already(live: Live) -> None:
    app = make_app()
    live.serve(app)
    assert ask(app, "/hello/you").text == "Hello, you!"
    with live.ask("GET", "/hello/you") as client:
        assert client.recv(1000).endswith(b"Hello, you!")
    assert not threads_of(live.scheduler)


def test_not_in_the_thread_of_components() -> None:
    app = App()
    app.get("/outer")(lambda request: Request.blank("/inner").get_response(app).text)
    app.get("/inner")(lambda request: "inner")

    @app.get("/by-a-thread")
    def by_a_thread(request):
        response = yield from in_thread(Request.blank("/inner").get_response, app)
        yield response.text

    with pytest.raises(RuntimeError, match="in_thread"):
        app.test_client().get("/outer")
    assert ask(app, "/by-a-thread").text == "inner"


# The scheduler's end


def test_those_who_wait_are_told_when_the_scheduler_stops(own_loop: Scheduler) -> None:
    app, waits = App(), threading.Event()

    @app.get("/")
    def handler(request):
        waits.set()
        yield from sleep(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call, app, "/")
        assert waits.wait(PATIENCE)
        own_loop.stop()
        with pytest.raises(AnswerCut, match="stopped"):
            future.result(PATIENCE)
    app.get("/again")(lambda request: "again")
    assert ask(app, "/again").text == "again"


def test_a_component_cannot_end_the_process(caplog: pytest.LogCaptureFixture) -> None:
    class Leaves(component):
        def main(self) -> Iterator[int]:
            yield 1
            sys.exit(1)

    app = App()
    app.mount("/exit", Leaves)
    app.get("/")(lambda request: "there")
    with pytest.raises(AnswerCut):
        call(app, "/exit")
    assert "begins anew" in caplog.text
    assert ask(app, "/").text == "there"


def test_a_scheduler_that_took_the_place_of_a_running_one_runs_too(
    own_loop: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, waits = App(), threading.Event()
    app.get("/")(lambda request: "there")

    @app.get("/runs")
    def runs(request):
        waits.set()
        yield from sleep(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call, app, "/runs")
        assert waits.wait(PATIENCE)
        other = Scheduler()
        monkeypatch.setattr(Axon.Scheduler.scheduler, "run", other)
        assert ask(make_app(), "/hello/you").text == "Hello, you!"
        other.stop()
        own_loop.stop()
        with pytest.raises(AnswerCut):
            future.result(PATIENCE)
    for thread in threads_of(other):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    other.poller.close()


FORKS = """
import os, sys
from kroute import App, Request
app = App()
app.get("/")(lambda request: str(os.getpid()))
ask = lambda: Request.blank("/").get_response(app).text == str(os.getpid())
if sys.argv[1] == "used":
    assert ask()
children = [os.fork() for _ in range(1)]
if 0 in children:
    os._exit(0 if ask() and ask() else 1)
assert ask()
assert [os.waitpid(child, 0)[1] for child in children] == [0]
assert ask()
"""


@pytest.mark.parametrize("before", ["used", "unused"])
def test_a_server_that_forks(before: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, before],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr


# On the servers of others


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Process]]:
    running: dict[str, Process] = {}
    try:
        for name in COMMANDS:
            running[name] = Process(name, "tests.wsgi_app:app")
        yield running
    finally:
        logs = {name: server.stop() for name, server in running.items()}
    complaints = ("AssertionError", "WSGIWarning")  # the validator's
    assert not [log for log in logs.values() if any(each in log for each in complaints)]


# What frames a message, and when, is a server's to say, and where among the fields.
SERVERS_OWN = {"date", "server", "connection", "transfer-encoding"}
OWN = ("/blocking", "/socket")  # a thread has a name of its own; a WebSocket is a server's to have
# What a component makes of a body has a length if it is complete at once: a matter of time.
PARTS_OWN = SERVERS_OWN | {"content-length"}


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [*(row[:3] for row in REQUESTS if row[0] not in OWN), ("/hello/a%2Fb", "GET", None)],
)
def test_other_servers_answer_the_same(
    servers: dict[str, Process], path: str, method: str, body: bytes | None
) -> None:
    answers = {}
    for name, server in servers.items():
        found = requested(server.port, method, path, body, Accept="text/plain")
        own = PARTS_OWN if path == "/upper" else SERVERS_OWN
        fields = [field for field in found.headers if field[0].lower() not in own]
        answers[name] = found._replace(headers=fields)
    assert answers["gunicorn"] == answers["kroute"]
    # waitress sorts the fields and writes their names in its own way.
    ours = [(name.title(), value) for name, value in answers["kroute"].headers]
    theirs = [(name.title(), value) for name, value in answers["waitress"].headers]
    assert sorted(theirs) == sorted(ours)
    assert answers["waitress"]._replace(headers=[]) == answers["kroute"]._replace(headers=[])
