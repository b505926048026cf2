"""A dozen stock components, each asked what it is for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.waiting import PATIENCE

from .sample_server import ROOT, Server
from .streams import beginning, lines

SOURCE = (ROOT / "sample_apps/toolbox/__init__.py").read_bytes()


@pytest.fixture(scope="module")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("toolbox")
    server = Server("kroute", "run", "sample_apps.toolbox", folder=folder)
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("path", "begins"),
    [
        ("/chargen", b"Hello World" * 100),
        ("/introspector", b"DEL ALL\nADD NODE"),
        ("/source", SOURCE),
        ("/slowly", SOURCE[:200]),
        ("/clock", b"data: true\n"),
    ],
)
def test_sources(toolbox: Server, path: str, begins: bytes) -> None:
    assert beginning(toolbox, path, len(begins)) == begins


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/upper", "loud", "LOUD"),
        ("/number", "first", "(1, 'first')"),
        ("/collate", "all", '["all"]'),
        ("/pipeline", "c a b", "a b c"),
        ("/graphline", "abc", "abc|cba"),
    ],
)
def test_transformers(toolbox: Server, path: str, body: str, answer: str) -> None:
    assert toolbox.ask("POST", path, body).text == answer
    assert toolbox.ask("GET", path).status == 405


def test_the_backplane(toolbox: Server) -> None:
    hearing = lines(toolbox, "/hear")
    first: list[str] = []
    listener = threading.Thread(target=lambda: first.append(next(hearing)))
    listener.start()
    while listener.is_alive():  # said again until the listener is there
        assert toolbox.ask("POST", "/say", "hello").status == 200
        listener.join(0.04)
    hearing.close()
    assert first == ["data: hello"]


def test_a_datagram(toolbox: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(PATIENCE)

        def answer() -> None:
            data, sender = other.recvfrom(100)
            other.sendto(data + b" yourself", sender)

        answering = threading.Thread(target=answer)
        answering.start()
        path = f"/udp/127.0.0.1/{other.getsockname()[1]}"
        assert toolbox.ask("POST", path, "hello").text == "hello yourself"
        answering.join()


def test_the_list(toolbox: Server) -> None:
    page = toolbox.ask("GET", "/").text
    assert all(f"<li>{path}" in page for path in ("/chargen", "/graphline", "/hear"))
