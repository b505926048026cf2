"""Answers that do not end: the beginning of one; its lines."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE
from tests.websocket_frames import Frame, frame, read_frames

from .sample_server import Server

__all__ = ["Socket", "beginning", "lines"]


@contextmanager
def _response(server: Server, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        yield connection.getresponse()
    finally:
        connection.close()


def beginning(server: Server, path: str, size: int) -> bytes:
    """The first `size` bytes of an answer."""
    with _response(server, path) as response:
        return response.read(size)


def lines(server: Server, path: str) -> Iterator[str]:
    """The lines of an answer, as they come."""
    with _response(server, path) as response:
        for line in response:
            yield line.decode().rstrip("\n")


class Socket:
    """A WebSocket, for tests that know how many messages come."""

    def __init__(self, server: Server, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        self._data = b""
        while b"\r\n\r\n" not in self._data:
            self._data += self._socket.recv(4096)
        self.head, _, self._data = self._data.partition(b"\r\n\r\n")

    def send(self, text: str) -> None:
        self._socket.sendall(frame(1, text.encode()))

    def receive(self) -> Frame:
        """The next frame; all here are short ones."""
        while len(self._data) < 2 or len(self._data) < 2 + self._data[1]:
            data = self._socket.recv(4096)
            assert data, "the server has closed"
            self._data += data
        size = 2 + self._data[1]
        (found,) = read_frames(self._data[:size])
        self._data = self._data[size:]
        return found

    def close(self) -> None:
        self._socket.close()
