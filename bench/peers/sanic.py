"""Sanic on its own server, with uvloop and httptools."""

from sanic import Sanic
from sanic.response import json, text

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES

app = Sanic("bench", configure_logging=False)


@app.get("/")
async def hello(request):
    return text("Hello, World!")


@app.get("/users/<id:int>")
async def user(request, id):
    return json({"id": id, "q": request.args.get("q")})


@app.post("/size")
async def size(request):
    return text(str(len(request.body)))


@app.get("/stream")
async def stream(request):
    response = await request.respond(content_type="application/octet-stream")
    for chunk in CHUNKS:
        await response.send(chunk)
    await response.eof()


@app.get("/events")
async def events(request):
    response = await request.respond(content_type="text/event-stream")
    for event in EVENTS:
        await response.send(f"data: {event}\n\n")
    await response.eof()


@app.websocket("/echo")
async def echo(request, socket):
    async for message in socket:
        await socket.send(message)


async def numbered(request, id):
    return text(id)


app.static("/files", FILES)
for number in range(ROUTES):
    app.add_route(numbered, f"/r{number}/<id>", name=f"r{number}")

if __name__ == "__main__":
    app.run("127.0.0.1", PORT, single_process=True, access_log=False, motd=False)
