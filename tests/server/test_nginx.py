"""Two servers in a chain: nginx in front, connections to kroute kept."""

from __future__ import annotations

import hashlib
import http.client
import random
import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import Served
from tests.waiting import PATIENCE, listens, wait_until

pytestmark = [pytest.mark.load, pytest.mark.timeout(180), pytest.mark.needs("nginx")]

REQUESTS = 10_000
CLIENTS = 8

PROGRAM = """
    from hashlib import sha256
    from kroute import App, Response, StaticFiles, in_thread, sleep

    app = App()
    app.mount("/files", StaticFiles("files"))

    @app.after_request
    def mark(request, response):
        response.headers["X-Token"] = request.headers.get("X-Token", "")

    @app.get("/hello/{name}")
    def hello(request, name):
        return f"Hello, {name}! {request.scheme} {request.remote_addr}"

    @app.get("/stream/{name}")
    def stream(request, name):
        yield Response(content_type="text/plain")
        for letter in name:
            yield letter
            yield from sleep(0.001)

    @app.get("/thread/{name}")
    def thread(request, name):
        yield (yield from in_thread(name.upper))

    @app.route("/echo", methods=["POST", "PUT", "PATCH"])
    def echo(request):
        return request.body

    @app.put("/hash", stream=True)
    def hash_of(request):
        digest = sha256()
        while chunk := (yield from request.read()):
            digest.update(chunk)
        yield digest.hexdigest()

    @app.put("/ignored", stream=True)
    def ignored(request):
        yield "ignored"

    @app.delete("/nothing")
    def nothing(request):
        return None

    @app.get("/fails")
    def fails(request):
        raise ValueError
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream app {{
        server 127.0.0.1:{upstream};
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 16m;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        location / {{ proxy_pass http://app; }}
        location /hash {{ proxy_pass http://app; proxy_request_buffering off; }}
        location /stream {{ proxy_pass http://app; proxy_buffering off; }}
    }}
}}
"""

FILE = random.Random(1).randbytes(300_000)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "film.bin").write_bytes(FILE)
    with Served(tmp_path, PROGRAM, "--access-log") as server:
        yield server


