"""A WSGI application on Falcon, for the servers that run one: granian, gunicorn."""

import falcon

from bench.given import CHUNKS, FILES, ROUTES


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


class Numbered:
    def on_get(self, req, resp, id):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = id


app = falcon.App()
app.add_route("/", Hello())
app.add_route("/users/{id:int}", User())
app.add_route("/size", Size())
app.add_route("/stream", Stream())
app.add_static_route("/files", FILES)
for number in range(ROUTES):
    app.add_route(f"/r{number}/{{id}}", Numbered())
