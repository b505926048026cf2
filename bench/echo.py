"""Echo: a WebSocket on each of some connections; a message, its echo, the next message."""

from __future__ import annotations

import contextlib
import select
import socket
import statistics
import time
from typing import NamedTuple

from .asking import WrongAnswer
from .figures import Figures
from .servers import CLIENT_CORE, Server, on_core

__all__ = ["Echo"]

OPENING = (
    b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT = b"Hello, World!"
# A text in one frame, masked with zeros (RFC 6455, section 5.2): it can be sent again as it is.
MESSAGE = b"\x81" + bytes([0x80 | len(TEXT)]) + bytes(4) + TEXT
ECHO = b"\x81" + bytes([len(TEXT)]) + TEXT


class Echo(NamedTuple):
    """Frames are compared to the byte, each time."""

    title: str
    connections: int = 32
    routes: int = 0
    main: str = "messages"
    fresh: bool = False

    def check(self, server: Server) -> None:
        """Raises WrongAnswer and OSError."""
        with contextlib.closing(opened(server.port)) as client:
            for _ in range(50):
                client.sendall(MESSAGE)
                _expect(client)

    def measure(self, server: Server, seconds: float) -> Figures:
        """Raises WrongAnswer and OSError."""
        with contextlib.ExitStack() as stack, select.epoll() as poll:
            clients = {}
            for _ in range(self.connections):
                client = stack.enter_context(contextlib.closing(opened(server.port)))
                clients[client.fileno()] = client
                poll.register(client, select.EPOLLIN)
            before = server.processor_seconds()
            with on_core(CLIENT_CORE):
                began = time.perf_counter()
                times = _exchange(poll, clients, began + seconds)
                took = time.perf_counter() - began
            taken = server.processor_seconds() - before
        parts = statistics.quantiles(times, n=100)
        return {
            "messages": len(times) / took,
            "cpu": taken / len(times) * 1e6,
            "p50": parts[49] * 1e3,
            "p99": parts[98] * 1e3,
        }


def opened(port: int) -> socket.socket:
    """A connection on which a WebSocket is open. Raises WrongAnswer and OSError."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(OPENING)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = client.recv(1)  # what follows is the first frame's
        if not piece:
            break
        head += piece
    if not head.startswith(b"HTTP/1.1 101 "):
        client.close()
        raise WrongAnswer(f"/echo: no WebSocket, but {head!r}")
    return client


def _expect(client: socket.socket) -> None:
    got = client.recv(4096)
    while got != ECHO and ECHO.startswith(got) and (more := client.recv(4096)):
        got += more
    if got != ECHO:
        raise WrongAnswer(f"/echo: {got!r}, not {ECHO!r}")


def _exchange(poll: select.epoll, clients: dict[int, socket.socket], until: float) -> list[float]:
    """Seconds from each message to its echo."""
    times = []
    sent = {}
    for number, client in clients.items():
        client.send(MESSAGE)
        sent[number] = time.perf_counter()
    while (now := time.perf_counter()) < until:
        for number, _ in poll.poll(1):
            client = clients[number]
            _expect(client)
            now = time.perf_counter()
            times.append(now - sent[number])
            sent[number] = now
            client.send(MESSAGE)
    return times
