"""What a server costs and endures: gigabytes, a thousand slow clients, an end under load."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.crowd import p99, resident
from tests.server.process import Served

pytestmark = [
    pytest.mark.load,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
]

PROGRAM = """
    from kroute import App, Limits, Response, StaticFiles, in_thread, sleep

    app = App()
    app.mount("/files", StaticFiles("."))
    block = bytes(65536)

    @app.get("/hello/{name}")
    def hello(request, name):
        return Response(f"Hello, {name}!", content_type="text/plain")

    @app.get("/down/{size}")
    def down(request, size: int):
        yield Response(content_type="application/octet-stream", content_length=size)
        while size > 0:
            yield block[:size]
            size -= len(block)

    @app.put("/up", stream=True, max_body=1 << 40)
    def up(request):
        size = 0
        while chunk := (yield from request.read()):
            size += len(chunk)
        yield f"{size}"

    @app.post("/body")
    def body(request):
        return request.body

    @app.get("/endless")
    def endless(request):
        yield Response(content_type="application/octet-stream")
        while True:
            yield block

    @app.get("/slowly/{name}")
    def slowly(request, name):
        yield Response(content_type="text/plain")
        for letter in name:
            yield from sleep(0.02)
            yield letter

    @app.get("/thread/{name}")
    def thread(request, name):
        yield from sleep(0.02)
        yield (yield from in_thread(name.upper))
"""

SIZE = 2 << 30


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, PROGRAM) as server:
        yield server
        assert server.process.poll() is not None or server.stop() == 0
        assert not [line for line in server.lines if "Traceback" in line or "Warning" in line]


def peak(served: Served) -> int:
    """Bytes of a process that have been in memory at a time."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


# Gigabytes.


@pytest.mark.needs("curl")
@pytest.mark.parametrize("way", ["down", "file", "up", "up in chunks"])
def test_two_gibibytes_take_no_memory(served: Served, tmp_path: Path, way: str) -> None:
    with open(tmp_path / "zeros", "wb") as file:
        file.truncate(SIZE)
    base = f"http://127.0.0.1:{served.port}"
    words = {
        "down": ["-o", os.devnull, "-w", "%{size_download}", f"{base}/down/{SIZE}"],
        "file": ["-o", os.devnull, "-w", "%{size_download}", f"{base}/files/zeros"],
        "up": ["-T", str(tmp_path / "zeros"), f"{base}/up"],
        "up in chunks": ["-T", "-", f"{base}/up"],
    }[way]
    served.ask("PUT", "/up", b"x")
    served.ask("GET", "/down/100000")
    before = peak(served)
    with open(tmp_path / "zeros", "rb") as zeros:
        done = subprocess.run(
            ["curl", "-sS", "--http1.1", *words],
            stdin=zeros,
            capture_output=True,
            text=True,
            timeout=150,
        )
    assert (done.stdout, done.stderr) == (str(SIZE), "")
    grown = peak(served) - before
    print(f"{way}: {grown / (1 << 20):.1f} MiB more")
    assert grown < 32 << 20


