"""Falcon, as an ASGI application, on uvicorn with uvloop and httptools."""

import falcon
import falcon.asgi
import uvicorn

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


class Hello:
    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Hello, World!"


class User:
    async def on_get(self, req, resp, id):
        resp.media = {"id": id, "q": req.get_param("q")}


class Size:
    async def on_post(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = str(len(await req.stream.read()))


class Stream:
    async def on_get(self, req, resp):
        async def chunks():
            for chunk in CHUNKS:
                yield chunk

        resp.content_type = "application/octet-stream"
        resp.stream = chunks()


class Events:
    async def on_get(self, req, resp):
        async def events():
            for event in EVENTS:
                yield falcon.asgi.SSEvent(text=event)

        resp.sse = events()


class Echo:
    async def on_websocket(self, req, ws):
        await ws.accept()
        try:
            while True:
                await ws.send_text(await ws.receive_text())
        except falcon.WebSocketDisconnected:
            pass


class Numbered:
    async def on_get(self, req, resp, id):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = id


app = falcon.asgi.App()
app.add_route("/", Hello())
app.add_route("/users/{id:int}", User())
app.add_route("/size", Size())
app.add_route("/stream", Stream())
app.add_route("/events", Events())
app.add_route("/echo", Echo())
app.add_static_route("/files", FILES)
for number in range(ROUTES):
    app.add_route(f"/r{number}/{{id}}", Numbered())

if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
