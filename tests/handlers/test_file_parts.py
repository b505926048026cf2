"""Files that the kernel sends: bodies of answers, and the files of a directory."""

from __future__ import annotations

import io
import os
import random
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webob.static import FileApp, FileIter

from kroute import App, Response, StaticFiles
from kroute.handlers.file_parts import PART, file_parts
from kroute.net import TLS, Address, Listener, bind
from tests.conftest import Certificate
from tests.waiting import PATIENCE, wait_until

from .live import Live, live
from .test_static import opened

__all__ = ["live", "opened"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sendfile is used on Linux")

SIZE = 3 * PART + 12_345


@pytest.fixture
def data() -> bytes:
    return random.Random(7).randbytes(SIZE)


@pytest.fixture
def path(tmp_path: Path, data: bytes) -> Path:
    big = tmp_path / "files" / "big.bin"
    big.parent.mkdir()
    big.write_bytes(data)
    return big


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the kernel has sent, in each call of sendfile."""
    calls: list[int] = []
    real = os.sendfile

    def sendfile(*args: int) -> int:
        size = real(*args)
        calls.append(size)
        return size

    monkeypatch.setattr(os, "sendfile", sendfile)
    return calls


def all_of(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1 << 20), b""))


def body_of(sock: socket.socket) -> bytes:
    """The body of the only answer on a connection, with its framing."""
    return all_of(sock).partition(b"\r\n\r\n")[2]


def unchunked(data: bytes) -> bytes:
    body = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            assert data == b"\r\n"
            return body
        body, data = body + data[:size], data[size:]
        assert data.startswith(b"\r\n")
        data = data[2:]


def serve(live: Live, handler: Callable[..., Any], **options: Any) -> None:
    app = App()
    app.get("/", **options)(handler)
    live.serve(app)


def file(path: Path, buffering: int = -1) -> Any:
    return open(path, "rb", buffering)


BODIES: dict[str, Callable[[Path], Any]] = {
    "a file": file,
    "a raw file": lambda path: file(path, buffering=0),
    "WebOb's iterator": lambda path: FileIter(file(path)),
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("length", [None, SIZE])
def test_a_body_that_is_a_file(
    live: Live, path: Path, data: bytes, sent: list[int], what: str, length: int | None
) -> None:
    made = []

    def handler(request):
        made.append(BODIES[what](path))
        return Response(app_iter=made[0], content_length=length)

    serve(live, handler)
    got = body_of(live.ask("GET", "/"))
    assert (got if length else unchunked(got)) == data
    assert sum(sent) == SIZE
    body = made[0].file if isinstance(made[0], FileIter) else made[0]
    assert live.call(lambda: body.closed)


def test_from_where_it_stands(live: Live, path: Path, data: bytes, sent: list[int]) -> None:
    def handler(request):
        body = file(path)
        body.seek(SIZE - 100_000)
        yield Response(app_iter=body)
        yield b"and more"

    serve(live, handler)
    assert unchunked(body_of(live.ask("GET", "/"))) == data[-100_000:] + b"and more"
    assert sum(sent) == 100_000


def test_webobs_file_app(live: Live, path: Path, data: bytes, sent: list[int]) -> None:
    serve(live, lambda request: request.get_response(FileApp(str(path))))
    assert body_of(live.ask("GET", "/")) == data
    assert sum(sent) == SIZE


def test_http_1_0_and_the_next_request(
    live: Live, path: Path, data: bytes, sent: list[int]
) -> None:
    serve(live, lambda request: Response(app_iter=file(path), content_length=SIZE))
    client = live.connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.0\r\n\r\n")
    first, second = all_of(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(data)
    assert second.endswith(data)
    assert sum(sent) == 2 * SIZE


def test_no_more_than_the_content_length(
    live: Live, path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    serve(live, lambda request: Response(app_iter=file(path), content_length=10))
    client = live.connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        while client.recv(65536):
            pass
    assert "bytes more than its Content-Length" in caplog.text


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_static_files(
    live: Live, path: Path, data: bytes, sent: list[int], opened: list[int], method: str
) -> None:
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    live.serve(app)
    assert body_of(live.ask(method, "/files/big.bin")) == (b"" if method == "HEAD" else data)
    if method == "GET":
        assert sum(sent) == SIZE
    else:
        assert not sent
    live.call(lambda: None)
    assert opened == []


def test_ranges_of_static_files(live: Live, path: Path, data: bytes, sent: list[int]) -> None:
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    live.serve(app)
    body = body_of(live.ask("GET", "/files/big.bin", Range="bytes=5-2000004"))
    assert body == data[5:2_000_005]
    assert sent
    several = body_of(live.ask("GET", "/files/big.bin", Range="bytes=0-299999,1000000-1999999"))
    assert data[:300_000] in several
    assert data[1_000_000:2_000_000] in several


def test_a_client_that_reads_slowly_gets_all(live: Live, path: Path, data: bytes) -> None:
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    app.get("/quick")(lambda request: "quick")
    live.serve(app)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", live.port))
        client.sendall(b"GET /files/big.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b""
        for _ in range(50):
            got += client.recv(1000)
            assert b"quick" in all_of(live.ask("GET", "/quick"))
        got += all_of(client)
    assert got.partition(b"\r\n\r\n")[2] == data


@pytest.mark.parametrize("static", [False, True])
def test_a_file_that_becomes_shorter(
    live: Live, path: Path, caplog: pytest.LogCaptureFixture, static: bool
) -> None:
    """Far more than the buffers of two sockets have room for: so it is not all sent at once."""
    os.truncate(path, 64 << 20)
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    app.get("/own")(lambda request: Response(app_iter=file(path), content_length=64 << 20))
    live.serve(app)
    client = live.ask("GET", "/files/big.bin" if static else "/own")
    assert client.recv(1000)
    os.truncate(path, 1000)
    with pytest.raises(ConnectionResetError):
        while client.recv(65536):
            pass
    assert "a file became shorter while it was sent" in caplog.text
    assert b"404" in all_of(live.ask("GET", "/none"))


def test_a_client_that_goes_leaves_no_file_open(
    live: Live, path: Path, opened: list[int]
) -> None:
    os.truncate(path, 64 << 20)
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    live.serve(app)
    client = live.ask("GET", "/files/big.bin")
    assert client.recv(1000)
    client.close()
    wait_until(lambda: opened == [], "the closing of the file")


@pytest.mark.needs("openssl")
def test_with_tls_bytes_go_through_memory(
    live: Live, path: Path, data: bytes, sent: list[int], certificate: Certificate
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    app.get("/own")(lambda request: Response(app_iter=file(path)))
    listener = Listener(bind(Address("127.0.0.1", 0)), app.protocol, tls=TLS(context))
    live.port = listener.port
    listener.activate(Scheduler=live.scheduler)
    live.thread.start()
    trusting = ssl.create_default_context(cafile=str(certificate.certfile))
    for url in ("/files/big.bin", "/own"):
        with trusting.wrap_socket(live.connect(), server_hostname="localhost") as client:
            client.sendall(f"GET {url} HTTP/1.0\r\n\r\n".encode())
            got = b""
            while data_now := client.recv(1 << 20):
                got += data_now
        assert got.endswith(data)
    assert sent == []


@pytest.mark.parametrize("own", [False, True])
def test_a_cold_file_is_brought_into_memory_by_a_thread(
    live: Live,
    path: Path,
    data: bytes,
    sent: list[int],
    monkeypatch: pytest.MonkeyPatch,
    own: bool,
) -> None:
    threads = []
    real = os.pread

    def refuse(*args: Any) -> int:
        raise BlockingIOError

    def pread(*args: int) -> bytes:
        threads.append(threading.current_thread())
        return real(*args)

    monkeypatch.setattr(os, "preadv", refuse)
    monkeypatch.setattr(os, "pread", pread)
    app = App()
    app.mount("/files", StaticFiles(path.parent))
    app.get("/own")(lambda request: Response(app_iter=file(path), content_length=SIZE))
    live.serve(app)
    assert body_of(live.ask("GET", "/own" if own else "/files/big.bin")) == data
    assert sum(sent) == SIZE
    assert threads
    assert live.thread not in threads


def test_what_is_no_file_on_a_disk() -> None:
    read, write = os.pipe()
    os.close(write)
    with open(read, "rb") as pipe, tempfile.TemporaryFile() as closed:
        closed.close()
        for body in (io.BytesIO(b"x"), io.StringIO("x"), iter([b"x"]), pipe, closed, [b"x"]):
            assert file_parts(body) is None
