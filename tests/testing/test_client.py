"""TestClient, and the test clients of others."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import webob.exc
import webtest

from kroute import App, Request, Response, sleep
from kroute.gateway import AnswerCut
from tests.own_loop import own_loop
from tests.waiting import PATIENCE

__all__ = ["own_loop"]

pytestmark = pytest.mark.usefixtures("own_loop")


def make_app() -> App:
    app = App()

    @app.get("/")
    def front(request):
        return {"cookies": dict(request.cookies), "query": dict(request.GET)}

    @app.route("/any", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def anything(request):
        return {
            "method": request.method,
            "type": request.content_type,
            "body": request.text,
            "x": request.headers.get("X-One"),
        }

    @app.post("/form")
    def form(request):
        return {
            name: value if isinstance(value, str) else [value.filename, value.file.read().decode()]
            for name, value in request.POST.items()
        }

    @app.post("/login")
    def login(request):
        response = Response("welcome")
        response.set_cookie("session", request.POST["name"], httponly=True)
        response.set_cookie("elsewhere", "1", path="/other")
        return response

    @app.post("/logout")
    def logout(request):
        response = Response("bye")
        response.delete_cookie("session")
        return response

    for code in (301, 302, 303, 307, 308):
        app.redirect(f"/go/{code}", "/any", code=code)
    app.redirect("/for-ever", "/for-ever")
    app.redirect("/away", "http://elsewhere.example/any")
    app.get("/fails")(lambda request: 1 / 0)
    app.get("/missing")(lambda request: webob.exc.HTTPGone())

    @app.get("/breaks")
    def breaks(request):
        yield Response()
        yield "first"
        yield from sleep(0)
        raise ZeroDivisionError

    return app


# Requests


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_methods(method: str) -> None:
    client = make_app().test_client()
    response = getattr(client, method)("/any")
    assert isinstance(response, Response)
    assert response.status == "200 OK"
    assert response.json["method"] == method.upper()


def test_head_and_options() -> None:
    client = make_app().test_client()
    assert client.head("/any").body == b""
    assert int(client.head("/any").headers["Content-Length"]) > 10
    assert "PATCH" in client.options("/any").headers["Allow"]


def test_what_is_sent() -> None:
    client = make_app().test_client(headers={"X-One": "1"})
    assert client.get("/?a=1", query={"b": "2 3"}).json["query"] == {"a": "1", "b": "2 3"}
    assert client.put("/any", body="text").json["body"] == "text"
    assert client.put("/any", body=b"bytes").json["body"] == "bytes"
    asked = client.patch("/any", json={"a": [1]}).json
    assert (asked["type"], asked["body"], asked["x"]) == ("application/json", '{"a":[1]}', "1")
    typed = client.put("/any", json=1, headers={"Content-Type": "text/x", "X-One": "2"}).json
    assert (typed["type"], typed["x"]) == ("text/x", "2")
    put = client.put("/any", form={"a": "1"}).json
    assert (put["method"], put["body"]) == ("PUT", "a=1")
    assert client.post("/form", form={"a": "1", "b": "\xe9"}).json == {"a": "1", "b": "\xe9"}
    with_file = {"a": "1", "file": ("name.txt", b"content")}
    assert client.post("/form", form=with_file).json == {"a": "1", "file": ["name.txt", "content"]}
    with pytest.raises(TypeError, match="one body"):
        client.put("/any", body="x", json=1)


# Cookies and redirects


def test_cookies_are_kept() -> None:
    client = make_app().test_client()
    assert client.get("/").json["cookies"] == {}
    client.post("/login", form={"name": "you"})
    assert client.get("/").json["cookies"] == {"session": "you"}
    assert client.get("/", headers={"Cookie": "own=1"}).json["cookies"] == {"own": "1"}
    assert client.get("http://elsewhere.example/").json["cookies"] == {}
    client.post("/logout")
    assert client.get("/").json["cookies"] == {}


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_on_request(code: int) -> None:
    client = make_app().test_client()
    assert client.post(f"/go/{code}", body="text").status_int == code
    followed = client.post(f"/go/{code}", body="text", follow_redirects=True).json
    keeps = code in (307, 308)
    assert (followed["method"], followed["body"]) == (("POST", "text") if keeps else ("GET", ""))


def test_redirects_are_followed_by_a_client_that_does() -> None:
    client = make_app().test_client(follow_redirects=True)
    response = client.get("/away")
    assert response.json["method"] == "GET"
    assert response.request.url == "http://elsewhere.example/any"
    assert client.get("/go/302", follow_redirects=False).status_int == 302
    assert client.head("/go/303").request.method == "HEAD"
    with pytest.raises(RuntimeError, match="more than 20 redirects"):
        client.get("/for-ever")


# Errors


def test_what_a_handler_raises_is_raised() -> None:
    client = make_app().test_client()
    with pytest.raises(ZeroDivisionError):
        client.get("/fails")
    assert client.get("/missing").status_int == 410
    assert client.get("/nowhere").status_int == 404


def test_what_a_handler_raises_is_answered_on_request() -> None:
    client = make_app().test_client(raise_errors=False)
    assert client.get("/fails").status_int == 500


def test_what_an_error_handler_takes_is_not_raised() -> None:
    app, outer = make_app(), App()
    app.error_handler(ZeroDivisionError)(lambda request, error: "by zero")
    outer.mount("/app", app)
    for client, path in ((app.test_client(), "/fails"), (outer.test_client(), "/app/fails")):
        response = client.get(path)
        assert (response.status_int, response.text) == (500, "by zero")


def test_what_a_mounted_wsgi_application_raises_is_raised() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        raise LookupError("mine")

    app = App()
    app.mount("/old", application)
    with pytest.raises(LookupError, match="mine"):
        app.test_client().get("/old")


def test_an_answer_that_breaks_off() -> None:
    with pytest.raises(ZeroDivisionError):
        make_app().test_client().get("/breaks")
    with pytest.raises(AnswerCut):
        make_app().test_client(raise_errors=False).get("/breaks")


# Streams


def test_streams() -> None:
    app, closed = App(), threading.Event()

    @app.get("/")
    def ticks(request):
        try:
            yield Response(content_type="text/event-stream")
            for number in range(1_000_000):
                yield f"data: {number}\n\n"
                yield from sleep(0)
        finally:
            closed.set()

    response = app.test_client().get("/", stream=True)
    assert response.content_type == "text/event-stream"
    text = b""
    for part in response.app_iter:
        text += part
        if text.count(b"\n\n") >= 3:
            break
    assert text.startswith(b"data: 0\n\ndata: 1\n\n")
    assert not closed.is_set()
    response.app_iter.close()
    assert closed.wait(PATIENCE)


# Those of others


def test_webob() -> None:
    app = make_app()
    assert Request.blank("/?a=1").get_response(app).json["query"] == {"a": "1"}
    assert webob.Request.blank("/any", POST=b"x").get_response(app).json["method"] == "POST"


def test_webtest(caplog: pytest.LogCaptureFixture) -> None:
    client = webtest.TestApp(make_app())
    assert client.get("/", {"a": "1"}).json["query"] == {"a": "1"}
    client.post("/login", {"name": "you"})
    assert client.get("/").json["cookies"] == {"session": "you"}
    assert client.post_json("/any", {"a": 1}).json["body"] == '{"a": 1}'
    upload = [("file", "name.txt", b"content")]
    assert client.post("/form", upload_files=upload).json == {"file": ["name.txt", "content"]}
    assert client.get("/go/302").follow().json["method"] == "GET"
    assert "404" in client.get("/nowhere", status=404).text
    assert client.delete("/any").json["method"] == "DELETE"
    caplog.set_level(logging.CRITICAL)
    client.get("/fails", status=500)