def test_an_endless_answer_that_nobody_reads(served: Served) -> None:
    served.ask("GET", "/down/1000000")
    before = resident(served.process.pid)
    with ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000)
        grown = []
        end = monotonic() + 5
        while monotonic() < end:
            assert served.ask("GET", "/hello/you")[0] == 200
            grown.append(resident(served.process.pid) - before)
    print(f"{max(grown) / (1 << 20):.1f} MiB more with 100 clients")
    assert max(grown) < 32 << 20
    assert max(grown[len(grown) // 2 :]) - max(grown[: len(grown) // 2]) < 2 << 20  # flat


# A thousand slow ones.


class Slow:
    """Clients that send, or read, one byte a second each. In a thread."""

    SECONDS = 12

    def __init__(self, served: Served) -> None:
        self.readers: list[socket.socket] = []
        self.senders: list[tuple[socket.socket, bytes]] = []
        self.failed: list[str] = []
        for _ in range(500):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", served.port))
            reader.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            self.readers.append(reader)
        for number in range(500):
            head = b"GET /hello/slow HTTP/1.1\r\nHost: slow.example\r\n\r\n"
            sender = socket.create_connection(("127.0.0.1", served.port))
            if number % 2:
                sender.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
            self.senders.append((sender, b"x" * 100 if number % 2 else head))
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        begun = monotonic()
        for second in range(self.SECONDS):
            for number in range(500):
                sender, text = self.senders[number]
                try:
                    sender.send(text[second : second + 1])
                    if not self.readers[number].recv(1):
                        self.failed.append("a reader came to an end")
                except OSError as error:
                    self.failed.append(str(error))
                if number % 25 == 24:
                    sleep(max(0, begun + second + number / 500 - monotonic()))

    def close(self) -> None:
        for sock in (*self.readers, *(sender for sender, _ in self.senders)):
            sock.close()


def test_a_thousand_slow_clients_do_not_hinder_another_one(served: Served) -> None:
    slow = Slow(served)
    took = []
    with served.connect() as client:
        slow.thread.start()
        while slow.thread.is_alive():
            before = monotonic()
            client.sendall(b"GET /hello/quick HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).endswith(b"Hello, quick!")
            took.append(monotonic() - before)
            sleep(0.005)
    slow.thread.join()
    slow.close()
    print(f"{len(took)} requests, p99 {p99(took) * 1000:.1f} ms, at most {max(took) * 1000:.1f}")
    assert slow.failed == []
    assert len(took) > 500
    assert p99(took) < 0.05


# The end under load.


class Loaded:
    """Connections that ask one thing after the other until the server closes them.

    answered: requests whose answers are complete. ended: those that the server closed the
    connection at, before any byte of an answer; begun: those that were cut after one.
    """

    KINDS = ("hello", "slowly", "thread", "body", "down")

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered: Counter[str] = Counter()
        self.ended: list[float] = []
        self.begun: list[str] = []
        self.wrong: list[str] = []

    async def one(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for count in range(100_000):
            kind = self.KINDS[(number + count) % len(self.KINDS)]
            name = f"n{number}c{count}"
            request, want = self._of(kind, name)
            asked = monotonic()
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                if getattr(error, "partial", b""):
                    self.begun.append(f"{kind}: {error!r}")
                else:
                    self.ended.append(asked)
                break
            try:
                body = await self._body(reader, head)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                self.begun.append(f"{kind}: {error!r}")
                break
            if body != want:
                self.wrong.append(f"{kind}: {body[:100]!r}")
            self.answered[kind] += 1
            if b"\r\nConnection: close\r\n" in head:
                break
        writer.close()

    @staticmethod
    def _of(kind: str, name: str) -> tuple[bytes, bytes]:
        """A request and the body of its answer."""
        if kind == "body":
            text = name.encode() * 5000
            fields = f"Host: x\r\nContent-Length: {len(text)}"
            return f"POST /body HTTP/1.1\r\n{fields}\r\n\r\n".encode() + text, text
        size = 300_000
        path = f"/{kind}/{size if kind == 'down' else name}"
        want = {"hello": f"Hello, {name}!", "slowly": name, "thread": name.upper()}
        body = want[kind].encode() if kind in want else bytes(size)
        return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), body

    @staticmethod
    async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
        length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
        if length:
            return await reader.readexactly(int(length[1]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            assert await reader.readexactly(2) == b"\r\n"
        assert await reader.readexactly(2) == b"\r\n"
        return body

    async def run(self, served: Served, connections: int, seconds: float) -> float:
        """Load the server for some seconds, then end it; when that was."""
        tasks = [asyncio.create_task(self.one(number)) for number in range(connections)]
        await asyncio.sleep(seconds)
        assert not any(task.done() for task in tasks)
        ended = monotonic()
        served.kill(signal.SIGTERM)
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        return ended


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.5, 2.0])
def test_no_answer_is_lost_when_the_server_ends_under_load(
    served: Served, seconds: float
) -> None:
    load = Loaded(served.port)
    at = asyncio.run(load.run(served, 64, seconds))
    assert served.wait() == 0
    lost = [asked for asked in load.ended if asked < at]
    print(f"{sum(load.answered.values())} answers; closed unasked: {len(load.ended)}")
    assert set(load.answered) == set(load.KINDS)
    assert (load.wrong, load.begun, lost) == ([], [], [])
