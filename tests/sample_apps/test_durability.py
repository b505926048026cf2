"""What was answered 201 or 200 is there after kill -9."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.waiting import PATIENCE, wait_until

from .sample_server import ATOM, Server, entry

ROUNDS = 3
CLIENTS = 3


class Client(threading.Thread):
    """Posts and edits as fast as it can, until the server is gone.

    answered: the text that was last confirmed, by path. asked: what was under way at the end.
    """

    def __init__(self, server: Server, seed: int) -> None:
        super().__init__()
        self.server = server
        self.dice = random.Random(seed)
        self.answered: dict[str, str] = {}
        self.asked = ("", "")
        self.trouble: list[int] = []

    def run(self) -> None:
        try:
            for number in range(10**6):
                text = f"{self.name} {number}"
                known = list(self.answered)
                path = self.dice.choice(known) if known and self.dice.random() < 0.5 else ""
                self.asked = (path, text)
                if path:
                    answer = self.server.put(path, entry(content=text), "*")
                else:
                    answer = self.server.post(entry(content=text), Slug=self.name)
                    path = answer.path if answer.status == 201 else ""
                if answer.status not in (200, 201):
                    self.trouble.append(answer.status)
                    return
                self.answered[path] = text
        except (OSError, http.client.HTTPException):
            pass  # the server is gone


def test_kill_9_in_the_middle(tmp_path: Path) -> None:
    dice = random.Random(9)
    server = start(tmp_path)
    kept: dict[str, set[str]] = {}
    for _ in range(ROUNDS):
        clients = [Client(server, dice.random()) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        enough = dice.randint(5, 60)
        wait_until(lambda: sum(len(client.answered) for client in clients) >= enough)  # noqa: B023
        time.sleep(dice.random() * 0.01)
        server.kill()
        for client in clients:
            client.join(PATIENCE)
            assert not client.trouble
            kept.update((path, {text}) for path, text in client.answered.items())
            path, text = client.asked
            if path:
                kept[path].add(text)  # it was done, or not
        server = start(tmp_path)
        found = dict(entries(server))
        assert all(found.get(path) in texts for path, texts in kept.items())
    assert len(kept) > ROUNDS * 5
    assert server.stop() == 0


def start(folder: Path) -> Server:
    return Server("sample_apps.atompub", folder=folder)


def entries(server: Server) -> Iterator[tuple[str, str]]:
    """The path and content of each, from all pages of the feed."""
    root = f"http://127.0.0.1:{server.port}"
    url: str | None = f"{root}/entries"
    while url:
        # Links name the port of the day.
        feed = server.ask("GET", url.removeprefix(root)).xml
        links = {a.get("rel"): a.get("href") for a in feed.findall(f"{ATOM}link")}
        url = links.get("next")
        for element in feed.findall(f"{ATOM}entry"):
            (edit,) = (
                a.get("href") for a in element.findall(f"{ATOM}link") if a.get("rel") == "edit"
            )
            yield str(edit).removeprefix(root), str(element.findtext(f"{ATOM}content"))
