"""`ServerCore(protocol=app.protocol, port=...)`: on Kamaelia's own server, unmodified."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .process import Served

PROGRAM = """
    import logging
    import threading
    from Axon.Ipc import shutdownMicroprocess
    from Kamaelia.Chassis.ConnectedServer import ServerCore
    from kroute import App, Response, sleep
    from kroute.scheduler import get_scheduler
    from kroute.server import Dispatcher

    logging.basicConfig(level=logging.INFO)
    app = App()
    closed = threading.Event()

    @app.get("/")
    def hello(request):
        yield Response("Hello, World!", content_type="text/plain")

    @app.route("/echo", methods=["POST", "PUT"])
    def echo(request):
        return request.body

    @app.get("/stream")
    def stream(request):
        yield Response(content_type="text/plain")
        for number in range(3):
            yield f"{number}\\n"
            yield from sleep(0.001)

    @app.get("/large/{size}")
    def large(request, size: int):
        return bytes(size)

    @app.get("/pieces/{size}")
    def pieces(request, size: int):
        yield Response(content_type="text/plain", content_length=size * 1000)
        for _ in range(size):
            yield bytes(1000)

    @app.get("/wait")
    def wait(request):
        logging.info("waiting")
        try:
            yield from sleep(3600)
        finally:
            logging.info("let go")

    @app.get("/broken")
    def broken(request):
        yield Response(content_type="text/plain")
        yield "half"
        yield from sleep(0.001)
        raise ValueError("in the middle")

    @app.get("/peer")
    def peer(request):
        return {"addr": request.remote_addr, "port": request.host_port}

    @app.post("/stop")
    def stop(request):
        server._deliver(shutdownMicroprocess(), "control")

    if __name__ == "__main__":
        Dispatcher.LINGER = 0.01
        server = ServerCore(protocol=app.protocol, port=0)

        def say_where() -> None:
            made = server.server
            if made is None or made.listener is None:
                get_scheduler().call_later(0.001, say_where)
            else:
                port = made.listener.getsockname()[1]
                logging.info("serving on http://127.0.0.1:%d", port)

        get_scheduler().call_soon(say_where)
        server.run()
        print("and returned")
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("stock")
    with Served(directory, PROGRAM, command=["served.py"]) as server:
        yield server
        assert server.process.poll() is None


def test_serves(served: Served) -> None:
    client = served.client()
    with closing(client):
        for method, path, body, code, text in [
            ("GET", "/", None, 200, b"Hello, World!"),
            ("HEAD", "/", None, 200, b""),
            ("POST", "/echo", b"x" * 300_000, 200, b"x" * 300_000),
            ("PUT", "/echo", iter([b"one", b"two"]), 200, b"onetwo"),
            ("GET", "/stream", None, 200, b"0\n1\n2\n"),
            ("GET", "/nowhere", None, 404, None),
            ("GET", "/large/3000000", None, 200, bytes(3_000_000)),
        ]:
            client.request(method, path, body)
            sock = client.sock
            answer = client.getresponse()
            got = answer.read()
            assert answer.status == code
            assert text in (None, got)
            assert client.sock is sock, "the connection is kept"


@pytest.mark.parametrize("path", ["/large/3000000", "/pieces/3000", "/"])
def test_closes_when_all_was_sent(served: Served, path: str) -> None:
    client = served.client()
    with closing(client):
        client.request("GET", path, headers={"Connection": "close"})
        answer = client.getresponse()
        assert len(answer.read()) == int(answer.getheader("Content-Length") or -1)


@pytest.mark.parametrize("path", ["/large/10000000", "/pieces/10000"])
def test_closes_when_a_slow_client_has_got_all(served: Served, path: str) -> None:
    with served.connect() as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        # Another one is answered meanwhile; so it is done with what it does at once.
        assert served.ask("GET", "/")[0] == 200
        size = 0
        while piece := sock.recv(1_000_000):
            size += len(piece)
        assert size > 10_000_000


def test_a_pipeline(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 49)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := sock.recv(100_000):
            data += piece
        assert data.count(b"Hello, World!") == 50


def test_a_failure_cuts_the_connection(served: Served) -> None:
    client = served.client()
    client.request("GET", "/broken")
    with closing(client), pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        client.getresponse().read()
    served.wait_for("in the middle of its answer")


def test_a_client_that_goes(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        served.wait_for("waiting")
    served.wait_for("let go")


def test_what_is_not_http(served: Served) -> None:
    with served.connect() as sock:
        sock.sendall(b"nonsense\r\n\r\n")
        data = b""
        while piece := sock.recv(1000):
            data += piece
        assert data.startswith(b"HTTP/1.1 400 ")


def test_knows_the_client(served: Served) -> None:
    assert re.search(rb'"addr": "127.0.0.1"', served.ask("GET", "/peer")[1])


def test_a_full_pipe_in_both_directions(served: Served) -> None:
    """Both boxes and the socket are full at times; nothing is lost or out of order."""
    body = b"".join(b"%08d" % number for number in range(100_000))
    with served.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        for _ in range(3):
            sock.sendall(head + body)
            data = b""
            while not data.endswith(body[-100:]):
                data += sock.recv(65536)
            assert data.endswith(body)


@pytest.mark.load  # Kamaelia's Selector stays for six half seconds when nobody needs it any more
def test_ends(tmp_path: Path) -> None:
    """The server is shut down as any ServerCore is; nothing of ours keeps the process alive."""
    with Served(tmp_path, PROGRAM, command=["served.py"]) as own:
        idle = own.connect()
        assert own.ask("POST", "/stop", b"")[0] in (204,)
        idle.close()
        assert own.wait() == 0
