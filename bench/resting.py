"""Idle, Start, Wakeups: what a server takes when little or nothing is asked of it."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import NamedTuple

from .asking import Asked, WrongAnswer
from .figures import Figures
from .load import LoadFailed, load
from .servers import Server

__all__ = ["Idle", "Start", "Wakeups"]

HELLO = Asked("/", b"Hello, World!")
REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SETTLING = 1.5
"""Seconds until a server is done with its last connection, and with having been held."""


class Idle(NamedTuple):
    """Connections that have had an answer each and then keep still, beside `busy` ones."""

    title: str
    connections: int = 5000
    busy: int = 32
    routes: int = 0
    main: str = "memory"
    fresh: bool = True

    def check(self, server: Server) -> None:
        """Raises WrongAnswer, OSError or HTTPException."""
        for _ in range(50):
            HELLO.check(server.port)

    def measure(self, server: Server, seconds: int) -> Figures:
        """Raises WrongAnswer, LoadFailed and OSError."""
        before = server.memory()
        with contextlib.ExitStack() as stack:
            idle = [
                stack.enter_context(contextlib.closing(_answered(server.port)))
                for _ in range(self.connections)
            ]
            taken = server.memory() - before
            report = load(server.port, HELLO, self.busy, seconds)
            lost = sum(map(_closed, idle))
        if lost > self.connections / 100:
            raise LoadFailed(f"{lost} of {self.connections} idle connections were closed")
        return {
            "memory": taken / self.connections / 1024,
            "rate": report["requests"] / report["microseconds"] * 1e6,
            "p99": report["p99"] / 1e3,
        }


def _answered(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=2)
    client.sendall(REQUEST)
    got = b""
    while not got.endswith((b"Hello, World!", b"\r\n0\r\n\r\n")):  # the last chunk, if in chunks
        piece = client.recv(4096)
        if not piece:
            client.close()
            raise WrongAnswer(f"closed after {got!r}")
        got += piece
    client.setblocking(False)
    return client


def _closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


class Start(NamedTuple):
    """From the start of the process to its first answer."""

    title: str
    connections: int = 1
    routes: int = 0
    main: str = "start"
    fresh: bool = True

    def check(self, server: Server) -> None:
        """Raises WrongAnswer, OSError or HTTPException."""
        HELLO.check(server.port)

    def measure(self, server: Server, seconds: int) -> Figures:
        return {"start": server.started * 1e3}


class Wakeups(NamedTuple):
    """Nobody asks; how often do its threads run all the same?"""

    title: str
    connections: int = 0
    routes: int = 0
    main: str = "wakeups"
    fresh: bool = False

    def check(self, server: Server) -> None:
        """Raises WrongAnswer, OSError or HTTPException."""
        HELLO.check(server.port)

    def measure(self, server: Server, seconds: float) -> Figures:
        time.sleep(SETTLING)
        before, began = server.switches(), time.perf_counter()
        time.sleep(seconds)
        return {"wakeups": (server.switches() - before) / (time.perf_counter() - began)}
