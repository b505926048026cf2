"""Starlette on uvicorn, with uvloop and httptools."""

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


async def hello(request):
    return PlainTextResponse("Hello, World!")


async def user(request):
    return JSONResponse({"id": request.path_params["id"], "q": request.query_params["q"]})


async def size(request):
    return PlainTextResponse(str(len(await request.body())))


async def stream(request):
    async def chunks():
        for chunk in CHUNKS:
            yield chunk

    return StreamingResponse(chunks(), media_type="application/octet-stream")


async def events(request):
    async def pieces():
        for event in EVENTS:
            yield f"data: {event}\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")


async def echo(socket):
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message)


async def numbered(request):
    return PlainTextResponse(request.path_params["id"])


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/users/{id:int}", user),
        Route("/size", size, methods=["POST"]),
        Route("/stream", stream),
        Route("/events", events),
        WebSocketRoute("/echo", echo),
        Mount("/files", StaticFiles(directory=FILES)),
        *(Route(f"/r{number}/{{id}}", numbered) for number in range(ROUTES)),
    ]
)

if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
