"""measure: servers taken in turn, round after round: noise hits all alike."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .asking import WrongAnswer
from .peers import PEERS
from .scenarios import MIB, SCENARIOS
from .servers import Server, ServerFailed

__all__ = ["Servers", "measure", "servers"]

Result = dict[str, Any]


class Servers:
    """The servers of some peers, started when they are first needed."""

    def __init__(self, files: Path) -> None:
        self._files = files
        self._running: dict[tuple[str, int], Server] = {}

    def get(self, peer: str, routes: int) -> Server:
        """Raises ServerFailed."""
        if (peer, routes) not in self._running:
            server = Server(peer, self._files, routes)
            self._running[peer, routes] = server
            server.wait()
            server.hold()
        return self._running[peer, routes]

    def end(self) -> None:
        for server in self._running.values():
            server.end()


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """They are ended afterwards, whatever happens."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "1MiB.bin").write_bytes(MIB)
        running = Servers(Path(folder))
        try:
            yield running
        finally:
            running.end()


def measure(name: str, peers: list[str], rounds: int, seconds: int, running: Servers) -> Result:
    """A scenario with some peers: figures by peer, a list of one for each round.

    Who does not start or answers wrongly is named on the error output, and left out, with the
    reason in the result.
    """
    scenario = SCENARIOS[name]
    present: dict[str, Server] = {}
    left_out: dict[str, str] = {}
    for peer in peers:
        if name in PEERS[peer].lacks:
            left_out[peer] = "not offered"
            continue
        try:
            server = running.get(peer, scenario.routes)
            with server.running():
                scenario.check(server)
        except (ServerFailed, WrongAnswer, OSError, HTTPException) as error:
            print(f"{name}: {peer} is left out: {error}", file=sys.stderr)
            left_out[peer] = f"{type(error).__name__}: {error}"
            continue
        present[peer] = server
    figures: dict[str, dict[str, list[float]]] = {peer: {} for peer in present}
    for _ in range(rounds):
        for peer, server in present.items():
            with server.running():
                for figure, value in scenario.measure(server, seconds).items():
                    figures[peer].setdefault(figure, []).append(value)
    return {
        "title": scenario.title,
        "main": scenario.main,
        "connections": scenario.connections,
        "rounds": rounds,
        "seconds": seconds,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "figures": figures,
        "left out": left_out,
    }
