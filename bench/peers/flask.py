"""Flask on gunicorn."""

from flask import Flask, Response, request

from bench.given import CHUNKS, EVENTS, FILES, ROUTES
from bench.peers.gunicorn import run

app = Flask(__name__, static_folder=FILES, static_url_path="/files")


@app.get("/")
def hello():
    return Response("Hello, World!", mimetype="text/plain")


@app.get("/users/<int:id>")
def user(id):
    return {"id": id, "q": request.args["q"]}


@app.post("/size")
def size():
    return Response(str(len(request.data)), mimetype="text/plain")


@app.get("/stream")
def stream():
    return Response(iter(CHUNKS), mimetype="application/octet-stream")


@app.get("/events")
def events():
    return Response((f"data: {event}\n\n" for event in EVENTS), mimetype="text/event-stream")


def numbered(id):
    return Response(id, mimetype="text/plain")


for number in range(ROUTES):
    app.add_url_rule(f"/r{number}/<id>", view_func=numbered)

if __name__ == "__main__":
    run("bench.peers.flask:app")
