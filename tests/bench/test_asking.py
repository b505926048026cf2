"""Asked: only the right answer, to the byte, may be timed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.asking import Asked, WrongAnswer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = (404, b"no") if self.path == "/no" else (200, b'{"a": 1}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.path = "/" + str(len(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "asked",
    [
        Asked("/", b'{"a": 1}'),
        Asked("/", b'{"a": 1}', close=True),
        Asked("/", b'{"a":1}', spaced=True),
        Asked("/no", b"no", 404),
        Asked("/no", None, 404),
        Asked("/", b'{"a": 1}', method="POST", body=1024),
    ],
)
def test_the_right_answer_passes(asked: Asked, port: int) -> None:
    asked.check(port)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (Asked("/", b'{"a":1}'), "not 7 bytes"),
        (Asked("/", b'{"a":2}', spaced=True), "not 7 bytes"),
        (Asked("/", b'{"a": 1} '), "not 9 bytes"),
        (Asked("/", None, 404), "200, not 404"),
        (Asked("/no", b"no"), "404, not 200"),
    ],
)
def test_any_other_does_not(asked: Asked, complaint: str, port: int) -> None:
    with pytest.raises(WrongAnswer, match=complaint):
        asked.check(port)
