"""Klein on Twisted."""

import json
import os

from klein import Klein
from twisted.web.static import File

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES

app = Klein()


@app.route("/")
def hello(request):
    request.setHeader("Content-Type", "text/plain")
    return "Hello, World!"


@app.route("/users/<int:id>")
def user(request, id):
    request.setHeader("Content-Type", "application/json")
    return json.dumps({"id": id, "q": request.args[b"q"][0].decode()})


@app.route("/size", methods=["POST"])
def size(request):
    request.setHeader("Content-Type", "text/plain")
    return str(len(request.content.read()))


@app.route("/stream")
def stream(request):
    request.setHeader("Content-Type", "application/octet-stream")
    for chunk in CHUNKS:
        request.write(chunk)
    return b""


@app.route("/events")
def events(request):
    request.setHeader("Content-Type", "text/event-stream")
    for event in EVENTS:
        request.write(f"data: {event}\n\n".encode())
    return b""


@app.route("/files/", branch=True)
def files(request):
    return File(FILES)


def numbered(request, id):
    request.setHeader("Content-Type", "text/plain")
    return id


for number in range(ROUTES):
    app.route(f"/r{number}/<id>", endpoint=f"r{number}")(numbered)

if __name__ == "__main__":
    with open(os.devnull, "w") as nowhere:
        app.run("127.0.0.1", PORT, logFile=nowhere)
