"""wsgi.file_wrapper on a real socket: files that the kernel sends."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kroute import App, Response
from kroute.net import CAN_SEND_FILES
from tests.waiting import PATIENCE, wait_until
from tests.wsgi_servers import ask

from .live import Live, live

__all__ = ["live"]

CONTENT = os.urandom(4096) * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the kernel was asked to send of a file, each time."""
    counts: list[int] = []
    sendfile = os.sendfile

    def counting(out: int, fd: int, at: int, count: int) -> int:
        counts.append(count)
        return sendfile(out, fd, at, count)

    monkeypatch.setattr(os, "sendfile", counting)
    return counts


class Sends:
    """A WSGI application that answers with a file."""

    def __init__(self, open_file: Callable[[], Any], start: int = 0, length: int | None = None):
        self.open_file = open_file
        self.start = start
        self.headers = [("Content-Type", "text/plain")]
        if length is not None:
            self.headers.append(("Content-Length", str(length)))
        self.file: Any = None
        self.closed = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.file = file = self.open_file()
        file.seek(self.start)
        start_response("200 OK", list(self.headers))
        wrapper = environ["wsgi.file_wrapper"](file, 4096)
        close = wrapper.close
        wrapper.close = lambda: (close(), self.closed.set())
        return wrapper


def serve(live: Live, application: Any, **options: Any) -> App:
    app = App()
    app.mount("/file", application, **options)
    app.get("/after")(lambda request: "after")
    live.serve(app)
    return app


@pytest.mark.skipif(not CAN_SEND_FILES, reason="sendfile() is another one here")
@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (0, len(CONTENT)), (1000, None), (1000, 100_000)]
)
def test_the_kernel_sends_a_file(
    live: Live, path: Path, sent: list[int], start: int, length: int | None
) -> None:
    application = Sends(lambda: path.open("rb"), start, length)
    serve(live, application)
    answer = ask(live.port, "GET", "/file")
    want = CONTENT[start:][:length]
    assert answer.body == want
    assert dict(answer.headers)["Content-Length"] == str(len(want))
    assert sent[0] == len(want)
    assert application.closed.wait(PATIENCE)
    assert application.file.closed


NOT_SENT: dict[str, Callable[[Path], Any]] = {
    "in memory": lambda path: io.BytesIO(CONTENT),
    "small": lambda path: _small(path),
    "no position": lambda path: _without(path, "tell"),
    "no descriptor": lambda path: _without(path, "fileno"),
}


def _small(path: Path) -> Any:
    path.write_bytes(CONTENT[:1000])
    return path.open("rb")


def _without(path: Path, name: str) -> Any:
    class Without(io.FileIO):
        def __getattribute__(self, attribute: str) -> Any:
            if attribute == name:
                raise AttributeError(name)
            return super().__getattribute__(attribute)

    return Without(path)


@pytest.mark.parametrize("kind", NOT_SENT)
def test_what_is_read_instead(live: Live, path: Path, sent: list[int], kind: str) -> None:
    application = Sends(lambda: NOT_SENT[kind](path))
    serve(live, application)
    assert ask(live.port, "GET", "/file").body == path.read_bytes()
    assert sent == []
    assert application.closed.wait(PATIENCE)


def test_head(live: Live, path: Path, sent: list[int]) -> None:
    application = Sends(lambda: path.open("rb"))
    serve(live, application)
    answer = ask(live.port, "HEAD", "/file")
    assert (answer.status, answer.body) == (200, b"")
    assert sent == []
    assert application.closed.wait(PATIENCE)


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_the_next_request_of_a_pipeline(live: Live, path: Path, version: str) -> None:
    serve(live, Sends(lambda: path.open("rb")))
    client = live.connect()
    keep = "Connection: keep-alive\r\n"
    client.sendall(
        f"GET /file {version}\r\nHost: a\r\n{keep}\r\n"
        f"GET /after {version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, rest = everything(client).partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(CONTENT) in head
    assert rest[: len(CONTENT)] == CONTENT
    assert rest[len(CONTENT) :].startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"after")


def everything(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_length_that_the_file_does_not_have(
    live: Live, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    application = Sends(lambda: path.open("rb"), length=len(CONTENT) + 1)
    serve(live, application)
    client = live.ask("GET", "/file")
    with pytest.raises(ConnectionResetError):
        everything(client)
    assert application.closed.wait(PATIENCE)
    assert "Sends" in caplog.text and "Content-Length" in caplog.text


def test_hooks_have_their_say(live: Live, path: Path, sent: list[int]) -> None:
    application = Sends(lambda: path.open("rb"))
    app = serve(live, application)

    @app.after_request
    def after(request: Any, response: Any) -> Any:
        response.headers["X-After"] = "1"
        return Response("instead") if request.GET else None

    answer = ask(live.port, "GET", "/file")
    assert (answer.body, dict(answer.headers)["X-After"]) == (CONTENT, "1")
    sent.clear()
    assert ask(live.port, "GET", "/file?x=1").body == b"instead"
    assert sent == []


@pytest.mark.skipif(not CAN_SEND_FILES, reason="sendfile() is another one here")
def test_a_slow_client_holds_no_thread(live: Live, path: Path) -> None:
    path.write_bytes(CONTENT * 64)  # 16 MiB, more than sockets hold
    application = Sends(lambda: path.open("rb"))
    serve(live, application, threads=1, queue=0)
    slow = live.ask("GET", "/file")
    assert application.closed.wait(PATIENCE)
    application.closed.clear()
    assert ask(live.port, "HEAD", "/file").status == 200
    assert everything(slow).endswith(CONTENT)


def test_a_client_that_leaves_leaves_nothing(live: Live, path: Path) -> None:
    path.write_bytes(CONTENT * 64)
    serve(live, Sends(lambda: path.open("rb")))
    client = live.ask("GET", "/file")
    assert client.recv(1000)
    client.close()
    wait_until(lambda: not open_on(path), "the closing of the file")


def open_on(path: Path) -> int:
    """How many descriptors of this process lead to a file."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{fd}") == str(path)
    return found
