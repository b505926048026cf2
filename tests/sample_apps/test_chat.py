"""Two people and a room."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import PATIENCE

from .sample_server import Server
from .streams import Socket


@pytest.fixture
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server("kroute", "run", "sample_apps.chat", folder=tmp_path_factory.mktemp("chat"))
    yield server
    server.stop()


def news(socket: Socket) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(socket.receive().payload)
    return found


def test_two_people_talk(chat: Server) -> None:
    ada = Socket(chat, "/chat?who=ada")
    assert news(ada) == {"kind": "here", "data": ["ada"]}
    grace = Socket(chat, "/chat?who=grace")
    assert news(grace) == {"kind": "here", "data": ["ada", "grace"]}
    assert news(ada) == {"kind": "joined", "who": "grace"}
    grace.send("hello, ada")
    said = {"kind": "said", "who": "grace", "data": "hello, ada"}
    assert news(ada) == news(grace) == said
    grace.close()
    assert news(ada) == {"kind": "left", "who": "grace"}
    ada.close()


def test_the_server_says_that_it_stops(chat: Server) -> None:
    ada = Socket(chat, "/chat?who=ada")
    news(ada)
    chat.process.terminate()
    assert ada.receive().code == 1001
    ada.close()
    assert chat.process.wait(PATIENCE) == 0


def test_the_page(chat: Server) -> None:
    assert "new WebSocket(url)" in chat.ask("GET", "/").text
    assert chat.ask("GET", "/chat").status == 426
