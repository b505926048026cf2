"""Pyramid on waitress."""

from pyramid.config import Configurator
from pyramid.response import Response
from waitress import serve

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


def hello(request):
    return Response("Hello, World!", content_type="text/plain")


def user(request):
    return {"id": int(request.matchdict["id"]), "q": request.GET["q"]}


def size(request):
    return Response(str(len(request.body)), content_type="text/plain")


def stream(request):
    return Response(app_iter=iter(CHUNKS), content_type="application/octet-stream")


def events(request):
    pieces = (f"data: {event}\n\n".encode() for event in EVENTS)
    return Response(app_iter=pieces, content_type="text/event-stream")


def numbered(request):
    return Response(request.matchdict["id"], content_type="text/plain")


def application():
    config = Configurator()
    for name, path, view, renderer in [
        ("hello", "/", hello, None),
        ("user", r"/users/{id:\d+}", user, "json"),
        ("size", "/size", size, None),
        ("stream", "/stream", stream, None),
        ("events", "/events", events, None),
        *((f"r{number}", f"/r{number}/{{id}}", numbered, None) for number in range(ROUTES)),
    ]:
        config.add_route(name, path)
        config.add_view(view, route_name=name, renderer=renderer)
    config.add_static_view("files", FILES)
    return config.make_wsgi_app()


if __name__ == "__main__":
    serve(application(), host="127.0.0.1", port=PORT, connection_limit=1000)
