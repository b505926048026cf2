"""The Flask application that all WSGI servers are given."""

from flask import Flask, Response, send_file

from bench.given import FILES

__all__ = ["THREADS", "app"]

THREADS = 8

app = Flask(__name__)
MADE = bytes(1024 * 1024)


@app.get("/")
def hello():
    return "Hello, World!"


@app.get("/file")
def file():
    return send_file(f"{FILES}/1MiB.bin")


@app.get("/made")
def made():
    return Response(MADE, mimetype="application/octet-stream")


@app.get("/parts")
def parts():
    return Response(
        (MADE[at : at + 65536] for at in range(0, len(MADE), 65536)),
        mimetype="application/octet-stream",
    )
