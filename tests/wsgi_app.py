"""make_app, app: an application with one of everything, validated where it is called as WSGI."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.validate import validator

import webob.exc
from Axon.Component import component

from kroute import App, Response, in_thread, sleep

__all__ = ["app", "make_app"]


class Upper(component):
    """Answers with what it gets, in capitals."""

    def main(self) -> Iterator[int]:
        while True:
            while self.dataReady("inbox"):
                self.send(self.recv("inbox").upper(), "outbox")
            if self.dataReady("control"):
                break
            self.pause()
            yield 1
        self.send(self.recv("control"), "signal")


def inner(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}|".encode()
    yield environ["wsgi.input"].read(100)


def chat(request, ws):
    while True:
        ws.send((yield from ws.receive()).upper())


def with_field(name: str, value: str) -> Response:
    response = Response("x")
    response.headers[name] = value
    return response


def make_app(app: App | None = None) -> App:
    """One of everything."""
    app = app or App()

    @app.get("/hello/{name}")
    def hello(request, name):
        return Response(f"Hello, {name}!", content_type="text/plain")

    @app.get("/numbers/{count}")
    def numbers(request, count: int):
        yield Response(content_type="text/plain")
        for number in range(count):
            yield from sleep(0)
            yield f"{number} "

    @app.get("/later")
    def later(request):
        text = yield from in_thread(lambda: "by a thread")
        yield text

    @app.get("/blocking", threaded=True)
    def blocking(request):
        return threading.current_thread().name

    @app.post("/echo")
    def echo(request):
        return request.body

    @app.post("/parts", stream=True)
    def parts(request):
        yield Response(content_type="text/plain")
        while part := (yield from request.read()):
            yield part.upper()

    @app.post("/small", max_body=4)
    def small(request):
        return request.body

    @app.get("/cached")
    def cached(request):
        response = Response("cached", content_type="text/plain", conditional_response=True)
        response.etag = "1"
        return response

    app.get("/nothing")(lambda request: None)
    app.get("/typed-nothing")(lambda request: Response(status=204, content_type="text/plain"))
    app.get("/close")(lambda request: with_field("Connection", "close"))
    app.get("/upgrade")(lambda request: with_field("Upgrade", "h2c"))
    app.get("/dated")(lambda request: with_field("Date", "long ago"))
    app.get("/teapot")(lambda request: webob.exc.HTTPNotFound("no coffee"))
    app.get("/fails")(lambda request: 1 / 0)
    app.get("/bad")(lambda request: with_field("X-Bad", "1\r\n2"))
    app.websocket("/socket", chat)
    app.redirect("/old", "/hello/new", code=301)
    app.add("/upper", POST=Upper)
    app.mount("/inner", validator(inner))
    return app


class Validated(App):
    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return validator(super().__call__)(environ, start_response)


app = make_app(Validated())
