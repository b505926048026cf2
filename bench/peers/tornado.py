"""Tornado on its own server."""

import asyncio
import logging

from tornado.web import Application, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketHandler

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


class Hello(RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write("Hello, World!")


class User(RequestHandler):
    def get(self, id):
        self.write({"id": int(id), "q": self.get_query_argument("q")})


class Size(RequestHandler):
    def post(self):
        self.set_header("Content-Type", "text/plain")
        self.write(str(len(self.request.body)))


class Stream(RequestHandler):
    async def get(self):
        self.set_header("Content-Type", "application/octet-stream")
        for chunk in CHUNKS:
            self.write(chunk)
            await self.flush()


class Events(RequestHandler):
    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        for event in EVENTS:
            self.write(f"data: {event}\n\n")
            await self.flush()


class Echo(WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)


class Numbered(RequestHandler):
    def get(self, id):
        self.set_header("Content-Type", "text/plain")
        self.write(id)


app = Application(
    [
        ("/", Hello),
        (r"/users/(\d+)", User),
        ("/size", Size),
        ("/stream", Stream),
        ("/events", Events),
        ("/echo", Echo),
        ("/files/(.*)", StaticFileHandler, {"path": FILES}),
        *((f"/r{number}/([^/]+)", Numbered) for number in range(ROUTES)),
    ]
)


async def main():
    logging.getLogger("tornado.access").disabled = True
    app.listen(PORT, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
