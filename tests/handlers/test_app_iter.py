"""Bodies that are made bit by bit: closed once, however their answer ends; and no byte of one ever
reaches the next answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kroute import App, Response
from tests.server.harness import Client, World, raw

TEXT = "text/plain"


class Body:
    """Parts of a body; an exception among them is raised. closed: how often it was."""

    def __init__(self, *parts: Any) -> None:
        self._parts = iter(parts)
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        assert not self.closed, "read after its end"
        part = next(self._parts)
        if isinstance(part, Exception):
            raise part
        return part

    def close(self) -> None:
        self.closed += 1


def response(body: Body, **options: Any) -> Response:
    return Response(app_iter=body, content_type=TEXT, **options)


WAYS: dict[str, Callable[[App, Response], None]] = {}


def way(declare: Callable[[App, Response], None]) -> Callable[[App, Response], None]:
    WAYS[declare.__name__] = declare
    return declare


@way
def returned(app: App, answer: Response) -> None:
    app.get("/")(lambda request: answer)


@way
def yielded(app: App, answer: Response) -> None:
    def handler(request):
        yield answer

    app.get("/")(handler)


@way
def yielded_late(app: App, answer: Response) -> None:
    def handler(request):
        yield
        yield answer

    app.get("/")(handler)


@way
def of_a_hook_before(app: App, answer: Response) -> None:
    app.before_request(lambda request: answer if request.path == "/" else None)


@way
def of_a_hook_after(app: App, answer: Response) -> None:
    app.get("/")(lambda request: "not this")
    answers = [answer]  # the answer to an error is for the hook, too
    app.after_request(lambda request, response: answers.pop() if answers else None)


@way
def of_an_error_handler(app: App, answer: Response) -> None:
    def handler(request):
        raise ZeroDivisionError

    app.get("/")(handler)
    answers = [answer]  # it may fail with an error that the handler is for
    app.error_handler(ZeroDivisionError)(lambda request, error: (answers or ["no"]).pop())


@pytest.fixture(params=WAYS)
def declare(request: pytest.FixtureRequest) -> Callable[[App, Response], None]:
    return WAYS[request.param]


def client_of(world: World, declare: Callable[[App, Response], None], answer: Response) -> Client:
    app = App()
    app.get("/next")(lambda request: "next")
    declare(app, answer)
    return world.client(app)


@pytest.mark.parametrize("length", [None, 6])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_to_its_end(world: World, declare: Any, length: int | None, method: str) -> None:
    body = Body(b"abc", b"", b"def")
    client = client_of(world, declare, response(body, content_length=length))
    client.feed(raw(method, "/") + raw("GET", "/next"))
    answers = client.answers(method)
    assert [answer.text for answer in answers] == ["abcdef" if method == "GET" else "", "next"]
    assert body.closed == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"If_None_Match": '"1"'}, 304), ({"Range": "bytes=1-2"}, 206), ({"Range": "bytes=9-"}, 416)],
)
def test_of_which_not_all_is_wanted(
    world: World, declare: Any, fields: dict[str, str], code: int
) -> None:
    body = Body(b"abc", b"def")
    answer = response(body, content_length=6, etag="1", conditional_response=True)
    client = client_of(world, declare, answer)
    client.feed(raw("GET", "/", **fields) + raw("GET", "/next"))
    codes = [each.code for each in client.answers()]
    if declare.__name__ not in ("of_a_hook_before", "of_an_error_handler"):
        assert codes == [code, 200]
    assert body.closed == 1


@pytest.mark.parametrize(
    "parts",
    [
        (ZeroDivisionError(),),
        (b"abc", ZeroDivisionError()),
        (b"abc", "text"),
        (b"abc", b"d" * 100_000, ZeroDivisionError()),
    ],
)
def test_that_fails(
    world: World, declare: Any, parts: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    body = Body(*parts)
    client = client_of(world, declare, response(body))
    client.feed(raw("GET", "/"))
    client.take()
    assert body.closed == 1
    assert "failed" in caplog.text


@pytest.mark.parametrize(
    ("length", "problem"), [(5, "1 bytes more"), (7, "1 bytes of the Content-Length were not")]
)
def test_of_another_length_than_was_said(
    world: World, declare: Any, length: int, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = Body(b"abc", b"def")
    client = client_of(world, declare, response(body, content_length=length))
    client.feed(raw("GET", "/") + raw("GET", "/next"))
    data = client.take()
    assert body.closed == 1
    if client.ended == "cut":
        assert b"next" not in data
        assert problem in caplog.text
        assert data.partition(b"\r\n\r\n")[2] in (b"", b"abc", b"abcdef"[:length])
    else:  # nothing was sent yet: it is an error like any other
        (failed, following) = client.answers()
        assert (failed.code, following.text) == (500, "next")
        assert "Content-Length" in caplog.text


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("name", ["X-Value", "Set-Cookie"])
def test_behind_a_header_that_cannot_be_sent(
    world: World, declare: Any, name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 9110, section 5.5."""
    body = Body(b"abc")
    answer = response(body)
    answer.headerlist.append((name, value))
    client = client_of(world, declare, answer)
    client.feed(raw("GET", "/") + raw("GET", "/next"))
    failed, following = client.answers()
    assert (failed.code, following.text) == (500, "next")
    assert failed[name] is None
    assert body.closed == 1
    assert "a header value has a CR, LF or NUL in it" in caplog.text


def test_when_the_client_goes(world: World) -> None:
    for handler in (returned, yielded, yielded_late):
        body = Body(*[b"x" * 50_000] * 100)
        client = client_of(world, handler, response(body))
        client.feed(raw("GET", "/"))
        assert not body.closed
        client.hang_up()
        assert body.closed == 1


def test_when_a_hook_answers_something_else(world: World) -> None:
    for handler in (returned, yielded, yielded_late):
        body = Body(b"abc")
        app = App()
        handler(app, response(body))
        app.after_request(lambda request, response: Response("other", content_type=TEXT))
        assert world.client(app).get("/").text == "other"
        assert body.closed == 1


def test_when_a_hook_wraps_it(world: World) -> None:
    def wrapped(body: Any) -> Iterator[bytes]:
        try:
            for part in body:
                yield part.upper()
        finally:
            body.close()

    for handler in (returned, yielded, yielded_late):
        body = Body(b"abc", b"def")
        app = App()
        handler(app, response(body))
        app.after_request(lambda request, answer: Response(app_iter=wrapped(answer.app_iter)))
        assert world.client(app).get("/").body == b"ABCDEF"
        assert body.closed == 1


def test_when_a_hook_fails(world: World) -> None:
    def fail(request, response):
        if response.status_int == 200:
            raise ZeroDivisionError

    for handler in (returned, yielded, yielded_late):
        body = Body(b"abc")
        app = App()
        handler(app, response(body))
        app.after_request(fail)
        assert world.client(app).get("/").code == 500
        assert body.closed == 1
