"""A WSGI application on Falcon, for the servers that run one: granian, gunicorn."""

import falcon

from bench.given import CHUNKS, EVENTS, FILES, ROUTES


class Hello:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Hello, World!"


class User:
    def on_get(self, req, resp, id):
        resp.media = {"id": id, "q": req.get_param("q")}


class Size:
    def on_post(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = str(len(req.bounded_stream.read()))


class Stream:
    def on_get(self, req, resp):
        resp.content_type = "application/octet-stream"
        resp.stream = iter(CHUNKS)


class Events:
    def on_get(self, req, resp):
        resp.content_type = "text/event-stream"
        resp.stream = (f"data: {event}\n\n".encode() for event in EVENTS)


class Numbered:
    def on_get(self, req, resp, id):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = id


app = falcon.App()
app.add_route("/", Hello())
app.add_route("/users/{id:int}", User())
app.add_route("/size", Size())
app.add_route("/stream", Stream())
app.add_route("/events", Events())
app.add_static_route("/files", FILES)
for number in range(ROUTES):
    app.add_route(f"/r{number}/{{id}}", Numbered())
