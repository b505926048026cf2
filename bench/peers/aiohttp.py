"""aiohttp on its own server, with uvloop."""

import uvloop
from aiohttp import web

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


async def hello(request):
    return web.Response(text="Hello, World!")


async def user(request):
    return web.json_response({"id": int(request.match_info["id"]), "q": request.query["q"]})


async def size(request):
    return web.Response(text=str(len(await request.read())))


async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    for chunk in CHUNKS:
        await response.write(chunk)
    return response


async def events(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in EVENTS:
        await response.write(f"data: {event}\n\n".encode())
    return response


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


async def numbered(request):
    return web.Response(text=request.match_info["id"])


app = web.Application(client_max_size=2**24)
app.router.add_get("/", hello)
app.router.add_get(r"/users/{id:\d+}", user)
app.router.add_post("/size", size)
app.router.add_get("/stream", stream)
app.router.add_get("/events", events)
app.router.add_get("/echo", echo)
app.router.add_static("/files", FILES)
for number in range(ROUTES):
    app.router.add_get(f"/r{number}/{{id}}", numbered)

if __name__ == "__main__":
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=PORT, access_log=None, print=None, loop=loop)
