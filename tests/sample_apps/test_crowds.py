"""A thousand in one room: nothing lost, nothing out of order, and all of it soon."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crowd import SECONDS, Crowd, Reader, Talker, make_room
from tests.waiting import PATIENCE

from .sample_server import Server

pytestmark = [pytest.mark.load, pytest.mark.timeout(180)]

MANY = 1000
SOON = 0.25
"""Seconds."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Starts a sample; sees that it stops at the end, and that no client was too slow for it."""
    servers = []

    def start(name: str) -> Server:
        servers.append(Server("kroute", "run", f"sample_apps.{name}", folder=tmp_path))
        return servers[-1]

    yield start
    for server in servers:
        # Of each of a thousand who leave the others hear: half a million messages.
        assert server.stop(3 * PATIENCE) == 0
        assert "too slow" not in server.log


@pytest.fixture
def crowd(serve: object) -> Iterator[Crowd]:
    make_room(MANY + 500)
    crowd = Crowd()
    yield crowd
    crowd.close()


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_a_thousand_chat(
    crowd: Crowd, serve: Callable[[str], Server], compress: bool
) -> None:
    server = serve("chat")
    for number in range(MANY):
        member = crowd.join(Talker(server.port, f"/chat?who={number:03}", compress))
        crowd.listen_until(lambda member=member: member.parts)
        assert (b"permessage-deflate" in member.head) == compress
    # Each is told who is there, and then who comes, in the order in which they come.
    expected = [MANY - number for number in range(MANY)]
    crowd.listen_until(lambda: [len(member.parts) for member in crowd.members] == expected)
    for member in crowd.members[0], crowd.members[MANY // 2]:
        names = [re.findall(rb"\d+", member.text(news))[-1] for news, _ in member.parts]
        assert names == [b"%03d" % number for number in range(MANY - len(names), MANY)]
    for member in crowd.members:
        member.parts.clear()
    said = iter(crowd.members)
    took = crowd.hear(lambda text: next(said).say(text), round(SECONDS))
    print(f"99 of 100 messages arrived within {1000 * took:.0f} ms")
    assert took < SOON


def test_a_thousand_read_events(crowd: Crowd, serve: Callable[[str], Server]) -> None:
    server = serve("toolbox")
    for _ in range(MANY):
        crowd.join(Reader(server.port, "/hear"))
    crowd.listen_until(lambda: all(member.head for member in crowd.members))
    took = crowd.hear(lambda text: server.ask("POST", "/say", text), round(SECONDS))
    print(f"99 of 100 events arrived within {1000 * took:.0f} ms")
    assert took < SOON
