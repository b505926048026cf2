"""A bare ASGI application on uvicorn, with uvloop and httptools: the floor there."""

import json
from urllib.parse import parse_qs

import uvicorn

from bench.given import CHUNKS, EVENTS, PORT, ROUTES

TEXT = b"text/plain; charset=utf-8"


async def answer(send, body, status=200, content_type=TEXT):
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send):
    await answer(send, b"Hello, World!")


async def user(scope, receive, send):
    query = parse_qs(scope["query_string"].decode())
    document = {"id": int(scope["path"].rpartition("/")[2]), "q": query["q"][0]}
    await answer(send, json.dumps(document).encode(), content_type=b"application/json")


async def size(scope, receive, send):
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, b"%d" % length)


async def stream(scope, receive, send):
    headers = [(b"content-type", b"application/octet-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in CHUNKS:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


async def events(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in EVENTS:
        body = f"data: {event}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body"})


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while "text" in (message := await receive()):
        await send({"type": "websocket.send", "text": message["text"]})


async def numbered(scope, receive, send):
    await answer(send, scope["path"].rpartition("/")[2].encode())


async def missing(scope, receive, send):
    await answer(send, b"Not Found", 404)


routes = {
    "": hello,
    "users": user,
    "size": size,
    "stream": stream,
    "events": events,
    "echo": echo,
}
routes.update((f"r{number}", numbered) for number in range(ROUTES))


async def app(scope, receive, send):
    await routes.get(scope["path"].split("/", 2)[1], missing)(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=PORT,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="off",
    )