@pytest.fixture
def nginx(served: Served, tmp_path: Path) -> Iterator[int]:
    """The port of an nginx in front of `served`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, upstream=served.port, port=port))
    words = ["nginx", "-p", str(tmp_path), "-c", str(config), "-e", str(tmp_path / "error.log")]
    with subprocess.Popen(words) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(("127.0.0.1", port)), "nginx")
            assert process.poll() is None
            yield port
        finally:
            process.terminate()


class Client:
    """Asks one thing after the other on a connection that is kept, and compares the answers."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.seed = seed
        self.random = random.Random(seed)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.asked: Counter[str] = Counter()
        self.mismatched: list[str] = []
        self.thread = threading.Thread(target=self._run)
        self.kinds = [name for name in dir(self) if name.startswith("ask_")]

    def _run(self) -> None:
        for number in range(REQUESTS // CLIENTS):
            kind = self.random.choice(self.kinds)
            self.token = f"c{self.seed}n{number}"
            try:
                getattr(self, kind)()
            except Exception as error:
                self.mismatched.append(f"{kind}: {error!r}")
                self.connection.close()
            self.asked[kind] += 1
        self.connection.close()

    def ask(
        self, method: str, path: str, body: object = None, code: int = 200, **fields: str
    ) -> http.client.HTTPResponse:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        headers["X-Token"] = self.token
        self.connection.request(
            method, path, body, headers, encode_chunked=isinstance(body, Iterator)
        )
        answer = self.connection.getresponse()
        self.body = answer.read()
        assert answer.status == code, answer.status
        assert answer.headers["X-Token"] == self.token
        return answer

    def ask_hello(self) -> None:
        self.ask("GET", f"/hello/{self.token}")
        assert self.body.decode() == f"Hello, {self.token}! http 127.0.0.1"

    def ask_head(self) -> None:
        answer = self.ask("HEAD", f"/hello/{self.token}")
        assert (self.body, int(answer.headers["Content-Length"])) == (b"", 23 + len(self.token))

    def ask_stream(self) -> None:
        self.ask("GET", f"/stream/{self.token}")
        assert self.body.decode() == self.token

    def ask_thread(self) -> None:
        self.ask("GET", f"/thread/{self.token}")
        assert self.body.decode() == self.token.upper()

    def ask_echo(self) -> None:
        text = self.token.encode() * self.random.choice([0, 1, 1000, 20_000])
        self.ask(self.random.choice(["POST", "PUT", "PATCH"]), "/echo", text)
        assert self.body == text

    def ask_echo_of_chunks(self) -> None:
        parts = [self.token.encode() * size for size in (1, 100, 3000)]
        self.ask("POST", "/echo", iter(parts), Transfer_Encoding="chunked")
        assert self.body == b"".join(parts)

    def ask_hash(self) -> None:
        parts = [self.token.encode() * size for size in (1, 100, 20_000)]
        if self.random.random() < 0.5:
            self.ask("PUT", "/hash", iter(parts), Transfer_Encoding="chunked")
        else:
            self.ask("PUT", "/hash", b"".join(parts), Expect="100-continue")
        assert self.body.decode() == hashlib.sha256(b"".join(parts)).hexdigest()

    def ask_ignored(self) -> None:
        """A body that the handler does not read, so small that it is read past. (nginx waits for
        all of it here: where it does not, and the answer comes first, it closes the connection
        to its client without a word, whatever is behind it.)"""
        self.ask("PUT", "/ignored", self.token.encode() * 100)
        assert self.body == b"ignored"

    def ask_nothing(self) -> None:
        self.ask("DELETE", "/nothing", code=204)
        assert self.body == b""

    def ask_none(self) -> None:
        self.ask("GET", f"/none/{self.token}", code=404)
        assert b"404 Not Found" in self.body

    def ask_wrong_method(self) -> None:
        answer = self.ask("PUT", f"/hello/{self.token}", b"x" * 10, code=405)
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"

    def ask_failure(self) -> None:
        self.ask("GET", "/fails", code=500)

    def ask_file(self) -> None:
        self.ask("GET", "/files/film.bin")
        assert self.body == FILE

    def ask_range(self) -> None:
        start = self.random.randrange(len(FILE))
        stop = self.random.randrange(start, len(FILE)) + 1
        self.ask("GET", "/files/film.bin", code=206, Range=f"bytes={start}-{stop - 1}")
        assert self.body == FILE[start:stop]

    def ask_unchanged(self) -> None:
        etag = self.ask("HEAD", "/files/film.bin").headers["ETag"]
        self.ask("GET", "/files/film.bin", code=304, If_None_Match=etag)
        assert self.body == b""


def test_ten_thousand_mixed_requests_and_none_mismatched(served: Served, nginx: int) -> None:
    log = threading.Thread(target=lambda: served.lines.extend(served.process.stderr or ()))
    log.start()  # a failure's traceback each: more than a pipe holds
    clients = [Client(nginx, seed) for seed in range(CLIENTS)]
    for client in clients:
        client.thread.start()
    for client in clients:
        client.thread.join()
    served.kill()
    assert served.process.wait(PATIENCE) == 0
    log.join()
    asked = sum((client.asked for client in clients), Counter[str]())
    print(asked)
    assert [wrong for client in clients for wrong in client.mismatched] == []
    assert asked.total() == REQUESTS
    lines = served.accesses
    assert len(lines) == REQUESTS + asked["ask_unchanged"]
    assert not [line for line in lines if not re.search(r"\dms$", line)]
    assert not [line for line in served.lines if "ERROR" in line and " /fails " not in line]
