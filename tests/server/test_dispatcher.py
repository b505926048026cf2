"""Dispatcher: which handler a request reaches, and what is answered where there is none."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import pytest

from kroute import App, Limits, Response

from .harness import Client, World, raw

METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]
OTHERS = ["PROPFIND", "M-SEARCH", "FROB"]


def says(word: str) -> Any:
    return lambda request, **variables: Response(
        word, headers={"X-Word": word}, content_type="text/plain"
    )


# Methods


@pytest.mark.parametrize("method", METHODS + OTHERS)
def test_each_method_reaches_its_own_handler(world: World, method: str) -> None:
    app = App()
    app.add("/it", {name: says(name) for name in METHODS + OTHERS})
    answer = world.client(app).ask(method, "/it")
    assert (answer.code, answer["X-Word"]) == (200, method)
    assert answer.text == ("" if method == "HEAD" else method)


@pytest.mark.parametrize("method", METHODS + OTHERS)
def test_each_method_reaches_its_own_route(world: World, method: str) -> None:
    app = App()
    for name in METHODS + OTHERS:
        app.route("/it", methods=[name])(says(name))
    assert world.client(app).ask(method, "/it")["X-Word"] == method


def test_each_method_of_a_class_is_a_handler(world: World) -> None:
    class Entry:
        def GET(self, request, id):
            return f"got {id}"

        def PUT(self, request, id):
            yield f"put {id}"

        def DELETE(self, request, id):
            return None

        def helper(self):
            raise AssertionError

    app = App()
    app.add("/entry/{id}", Entry)
    client = world.client(app)
    assert client.get("/entry/1").text == "got 1"
    assert client.ask("PUT", "/entry/2", b"").text == "put 2"
    assert client.ask("DELETE", "/entry/3").code == 204
    assert client.ask("POST", "/entry/3")["Allow"] == "GET, HEAD, PUT, DELETE, OPTIONS"


def test_a_star_takes_any_method(world: World) -> None:
    app = App()
    app.add("/it", {"GET": says("GET"), "*": says("any")})
    client = world.client(app)
    assert [client.ask(m, "/it")["X-Word"] for m in ("GET", "HEAD", "FROB")] == [
        "GET",
        "GET",
        "any",
    ]


def test_head_follows_from_get(world: World) -> None:
    # RFC 9110, section 9.3.2: the same fields, no content.
    app = App()

    @app.get("/whole")
    def whole(request):
        return "hello"

    @app.get("/stream")
    def stream(request):
        yield Response(content_type="text/plain")
        yield "never sent"

    client = world.client(app)
    for path in ("/whole", "/stream"):
        got, head = client.get(path), client.ask("HEAD", path)
        assert head.code == 200
        fields = {**got.headers}
        fields.pop("Transfer-Encoding", None)  # RFC 9112, section 6.1: it may be left out
        assert {**head.headers} == fields
        assert head.body == b""


# RFC 9110, sections 9.3.7, 10.2.1, 15.5.5, 15.5.6


def shop() -> App:
    """Several routes match /thing, one of them in a mounted application."""
    inner = App()
    inner.add("/", PATCH=says("inner"))
    app = App()
    app.route("/thing", methods=["DELETE"])(says("delete"))
    app.add("/{what}", GET=says("get"), FROB=says("frob"))
    app.mount("/thing", inner)
    app.add("/{what:[a-z]+}", PUT=says("put"))
    app.add("/other", POST=says("post"))
    return app


ALLOW = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS, FROB"


def test_a_method_that_no_route_of_the_path_has_is_405(world: World) -> None:
    answer = world.client(shop()).ask("POST", "/thing", b"x")
    assert answer.code == 405
    assert answer["Allow"] == ALLOW
    assert "POST is not among the methods" in answer.text


@pytest.mark.parametrize(
    ("method", "word"), [("PATCH", "inner"), ("PUT", "put"), ("DELETE", "delete")]
)
def test_a_later_route_answers_what_an_earlier_one_does_not(
    world: World, method: str, word: str
) -> None:
    assert world.client(shop()).ask(method, "/thing")["X-Word"] == word


def test_options_answers_with_allow(world: World) -> None:
    answer = world.client(shop()).ask("OPTIONS", "/thing")
    assert (answer.code, answer["Allow"], answer.body) == (204, ALLOW, b"")
    assert answer["Content-Length"] is None  # RFC 9110, section 8.6
    assert answer["Content-Type"] is None


def test_options_of_the_server(world: World) -> None:
    client = world.client(shop())
    assert client.ask("OPTIONS", "*").code == 204
    assert client.ask("OPTIONS", "http://example.org").code == 204


def test_options_of_nothing_is_404(world: World) -> None:
    assert world.client(shop()).ask("OPTIONS", "/not/there").code == 404


@pytest.mark.parametrize("path", ["/not/there", "/other/", "/thing/else", "//thing", "/other/x"])
def test_an_unknown_path_is_404(world: World, path: str) -> None:
    answer = world.client(shop()).get(path)
    assert (answer.code, answer["Allow"]) == (404, None)


def test_a_star_is_no_path(world: World) -> None:
    assert world.client(shop()).get("*").code == 400


# Paths


def test_a_long_path_is_414(world: World) -> None:
    app = App(limits=Limits(request_line=20_000))
    app.add("/{rest:.*}", GET=lambda request, rest: f"{len(rest)}")
    client = world.client(app)
    assert client.get("/" + "x" * 8191 + "?" + "x" * 1000).text == "8191"
    assert client.get("/" + "x" * 8192).code == 414
    assert not client.ended


def test_a_path_that_is_not_utf8_is_400_unless_bytes_are_asked_for(world: World) -> None:
    app = App()
    app.add("/text/{name}", GET=lambda request, name: name)

    @app.get("/bytes/{name}")
    def as_bytes(request, name: bytes):
        return name

    client = world.client(app)
    assert client.get("/text/%C3%A9").text == "é"
    assert client.get("/text/%E9").code == 400
    assert client.get("/bytes/%E9").body == b"\xe9"
    assert client.get("/bytes/%C3%A9").body == b"\xc3\xa9"
    assert client.get("/bytes/a%2Fb").body == b"a/b"


def test_a_failure_on_a_path_that_is_not_utf8_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    @app.get("/{name}")
    def fail(request, name: bytes):
        raise ValueError("no")

    assert world.client(app).get("/%E9").code == 500
    (record,) = caplog.records
    assert record.getMessage().startswith("GET /%E9 failed in ")


def test_what_was_matched_stands_in_the_environ(world: World) -> None:
    seen: list[Any] = []
    app = App()

    @app.get("/a/{b}")
    def handler(request, b):
        seen.append(request)
        return b

    world.client(app).get("/a/%2Fx?q=1")
    (request,) = seen
    assert request.path_variables == request.urlvars == {"b": "/x"}
    assert request.environ["wsgiorg.routing_args"] == ((), {"b": "/x"})
    assert (request.script_name, request.path_info) == ("", "/a//x")
    assert request.environ["kroute.raw_path"] == "/a/%2Fx"
    assert (request.remote_addr, request.host, request.query_string) == (
        "192.0.2.7",
        "example.org",
        "q=1",
    )


def test_a_converted_variable_is_text_in_the_environ(world: World) -> None:
    seen: list[Any] = []
    app = App()

    @app.get("/{n}")
    def handler(request, n: int):
        seen.append((n, request.path_variables))
        return "ok"

    world.client(app).get("/7")
    assert seen == [(7, {"n": "7"})]


def test_a_mount_moves_what_it_took_into_script_name(world: World) -> None:
    seen: list[Any] = []

    def handler(request, **variables):
        seen.append((request.script_name, request.path_info, request.path_variables))
        assert set(variables) <= {"d"}  # it need not know where it is mounted
        return "ok"

    inner, middle, app = App(), App(), App()
    inner.add("/c/{d}", GET=handler)
    inner.add("/", GET=handler)
    middle.mount("/b", inner)
    app.mount("/a/{user}", middle)
    client = world.client(app)
    assert [client.get(path).code for path in ("/a/me/b/c/1", "/a/m%C3%A9/b", "/a/me/b/")] == [
        200,
        200,
        200,
    ]
    assert seen == [
        ("/a/me/b", "/c/1", {"user": "me", "d": "1"}),
        ("/a/mé/b", "/", {"user": "mé"}),
        ("/a/me/b", "/", {"user": "me"}),
    ]


# Redirects


def test_redirects_as_the_map_says(world: World) -> None:
    app = App(strict_slashes=False)
    app.add("/there", GET=says("there"))
    app.redirect("/old/{x}", "/new/{x}", code=301)
    client = world.client(app)
    answer = client.get("/old/a%20b?q=1")
    assert (answer.code, answer["Location"]) == (301, "/new/a%20b")
    answer = client.get("/there/?q=1")
    assert answer["Location"] == "/there?q=1"
    assert answer.code in (301, 302, 307, 308)


def test_a_redirect_never_leaves_the_server(world: World) -> None:
    """`//host/` as a Location is another host (RFC 3986, section 4.2)."""
    app = App(strict_slashes=False)
    app.add("/{rest:.*}/", GET=says("x"))
    answer = world.client(app).get("//evil.example")
    if answer.code != 404:
        assert answer.code in (301, 302, 307, 308)
        assert not (answer["Location"] or "").startswith("//")
        assert urljoin("http://example.org//evil.example", answer["Location"]) == (
            "http://example.org//evil.example/"
        )


# Hooks and bodies around what no handler answers


def test_a_hook_may_read_the_body_of_a_request_for_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    seen = []

    @app.before_request
    def look(request):
        seen.append((request.body, dict(request.POST)))

    client = world.client(app)
    form = "application/x-www-form-urlencoded"
    assert client.ask("POST", "/nowhere", b"a=1", Content_Type=form).code == 404
    assert client.ask("POST", "/nowhere", chunks=[b"a=1"], Content_Type=form).code == 404
    assert seen == [(b"", {}), (b"", {})]
    assert not caplog.records


def test_a_hook_answers_for_what_is_not_there(world: World) -> None:
    app = App()

    @app.before_request
    def closed(request):
        return Response("closed", 503, content_type="text/plain")

    client = world.client(app)
    assert [client.ask(m, "/x").code for m in ("GET", "OPTIONS")] == [503, 503]


def test_a_hook_that_answers_saves_the_handler(world: World) -> None:
    app = App()
    app.add("/", POST=lambda request: pytest.fail("called"))

    @app.before_request
    def closed(request):
        return Response("closed", 503, content_type="text/plain")

    client = world.client(app)
    client.feed(raw("POST", "/", b"body") + raw("POST", "/", chunks=[b"body"]))
    assert [answer.code for answer in client.answers()] == [503, 503]


def test_a_hook_may_answer_with_a_file(world: World) -> None:
    closed = []

    class File:
        def __iter__(self):
            return iter([b"from ", b"a file"])

        def close(self):
            closed.append(True)

    app = App()
    app.before_request(lambda request: Response(app_iter=File(), content_type="text/plain"))
    client: Client = world.client(app)
    assert client.get("/").text == "from a file"
    assert closed == [True]
