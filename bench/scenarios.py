"""SCENARIOS: what is measured, by name."""

from __future__ import annotations

from .asking import Asked
from .echo import Echo
from .given import CHUNKS, EVENTS
from .load import Load
from .resting import HELLO, Idle, Start, Wakeups
from .schedulers import Schedulers

__all__ = ["MIB", "SCENARIOS", "OfServers"]

MIB = bytes(range(256)) * 4096
"""What the static file has in it."""

USER = Asked("/users/4711?q=kroute", b'{"id":4711,"q":"kroute"}', spaced=True)
STREAM = Asked("/stream", b"".join(CHUNKS))
TICKS = Asked("/events", "".join(f"data: {event}\n\n" for event in EVENTS).encode())

OfServers = Load | Echo | Idle | Start | Wakeups

SCENARIOS: dict[str, OfServers | Schedulers] = {
    "hello": Load("Hello, 32 connections", HELLO),
    "hello-1": Load("Hello, 1 connection", HELLO, connections=1),
    "hello-512": Load("Hello, 512 connections", HELLO, connections=512),
    "json": Load("JSON with a path variable and a query argument", USER),
    "missing": Load("404", Asked("/nowhere", None, 404)),
    "post-1k": Load("POST of 1 KiB", Asked("/size", b"1024", method="POST", body=1024)),
    "post-1m": Load("POST of 1 MiB", Asked("/size", b"1048576", method="POST", body=1048576)),
    "stream": Load("10 MiB streamed", STREAM),
    "static": Load("A file of 1 MiB", Asked("/files/1MiB.bin", MIB)),
    "close": Load("A connection for each request", HELLO._replace(close=True)),
    "pipelined": Load("16 requests at once", HELLO, pipeline=16),
    "routes": Load("500 routes, the last one asked for", Asked("/r499/4711", b"4711"), routes=500),
    "events": Load("An event stream of 100 events", TICKS),
    "echo": Echo("WebSocket echo"),
    "idle": Idle("5,000 idle connections, and 32 busy ones beside them"),
    "start": Start("From start to first answer"),
    "wakeups": Wakeups("Nothing to do"),
    "pipeline": Schedulers("A Pipeline of ten components"),
}
