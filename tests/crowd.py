"""Crowd: a thousand clients of one server, in one thread; what came to each of them, and when."""

from __future__ import annotations

import os
import re
import resource
import selectors
import socket
import zlib
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TypeVar

from tests.waiting import PATIENCE
from tests.websocket_frames import frame, read_frames

__all__ = ["SECONDS", "Crowd", "Member", "Reader", "Talker", "make_room", "p99", "resident"]

SECONDS = float(os.environ.get("KROUTE_SECONDS", "5"))
"""How long load is put on something: `make load KROUTE_SECONDS=30`."""

M = TypeVar("M", bound="Member")


def make_room(descriptors: int) -> None:
    """Raise this process's limit of open files, if it is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, max(hard, descriptors)))


def resident(pid: int) -> int:
    """Bytes of memory that a process takes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def p99(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) * 99 // 100]


class Member:
    """One client. parts: what came after the head, in the pieces that it means something in, with
    the time at which each came. For subclasses to say: the `end` of a piece, and its `text`."""

    def __init__(self, port: int, path: str, *fields: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        head = [f"GET {path} HTTP/1.1", "Host: x", *fields, "", ""]
        self.socket.sendall("\r\n".join(head).encode())
        self.head = b""
        self.parts: list[tuple[bytes, float]] = []
        self._data = b""

    def read(self) -> None:
        """Take what has come."""
        data = self.socket.recv(1 << 16)
        now = monotonic()
        assert data, "the server has closed"
        self._data += data
        if not self.head:
            if b"\r\n\r\n" not in self._data:
                return
            self.head, _, self._data = self._data.partition(b"\r\n\r\n")
        while (end := self.end(self._data)) > 0:
            self.took(self._data[:end], now)
            self._data = self._data[end:]

    @staticmethod
    def end(data: bytes) -> int:
        """Where the first piece ends; 0 while that has not come."""
        raise NotImplementedError

    @staticmethod
    def text(part: bytes) -> bytes:
        """What a piece says."""
        raise NotImplementedError

    def took(self, part: bytes, now: float) -> None:
        self.parts.append((part, now))


class Talker(Member):
    """Has a WebSocket. parts: frames."""

    def __init__(self, port: int, path: str, compress: bool = False) -> None:
        fields = [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if compress:
            fields.append("Sec-WebSocket-Extensions: permessage-deflate")
        super().__init__(port, path, *fields)

    def say(self, text: str) -> None:
        self.socket.sendall(frame(1, text.encode()))

    @staticmethod
    def end(data: bytes) -> int:
        if len(data) < 4:
            return 0
        size, at = data[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at], "big")
        return at + size if len(data) >= at + size else 0

    @staticmethod
    def text(part: bytes) -> bytes:
        (came,) = read_frames(part)
        assert came.opcode == 1
        if part[0] & 0x40:  # RFC 7692, section 7.2.2
            return zlib.decompressobj(wbits=-15).decompress(came.payload + b"\0\0\xff\xff")
        return came.payload

    def took(self, part: bytes, now: float) -> None:
        if part[0] & 0x0F == 9:
            self.socket.sendall(frame(10))
        else:
            super().took(part, now)


class Reader(Member):
    """Has an event stream. parts: the chunks of its body that have an event in them."""

    @staticmethod
    def end(data: bytes) -> int:
        """A chunk (RFC 9112, section 7.1)."""
        line, found, _ = data.partition(b"\r\n")
        whole = len(line) + 2 + int(line or b"0", 16) + 2
        return whole if found and len(data) >= whole else 0

    @staticmethod
    def text(part: bytes) -> bytes:
        (data,) = re.findall(rb"^data: (.*)$", part, re.MULTILINE)
        return bytes(data)

    def took(self, part: bytes, now: float) -> None:
        if b"data: " in part:
            super().took(part, now)


class Crowd:
    """Members, and the waiting for what comes to them."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self._selector = selectors.DefaultSelector()

    def join(self, member: M) -> M:
        self.members.append(member)
        self._selector.register(member.socket, selectors.EVENT_READ, member)
        return member

    def hear(self, say: Callable[[str], object], rounds: int, per_second: float = 1.0) -> float:
        """Have something said `rounds` times, one a second, and see that all hear each of it, once
        and in order. Returns the 99th percentile of the seconds that it was on its way."""
        took: list[float] = []
        for number in range(rounds):
            began = monotonic()
            say(f"message {number}")
            self.listen_until(lambda: all(member.parts for member in self.members))
            for member in self.members:
                ((said, when),) = member.parts
                assert f"message {number}".encode() in member.text(said)
                took.append(when - began)
                member.parts.clear()
            self.listen(began + 1 / per_second - monotonic())
        assert not any(member.parts for member in self.members)
        return p99(took)

    def listen(self, seconds: float) -> None:
        """Read what comes, for so long."""
        until = monotonic() + seconds
        self.listen_until(lambda: monotonic() >= until, seconds + PATIENCE)

    def listen_until(self, done: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Read what comes until that is so."""
        until = monotonic() + seconds
        while not done():
            assert monotonic() < until, "it did not happen in time"
            for key, _ in self._selector.select(0.01):
                key.data.read()

    def close(self) -> None:
        self._selector.close()
        for member in self.members:
            member.socket.close()
