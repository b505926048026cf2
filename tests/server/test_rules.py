"""AppRules, Policy: hooks, error handlers, what counts as an answer."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
import webob
from webob import exc

from kroute import App, Response
from kroute.scheduler import ThreadsBusy
from kroute.server import to_response

from .harness import Client, World, raw

# What is an answer


@pytest.mark.parametrize(
    ("value", "code", "kind", "body"),
    [
        ("é <b>", 200, "text/html; charset=UTF-8", "é <b>".encode()),
        (b"\xff", 200, "application/octet-stream", b"\xff"),
        (bytearray(b"x"), 200, "application/octet-stream", b"x"),
        ({"a": [1, "é"]}, 200, "application/json", b'{"a": [1, "\\u00e9"]}'),
        ([], 200, "application/json", b"[]"),
        (None, 204, None, b""),
        (Response("x", 201), 201, "text/html; charset=UTF-8", b"x"),
        (webob.Response("x", 202), 202, "text/html; charset=UTF-8", b"x"),
    ],
)
def test_makes_a_response_of(value: Any, code: int, kind: str | None, body: bytes) -> None:
    response = to_response(value)
    assert response.status_int == code
    assert response.headers.get("Content-Type") == kind
    assert response.body == body


@pytest.mark.parametrize("value", [1, 1.5, True, object(), ("a",), iter(()), {1, 2}, Exception()])
def test_makes_no_response_of(value: Any) -> None:
    with pytest.raises(TypeError, match=f"the handler answered {type(value).__name__} "):
        to_response(value)


# Hooks


def traced(name: str, notes: list[str]) -> App:
    app = App()

    @app.before_request
    def before(request):
        notes.append(f"before {name}")

    @app.after_request
    def after(request, response):
        notes.append(f"after {name} {response.status_int}")

    return app


def test_hooks_run_from_the_outside_in_and_out_again(world: World) -> None:
    notes: list[str] = []
    outer, inner = traced("outer", notes), traced("inner", notes)
    outer.before_request(lambda request: notes.append("before outer 2"))
    inner.add("/it", GET=lambda request: notes.append("handler"))
    inner.add("/fail", GET=lambda request: 1 / 0)
    outer.mount("/in", inner)
    outer.add("/out", GET=lambda request: notes.append("handler"))
    client = world.client(outer)

    client.get("/in/it")
    before = ["before outer", "before outer 2", "before inner"]
    assert notes == [*before, "handler", "after inner 204", "after outer 204"]
    notes.clear()
    client.get("/in/fail")
    assert notes == [*before, "after inner 500", "after outer 500"]
    notes.clear()
    client.get("/out")
    assert notes == ["before outer", "before outer 2", "handler", "after outer 204"]
    notes.clear()
    client.get("/in/nowhere")
    assert notes == ["before outer", "before outer 2", "after outer 404"]


def test_the_first_hook_with_an_answer_answers(world: World) -> None:
    notes: list[str] = []
    app = traced("app", notes)
    app.before_request(lambda request: {"from": "a hook"})
    app.before_request(lambda request: pytest.fail("asked"))
    app.add("/", GET=lambda request: pytest.fail("called"))
    answer = world.client(app).get("/")
    assert answer.text == '{"from": "a hook"}'
    assert notes == ["before app", "after app 200"]


def test_a_hook_after_may_change_or_replace_the_answer(world: World) -> None:
    app = App()
    app.add("/", GET=lambda request: "old")

    @app.after_request
    def change(request, response):
        response.headers["X-Changed"] = "yes"

    @app.after_request
    def replace(request, response):
        assert response.headers["X-Changed"] == "yes"
        return response.text + " and new"

    assert world.client(app).get("/").text == "old and new"


@pytest.mark.parametrize("how", ["returns", "raises"])
def test_a_hook_before_the_body_saves_it(world: World, how: str) -> None:
    """RFC 9110, section 10.1.1: a client that expects a 100 is told the answer instead."""
    app, called = App(), []

    @app.before_request
    def later(request):
        called.append("before_request")

    @app.before_body
    def check(request):
        called.append("before_body")
        if request.headers.get("Authorization") != "sesame":
            denied = webob.exc.HTTPUnauthorized("Say the word.")
            if how == "raises":
                raise denied
            return denied

    app.post("/")(lambda request: request.body)
    app.get("/")(lambda request: "hello")
    client = world.client(app)
    ask = raw("POST", "/", Content_Length="5", Expect="100-continue")
    client.feed(ask)
    (answer,) = client.answers()
    assert (answer.code, called) == (401, ["before_body"])
    assert client.ended == "closed"
    called.clear()
    client = world.client(app)
    client.feed(ask.replace(b"Host:", b"Authorization: sesame\r\nHost:"))
    assert client.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.received = b""
    client.feed(b"hello")
    assert [answer.text for answer in client.answers()] == ["hello"]
    assert called == ["before_body", "before_request"]
    called.clear()
    assert client.get("/").code == 401  # without a body, in the order of their declaration
    assert called == ["before_request", "before_body"]


@pytest.mark.parametrize("code", [200, 404])
def test_a_hook_before_the_body_is_called_once_for_every_request(
    world: World, code: int
) -> None:
    app, called = App(), []
    app.before_body(lambda request: called.append(request.path))

    @app.put("/", stream=True)
    def streams(request):
        return (yield from request.read())

    answer = world.client(app).ask("PUT", "/" if code == 200 else "/none", b"body")
    assert answer.code == code
    assert len(called) == 1


def test_a_hook_before_the_body_cannot_read_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.before_body(lambda request: request.body)
    app.post("/")(lambda request: "hello")
    assert world.client(app).ask("POST", "/", b"body").code == 500
    assert "before_request" in caplog.text


def test_a_hook_that_raises_before_the_handler(world: World) -> None:
    notes: list[str] = []
    app = traced("app", notes)
    app.add("/", GET=lambda request: pytest.fail("called"))

    @app.before_request
    def forbid(request):
        raise exc.HTTPForbidden("No.")

    assert world.client(app).get("/").code == 403
    assert notes == ["before app", "after app 403"]


def test_a_hook_that_raises_after_the_handler(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.add("/", GET=lambda request: "fine")

    @app.after_request
    def fail(request, response):
        raise RuntimeError("the hook")

    answer = world.client(app).get("/")
    assert answer.code == 500
    assert "fine" not in answer.text
    assert "the hook" in caplog.text


@pytest.mark.parametrize("rubbish", [3, object(), ("a", "b")])
def test_a_hook_that_returns_rubbish(
    world: World, caplog: pytest.LogCaptureFixture, rubbish: Any
) -> None:
    for declare in ("before_request", "after_request"):
        app = App()
        app.add("/", GET=lambda request: "fine")
        getattr(app, declare)(lambda *_: rubbish)
        client = world.client(app)
        assert client.get("/").code == 500
        assert client.get("/nowhere").code == 500
    assert "TypeError" in caplog.text


def test_hooks_see_a_webob_exception_as_what_is_answered(world: World) -> None:
    app = App()
    app.add("/", GET=lambda request: exc.HTTPConflict("Taken."))
    seen = []
    app.after_request(lambda request, response: seen.append(response))
    assert world.client(app).get("/").code == 409
    (response,) = seen
    assert (response.status_int, response.text) == (409, "409 Conflict\n\nTaken.\n")


# Error handlers


class Lost(LookupError):
    pass


def failing(error: Any) -> App:
    app = App()

    @app.get("/")
    def fail(request):
        raise error

    return app


@pytest.mark.parametrize(
    ("kinds", "by"),
    [
        ([Exception, LookupError], "LookupError"),
        ([Exception, LookupError, Lost], "Lost"),
        ([Exception, KeyError], "Exception"),
        ([500], "500"),
        ([500, Exception], "Exception"),
        ([404], ""),
    ],
)
def test_the_nearest_class_answers(world: World, kinds: list[Any], by: str) -> None:
    app = failing(Lost("lost it"))
    for kind in kinds:
        name = getattr(kind, "__name__", str(kind))
        app.error_handler(kind)(
            lambda request, error, name=name: {"by": name, "error": str(error)}
        )
    answer = world.client(app).get("/")
    assert answer.code == 500
    if by:
        assert json.loads(answer.body) == {"by": by, "error": "lost it"}
    else:
        assert "lost it" not in answer.text


def test_a_status_goes_before_a_class(world: World) -> None:
    app = failing(exc.HTTPGone())
    app.error_handler(exc.HTTPGone)(lambda request, error: "class")
    app.error_handler(410)(lambda request, error: "status")
    answer = world.client(app).get("/")
    assert (answer.code, answer.text) == (410, "status")


def test_an_error_handler_may_choose_the_status(world: World) -> None:
    app = failing(Lost())
    app.error_handler(Lost)(lambda request, error: Response("where?", 404))
    assert world.client(app).get("/").code == 404


@pytest.mark.parametrize("status", [418, "teapot", object(), None])
def test_the_status_attribute_of_any_error_is_not_taken_for_one(world: World, status: Any) -> None:
    error = Lost()
    error.status = status  # type: ignore[attr-defined]
    app = failing(error)
    app.error_handler(Lost)(lambda request, error: "lost")
    answer = world.client(app).get("/")
    assert (answer.code, answer.text) == (500, "lost")


def test_the_innermost_application_is_asked_first(world: World) -> None:
    inner = failing(Lost())
    outer = App()
    outer.mount("/in", inner)
    outer.error_handler(Exception)(lambda request, error: "outer")
    client = world.client(outer)
    assert client.get("/in/").text == "outer"
    inner.error_handler(LookupError)(lambda request, error: "inner")
    assert client.get("/in/").text == "inner"


def test_error_handlers_answer_404_and_405(world: World) -> None:
    app = App()
    app.add("/", GET=lambda request: "x")
    app.error_handler(404)(lambda request, error: {"missing": request.path})
    app.error_handler(405)(lambda request, error: {"not": request.method})
    client = world.client(app)
    answer = client.get("/gone")
    assert (answer.code, answer.text) == (404, '{"missing": "/gone"}')
    answer = client.ask("FROB", "/")
    assert (answer.code, answer.text) == (405, '{"not": "FROB"}')


def test_a_page_that_is_made_once_is_nobodys_to_change(world: World) -> None:
    app, other = App(), App()
    for each in (app, other):
        each.add("/", GET=lambda request: "x")
    client, stranger = world.client(app), world.client(other)

    def asked(one: Client) -> list[tuple[int, str, str | None]]:
        answers = [one.get("/gone"), one.ask("FROB", "/"), one.get("/gone")]
        return [(each.code, each.text, each["X-Seen"]) for each in answers]

    plain = asked(client)
    assert [code for code, _, _ in plain] == [404, 405, 404]

    @app.after_request
    def change(request, response):
        response.headers.add("X-Seen", "yes")
        response.text += request.path

    changed = asked(client)
    paths = ["/gone", "/", "/gone"]
    assert changed == [
        (code, text + path, "yes") for (code, text, _), path in zip(plain, paths, strict=True)
    ]
    assert asked(stranger) == plain


@pytest.mark.parametrize("what", [404, exc.HTTPNotFound, exc.HTTPException, Exception])
def test_an_error_handler_may_come_after_the_first_error(world: World, what: Any) -> None:
    app = App()
    client = world.client(app)
    assert client.get("/gone").code == 404
    seen = []

    @app.error_handler(what)
    def note(request, error):
        seen.append(error)
        return "noted"

    for _ in range(2):
        answer = client.get("/gone")
        assert (answer.code, answer.text) == (404, "noted")
    assert len(set(map(id, seen))) == 2  # each has an error of its own
    assert type(seen[0]) is exc.HTTPNotFound


def test_an_error_handler_that_fails_is_not_asked_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing(Lost("first"))
    asked = []

    @app.error_handler(Exception)
    def fail(request, error):
        asked.append(error)
        raise RuntimeError("second")

    assert world.client(app).get("/").code == 500
    assert [str(error) for error in asked] == ["first"]
    assert "second" in caplog.text


def test_an_answer_to_an_error_that_cannot_be_sent(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing(Lost())
    app.error_handler(Exception)(
        lambda request, error: Response("x", headers={"X-Bad": "a\r\nSet-Cookie: b=c"})
    )
    client = world.client(app)
    answer = client.get("/")
    assert (answer.code, answer["Set-Cookie"]) == (500, None)
    assert client.get("/").code == 500  # the connection is still good


@pytest.mark.parametrize("what", [200, 399, 600, "404", int, KeyboardInterrupt, None])
def test_there_is_no_error_handler_for(what: Any) -> None:
    with pytest.raises(ValueError, match="no status from 400 to 599 and no exception class"):
        App().error_handler(what)


@pytest.mark.parametrize("declare", ["before_request", "after_request", "error_handler"])
def test_hooks_are_plain_functions(declare: str) -> None:
    def generator(*_):
        yield

    async def coroutine(*_):
        pass

    app = App()
    take = app.error_handler(404) if declare == "error_handler" else getattr(app, declare)
    for function in (generator, coroutine):
        with pytest.raises(TypeError, match=r"at .*test_rules.py:\d+"):
            take(function)


# Errors of handlers


def test_an_exception_is_logged_and_not_shown(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    answer = world.client(failing(Lost("secret"))).get("/")
    assert answer.code == 500
    assert "secret" not in answer.text
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert re.fullmatch(r"GET / failed in .*test_rules.py:\d+ \(.*\)", record.getMessage())
    assert record.exc_info and isinstance(record.exc_info[1], Lost)


@pytest.mark.parametrize("accept", ["text/plain", "text/html", "application/json"])
def test_a_traceback_is_shown_in_debug(world: World, accept: str) -> None:
    app = failing(Lost("<secret>"))
    app.debug = True
    answer = world.client(app).get("/", Accept=accept)
    assert answer.code == 500
    assert "test_rules.py" in answer.text
    if accept == "text/html":
        assert "<secret>" not in answer.text
        assert "&lt;secret&gt;" in answer.text
    else:
        assert "<secret>" in answer.text


def test_only_the_outermost_application_decides_about_debug(world: World) -> None:
    inner = failing(Lost("secret"))
    inner.debug = True
    app = App()
    app.mount("/in", inner)
    assert "secret" not in world.client(app).get("/in/").text


@pytest.mark.parametrize("way", ["raise", "return", "yield", "raise in generator"])
def test_webob_exceptions_are_answers(
    world: World, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    app = App()
    error = exc.HTTPUnauthorized("Who are you?", headers=[("WWW-Authenticate", "Basic")])

    def plain(request):
        if way == "raise":
            raise error
        return error

    def generator(request):
        yield
        if way == "yield":
            yield error
        raise error

    app.get("/")(generator if way in ("yield", "raise in generator") else plain)
    client = world.client(app)
    for _ in range(2):  # one object may be raised twice
        answer = client.get("/")
        assert (answer.code, answer["WWW-Authenticate"]) == (401, "Basic")
        assert answer.text == "401 Unauthorized\n\nWho are you?\n"
    assert not caplog.records


def test_redirections_of_webob_are_answers(world: World) -> None:
    app = App()

    @app.get("/a")
    def move(request):
        raise exc.HTTPSeeOther(location="/there?x=<y>")

    @app.get("/b")
    def slash(request):
        raise exc.HTTPMovedPermanently(add_slash=True)

    client = world.client(app)
    answer = client.get("/a", Accept="text/html")
    assert (answer.code, answer["Location"]) == (303, "/there?x=<y>")
    assert "<y>" not in answer.text
    answer = client.get("/b?q=1")
    assert (answer.code, answer["Location"]) == (301, "http://example.org/b/?q=1")


def test_busy_threads_are_503(world: World, caplog: pytest.LogCaptureFixture) -> None:
    app = failing(ThreadsBusy("32 threads"))
    client = world.client(app)
    assert client.get("/").code == 503
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    app.error_handler(503)(lambda request, error: {"busy": True})
    answer = client.get("/")
    assert (answer.code, answer.text) == (503, '{"busy": true}')


@pytest.mark.parametrize(
    "location, sent",
    [
        ("//evil.example/", "/.//evil.example/"),
        ("/\\evil.example", "/./\\evil.example"),
        ("/here", "/here"),
        ("https://other.example/", "https://other.example/"),
    ],
)
def test_a_redirect_to_a_path_stays_on_this_host(
    world: World, location: str, sent: str
) -> None:
    app = App()

    @app.get("/")
    def away(request):
        raise exc.HTTPFound(location=location)

    assert world.client(app).get("/").headers["Location"] == sent
