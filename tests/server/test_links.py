"""Links: url_for in a handler, under mounts, with two handlers taking turns."""

from __future__ import annotations

import pytest

from kroute import App, BuildError, Request

from .harness import World, raw


def linked() -> App:
    """`/`, `/user/{user}/entry/{id}` in an application in an application."""
    inner, middle, app = App(), App(), App()

    def show(request, **variables):
        name = request.GET["name"]
        parts = {key: value for key, value in request.GET.items() if key != "name"}
        try:
            return {"url": request.url_for(name, **parts)}
        except BuildError as error:
            return {"error": str(error)}

    inner.add("/entry/{id}", GET=show, name="entry")
    inner.add("/self", GET=show, name="self")
    middle.mount("/in", inner, name="inner")
    middle.add("/self", GET=show, name="self")
    app.mount("/user/{user}", middle, name="user")
    app.add("/self", GET=show, name="self")
    app.add("/only/{top}", GET=show, name="only")
    return app


@pytest.mark.parametrize(
    ("at", "asked", "url"),
    [
        # Its own names, relative to where it is mounted, with the variables of the mount.
        ("/user/me/in/entry/1", "name=entry&id=2", "/user/me/in/entry/2"),
        ("/user/me/in/entry/1", "name=entry", "/user/me/in/entry/1"),
        ("/user/me/in/entry/1", "name=self", "/user/me/in/self"),
        ("/user/m%C3%A9/in/self", "name=entry&id=a/b%20c", "/user/m%C3%A9/in/entry/a%2Fb%20c"),
        ("/user/me/self", "name=self", "/user/me/self"),
        ("/self", "name=self", "/self"),
        # Those of what it is mounted in, where it has none of the name.
        ("/user/me/in/self", "name=only&top=x", "/only/x"),
        ("/user/me/in/self", "name=inner.self", "/user/me/in/self"),
        ("/self", "name=user.inner.entry&user=you&id=3", "/user/you/in/entry/3"),
        # What the route has no place for becomes the query.
        ("/self", "name=self&q=a+b", "/self?q=a+b"),
    ],
)
def test_url_for(world: World, at: str, asked: str, url: str) -> None:
    answer = world.client(linked()).get(f"{at}?{asked}")
    assert answer.text in (
        f'{{"url": "{url}"}}',
        f'{{"url": "http://example.org{url}"}}',
    )


@pytest.mark.parametrize("asked", ["name=nope", "name=only"])
def test_what_cannot_be_built(world: World, asked: str) -> None:
    assert '"error"' in world.client(linked()).get(f"/self?{asked}").text


def test_a_request_made_by_hand_knows_no_routes() -> None:
    with pytest.raises(RuntimeError, match="made by hand"):
        Request.blank("/").url_for("self")


def test_the_app_builds_paths_without_a_request() -> None:
    app = linked()
    assert app.url_for("only", top="x") == "/only/x"
    assert app.url_for("user.inner.entry", user="me", id=1) == "/user/me/in/entry/1"


def test_script_name_goes_in_front(world: World) -> None:
    app = linked()
    seen = []

    @app.get("/root/{id}", name="root")
    def handler(request, id):
        seen.append(app.url_for("root", request, id="2"))
        return "ok"

    client = world.client(app)
    environs = client.protocol._environs
    environs._base = {**environs._base, "SCRIPT_NAME": "/base%"}
    client.get("/root/1")
    assert client.get("/user/me/in/self?name=entry&id=1").text.endswith(
        '/base%25/user/me/in/entry/1"}'
    )
    assert seen[0].endswith("/base%25/root/2")


def test_two_handlers_that_take_turns_see_their_own(world: World) -> None:
    app = App()
    log = []

    @app.get("/{who}/{step}", name="at")
    def handler(request, who, step):
        for number in range(3):
            log.append(who)
            url = request.url_for("at", step=str(number))
            assert url.endswith(f"/{who}/{number}") and request.path_variables["who"] == who
            yield
        yield url

    clients = [world.client(app), world.client(app)]
    for who, client in zip("ab", clients, strict=True):
        client.wire.send(raw("GET", f"/{who}/x", Host=f"{who}.org"), "outbox")
    world.settle()
    assert log == ["a", "b"] * 3
    for who, client in zip("ab", clients, strict=True):
        (answer,) = client.answers()
        assert answer.text in (f"http://{who}.org/{who}/2", f"/{who}/2")
