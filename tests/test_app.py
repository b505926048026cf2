"""App: declarations, options, mounts, and the protocol factory."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from Axon.Component import component

import kroute
from kroute import App, Limits, Response, RouteError, RouteWarning
from kroute.server import HTTPProtocol
from tests.server.harness import World, raw, world

__all__ = ["world"]


def says(word: str) -> Any:
    return lambda request, **variables: word


# Declarations


def test_decorators_give_the_function_back() -> None:
    app = App()

    def handler(request):
        return "x"

    for declare in (app.get, app.post, app.put, app.patch, app.delete, app.route):
        assert declare(f"/{declare.__name__}")(handler) is handler
    before = says("x")
    assert app.before_request(before) is before

    def after(request, response):
        return None

    assert app.after_request(after) is after
    assert app.error_handler(404)(after) is after


def test_hooks_that_cannot_be_called_are_refused() -> None:
    app = App()
    for decorate in (app.before_request, app.after_request, app.error_handler(404)):
        with pytest.raises(TypeError, match=r"<lambda>\(\) at .*test_app.py:\d+.* is called as"):
            decorate(lambda: None)


@pytest.mark.parametrize("path", ["/{id:int}", "/a/{rest:path}", "/{x:uuid}"])
def test_the_types_of_other_frameworks_are_no_regexes(path: str) -> None:
    with pytest.raises(RouteError, match="annotate the parameter"):
        App().get(path)(lambda request, **variables: "x")


@pytest.mark.parametrize(
    "declare",
    [
        lambda app: app.get("/<int:id>/x"),
        lambda app: app.get("/a/<id>"),
        lambda app: app.submapper("/<id>"),
        lambda app: app.mount("/<id>", App()),
        lambda app: app.redirect("/<id>", "/"),
    ],
)
def test_the_variables_of_other_frameworks_are_no_text(declare: Any) -> None:
    with pytest.raises(RouteError, match=r"test_app.py:\d+.* write '\{id\}'"):
        made = declare(App())
        made(lambda request, **variables: "x")


def test_a_group_in_a_requirement_is_no_variable(world: World) -> None:
    app = App()
    app.get("/{x:(?P<y>a)b}")(lambda request, **variables: variables["x"])
    assert world.client(app).get("/ab").text == "ab"


def test_a_decorator_without_a_path() -> None:
    app = App()

    def handler(request):
        return "x"

    with pytest.raises(RouteError, match=r"test_app.py:\d+ .*handler.*needs a path"):
        app.get(handler)


@pytest.mark.parametrize("options", [{"method": "POST"}, {"get": 1}])
def test_methods_in_the_wrong_word(options: dict[str, Any]) -> None:
    with pytest.raises(RouteError, match=r"methods=\['PUT'\]"):
        App().route("/", **options)(lambda request: "x")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_decorator_is_for_its_method(world: World, method: str) -> None:
    app = App()
    getattr(app, method)("/x")(says("yes"))
    client = world.client(app)
    for other in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = client.ask(other, "/x", b"" if other != "GET" else None)
        assert answer.code == (200 if other == method.upper() else 405)


def test_one_function_for_several_methods_and_paths(world: World) -> None:
    app = App()

    @app.route("/a", methods=["GET", "PUT"])
    @app.route("/b/{n}", methods={"POST"})
    def handler(request, n: int = 0):
        return f"{request.method} {n!r}"

    client = world.client(app)
    assert client.get("/a").text == "GET 0"
    assert client.ask("PUT", "/a", b"").text == "PUT 0"
    assert client.ask("POST", "/b/7", b"").text == "POST 7"


def test_a_table_of_several_kinds(world: World) -> None:
    class Table:
        def GET(self, request):
            return "from the class"

        def PUT(self, request):
            return "from the class"

    app = App()
    app.add("/x", Table(), PUT=says("from the keyword"), max_body=5)
    client = world.client(app)
    assert client.get("/x").text == "from the class"
    assert client.ask("PUT", "/x", b"12345").text == "from the keyword"
    assert client.ask("PUT", "/x", b"123456").code == 413


@pytest.mark.parametrize(
    ("declare", "problem"),
    [
        (lambda app: app.get("/x", colour="red")(says("")), "'colour' is no option of a route"),
        (lambda app: app.add("/x", get=says("")), "'get' is no option of a route"),
        (lambda app: app.add("/x", {"get": says("")}), "methods are upper-case: write 'GET'"),
        (lambda app: app.route("/x", methods=["get"])(says("")), "write 'GET' for 'get'"),
        (lambda app: app.route("/x", methods="GET"), "methods is a list of words: ['GET']"),
        (lambda app: app.route("/x", methods=[])(says("")), "no method has a handler"),
        (lambda app: app.route("/x", methods=["G T"])(says("")), "'G T' is no method"),
        (lambda app: app.add("/x"), "no method has a handler"),
        (lambda app: app.add("x", GET=says("")), "route 'x': "),
        (lambda app: app.add("/{x", GET=says("")), "route '/{x': "),
        (lambda app: app.add("/{x:(}", GET=says("")), "route '/{x:(}': "),
        (lambda app: app.add("/x", GET=3), "3 is no handler"),
        (lambda app: app.add("/x", "text"), "str has no method called GET"),
        (lambda app: app.resource("a", "as", object()), "object has none of the actions"),
        (lambda app: app.resource("a", "as", {"show": 3}), "3 is no handler"),
        (lambda app: app.resource("a", "as", {}, parent=1), "did you mean 'parent_resource'?"),
        (lambda app: app.collection("a", "as", {}, prefix="/"), "no option of a collection"),
        (lambda app: app.submapper("/x", requirments={}), "did you mean 'requirements'?"),
        (lambda app: app.redirect("/x", "/y", cod=301), "did you mean 'code'?"),
        (lambda app: app.events("/x", 3), "3 makes no components"),
        (lambda app: app.events("/x", component, colour=1), "'colour' is no option here"),
        (lambda app: app.websocket("/x", 3), "3 makes no components"),
        (lambda app: app.service("/x", 3), "3 is no component"),
        (lambda app: app.service("/x", component, restart="now"), "route '/x': restart "),
        (lambda app: app.get("/x", max_body="5M")(says("")), "max_body is a number of bytes"),
        (lambda app: app.mount("/x", "text"), "route '/x': "),
        (lambda app: app.mount("/x", None), "route '/x': "),
        (lambda app: app.mount("/x", App(), threads=2), "'threads' is no option of a mounted"),
        (lambda app: app.mount("/x", app), "a map cannot be mounted inside itself"),
    ],
)
def test_what_cannot_be_declared(declare: Any, problem: str) -> None:
    with pytest.raises(RouteError) as caught:
        declare(App())
    message = str(caught.value)
    assert problem in message
    assert "\n" not in message
    assert "test_app.py:" in message


def test_the_place_is_that_of_the_declaration() -> None:
    with pytest.raises(RouteError) as caught:
        App().add("/{x}", GET=3)
    assert caught.value.path == "/{x}"
    with pytest.raises(RouteError) as caught:
        App().add("/x", {"get": says("")})
    line = sys._getframe().f_lineno - 1
    assert caught.value.place is not None
    assert caught.value.place[:2] == (__file__, line)


def test_a_method_declared_twice_names_both_places() -> None:
    app = App()
    app.add("/x", GET=says("1"))
    with pytest.raises(RouteError, match=r"GET is declared twice; .* at .*test_app.py:\d+"):
        app.add("/x", GET=says("2"))


def test_a_declaration_that_fails_leaves_nothing(world: World) -> None:
    app = App()
    with pytest.raises(RouteError):
        app.get("/x/{y}")(lambda request: "no y")
    assert world.client(app).get("/x/1").code == 404


def test_warns_of_what_cannot_be_reached() -> None:
    app = App()
    app.add("/{x}", GET=says("1"))
    app.add("/y", GET=says("2"))
    with pytest.warns(RouteWarning, match=r"test_app.py:\d+.*route '/[yz]'") as caught:
        app.check()
        app.check()
        app.add("/z", GET=says("3"))
        app.check()
    line = sys._getframe().f_lineno - 6
    assert [(warning.filename, warning.lineno) for warning in caught] == [
        (__file__, line),
        (__file__, line + 4),
    ]


# Mounts


def test_mounts_in_mounts(world: World) -> None:
    apps = [App() for _ in range(4)]
    for depth, (outer, inner) in enumerate(itertools.pairwise(apps)):
        outer.mount(f"/{depth}", inner)
    apps[-1].add("/", GET=says("deep"))
    apps[-1].add("/x", GET=says("deep x"))
    client = world.client(apps[0])
    assert client.get("/0/1/2").text == "deep"
    assert client.get("/0/1/2/").text == "deep"
    assert client.get("/0/1/2/x").text == "deep x"
    assert client.get("/0/1/x").code == 404
    assert client.get("/0/1/2x").code == 404


def test_one_application_may_be_mounted_twice(world: World) -> None:
    inner, app = App(), App()
    inner.add("/here", GET=lambda request: request.url_for("here"), name="here")
    app.mount("/a", inner, name="a")
    app.mount("/b", inner, name="b")
    client = world.client(app)
    assert client.get("/a/here").text.endswith("/a/here")
    assert client.get("/b/here").text.endswith("/b/here")


def test_a_mounted_application_gives_way(world: World) -> None:
    inner, app = App(), App()
    inner.add("/x", GET=says("inner"))
    app.mount("/a", inner)
    app.add("/a/y", GET=says("outer"))
    client = world.client(app)
    assert [client.get(path).text for path in ("/a/x", "/a/y")] == ["inner", "outer"]


def test_routes_may_be_added_while_it_serves(world: World) -> None:
    inner, app = App(), App()
    app.mount("/in", inner)
    client = world.client(app)
    assert client.get("/in/new").code == 404
    inner.add("/new", GET=says("new"))
    assert client.get("/in/new").text == "new"


# The protocol factory (Kamaelia's ServerCore)


def test_the_protocol_is_a_component(world: World) -> None:
    protocol = App().protocol(peer="192.0.2.1", peerport=1, localip="::1", localport=80, more=1)
    assert isinstance(protocol, HTTPProtocol)
    assert {"inbox", "control"} <= set(protocol.inboxes)
    assert {"outbox", "signal"} <= set(protocol.outboxes)


def test_connections_share_a_dispatcher_and_limits(world: World) -> None:
    app = App(limits=Limits(body_bytes=3))
    app.add("/", POST=lambda request: request.body)
    clients = [world.client(app) for _ in range(3)]
    components = len(world.scheduler.threads)
    assert components == 4
    for client in clients:
        client.feed(raw("POST", "/", b"1234") + raw("POST", "/", b"12"))
        assert [answer.code for answer in client.answers()] == [413]


def test_two_applications_do_not_meet(world: World) -> None:
    apps = [App(), App()]
    for number, app in enumerate(apps):
        app.add("/", GET=says(str(number)))
    assert [world.client(app).get("/").text for app in apps] == ["0", "1"]


def test_recursion_without_end_is_a_failure_like_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    def again(*arguments):
        return again(*arguments)

    app.add("/", GET=again)
    assert world.client(app).get("/").code == 500
    app.error_handler(RecursionError)(again)
    client = world.client(app)
    assert client.get("/").code == 500
    app.after_request(again)
    assert client.get("/").code == 500
    assert client.get("/nowhere").code == 500


def test_an_error_handler_may_fail_in_every_way(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    ways: list[Any] = [
        lambda request, error: 1 / 0,
        lambda request, error: object(),
        lambda request, error: (_ for _ in ()).throw(error),
        lambda request, error: Response("x", headers={"A": "\n"}),
        lambda request, error: Response(app_iter=["text"]),
        lambda request, error: Response(app_iter=iter([b"fine"]), status=418),
    ]
    codes = []
    for way in ways:
        app.error_handler(404)(way)
        client = world.client(app)
        codes.append(client.get("/").code)
        assert not client.ended
    assert codes == [500] * 5 + [418]


def test_everything_public_is_documented() -> None:
    for name in kroute.__all__:
        assert getattr(kroute, name).__doc__, name
    for name, thing in vars(App).items():
        if not name.startswith("_"):
            assert thing.__doc__, name
