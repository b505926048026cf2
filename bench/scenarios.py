"""SCENARIOS: what is measured, by name. Each checks the answers of a server, then measures it.

Figures: what one measurement gives, by the names in FIGURES.
"""

from __future__ import annotations

import json
import subprocess
from typing import NamedTuple

from .asking import Asked
from .given import CHUNKS
from .servers import CLIENT_CORE, Server, on_core

__all__ = ["FIGURES", "MIB", "SCENARIOS", "Figure", "Figures", "Load", "load"]

MIB = bytes(range(256)) * 4096
"""What the static file has in it."""

WARMING = 50
"""Requests before the first measurement."""

Figures = dict[str, float]


class Figure(NamedTuple):
    """unit: as tables show it. more: whether more is better."""

    unit: str
    more: bool
    digits: int = 0


FIGURES = {
    "rate": Figure("requests/s", more=True),
    "cpu": Figure("µs of CPU", more=False, digits=1),
    "p50": Figure("p50, ms", more=False, digits=2),
    "p99": Figure("p99, ms", more=False, digits=2),
}


class Load(NamedTuple):
    """wrk asks on some connections at once, again and again, for so many seconds.

    routes: how many the server declares beside the usual ones. pipeline: requests that are sent
    at once on a connection.
    """

    title: str
    asked: Asked
    connections: int = 32
    pipeline: int = 1
    routes: int = 0
    main: str = "rate"

    def check(self, server: Server) -> None:
        """Raises WrongAnswer, OSError or HTTPException."""
        large = max(self.asked.body, len(self.asked.answer or b"")) > 100_000
        for _ in range(2 if large else WARMING):
            self.asked.check(server.port)

    def measure(self, server: Server, seconds: int) -> Figures:
        """Raises RuntimeError where connections broke or the answers had another status."""
        before = server.processor_seconds()
        report = load(server.port, self.asked, self.connections, seconds, self.pipeline)
        taken = server.processor_seconds() - before
        count = report["requests"]
        failed = 0 if 200 <= self.asked.status < 400 else count
        if report["broken"] or report["statuses"] != failed or not count:
            raise RuntimeError(f"{server.peer}: {report}\n{server.said()}")
        return {
            "rate": count / report["microseconds"] * 1e6,
            "cpu": taken / count * 1e6,
            "p50": report["p50"] / 1e3,
            "p99": report["p99"] / 1e3,
        }


def load(port: int, asked: Asked, connections: int, seconds: int, pipeline: int = 1) -> Figures:
    """What wrk reports, in the words of `load.lua`."""
    script = __file__.rpartition("/")[0] + "/load.lua"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script]
    command += [f"http://127.0.0.1:{port}{asked.path}", "--", *asked.arguments()]
    command.append(f"pipeline={pipeline}")
    with on_core(CLIENT_CORE):
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    report: Figures = json.loads(done.stdout.splitlines()[-1])
    return report


HELLO = Asked("/", b"Hello, World!")

SCENARIOS = {
    "hello": Load("hello, 32 connections", HELLO),
    "hello-1": Load("hello, 1 connection", HELLO, connections=1),
    "hello-512": Load("hello, 512 connections", HELLO, connections=512),
    "json": Load(
        "JSON with a path variable and a query argument",
        Asked("/users/4711?q=kroute", b'{"id":4711,"q":"kroute"}', spaced=True),
    ),
    "missing": Load("404", Asked("/nowhere", None, 404)),
    "post-1k": Load("POST of 1 KiB", Asked("/size", b"1024", method="POST", body=1024)),
    "post-1m": Load("POST of 1 MiB", Asked("/size", b"1048576", method="POST", body=1048576)),
    "stream": Load("10 MiB streamed", Asked("/stream", b"".join(CHUNKS))),
    "static": Load("a file of 1 MiB", Asked("/files/1MiB.bin", MIB)),
    "close": Load("Connection: close", HELLO._replace(close=True)),
    "pipelined": Load("16 requests at once", HELLO, pipeline=16),
    "routes": Load("500 routes", Asked("/r499/4711", b"4711"), routes=500),
}
