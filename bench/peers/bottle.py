"""Bottle on waitress."""

from bottle import Bottle, request, response, static_file
from waitress import serve

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES

app = Bottle()


@app.get("/")
def hello():
    response.content_type = "text/plain"
    return "Hello, World!"


@app.get("/users/<id:int>")
def user(id):
    return {"id": id, "q": request.query.q}


@app.post("/size")
def size():
    response.content_type = "text/plain"
    return str(len(request.body.read()))


@app.get("/stream")
def stream():
    response.content_type = "application/octet-stream"
    return iter(CHUNKS)


@app.get("/events")
def events():
    response.content_type = "text/event-stream"
    return (f"data: {event}\n\n" for event in EVENTS)


@app.get("/files/<name:path>")
def files(name):
    return static_file(name, root=FILES)


def numbered(id):
    response.content_type = "text/plain"
    return id


for number in range(ROUTES):
    app.get(f"/r{number}/<id>", callback=numbered)

if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=PORT, connection_limit=1000)
