"""measure: subjects of a scenario taken in turn, round after round: noise hits all alike."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .asking import WrongAnswer
from .figures import Figures
from .load import LoadFailed
from .peers import PEERS
from .scenarios import MIB, SCENARIOS, OfServers
from .schedulers import SCHEDULERS, Schedulers
from .servers import Server, ServerFailed

__all__ = ["Result", "Servers", "measure", "servers"]

Result = dict[str, Any]

FAULTS = (ServerFailed, WrongAnswer, LoadFailed, OSError, HTTPException)
"""What may be wrong with a server; anything else is wrong with the bench."""


class Servers:
    """The servers of some peers, started when they are first needed, held when they are not."""

    def __init__(self, files: Path) -> None:
        self._files = files
        self._running: dict[tuple[str, int], Server] = {}

    def get(self, peer: str, routes: int) -> Server:
        """Raises ServerFailed."""
        if (peer, routes) not in self._running:
            self._running[peer, routes] = server = Server(peer, self._files, routes)
            server.wait()
            server.hold()
        server = self._running[peer, routes]
        if server.process.poll() is not None:
            raise ServerFailed(f"{peer} has ended:\n{server.said()}")
        return server

    @contextlib.contextmanager
    def fresh(self, peer: str) -> Iterator[Server]:
        """One that has just given its first answer, ended afterwards. Raises ServerFailed."""
        server = Server(peer, self._files)
        try:
            server.wait()
            yield server
        finally:
            server.end()

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
    """A scenario: figures by peer, or by scheduler, a list of one for each round.

    Who does not start or answers wrongly is named on the error output, and left out, with the
    reason in the result.
    """
    scenario = SCENARIOS[name]
    left_out: dict[str, str] = {}
    if isinstance(scenario, Schedulers):
        titles = SCHEDULERS
        figures = _in_turn(titles, rounds, lambda of: scenario.measure(of, seconds), left_out)
    else:
        for peer in PEERS:
            if peer not in peers:
                left_out[peer] = PEERS[peer].lacking(name) or "not asked this time"
        present = list(_present(name, scenario, peers, running, left_out))
        titles = {peer: PEERS[peer].title for peer in present}
        figures = _in_turn(
            present, rounds, lambda peer: _one(scenario, peer, seconds, running), left_out
        )
    return {
        "title": scenario.title,
        "main": scenario.main,
        "connections": scenario.connections,
        "rounds": rounds,
        "seconds": seconds,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "titles": dict(titles),
        "figures": figures,
        "left out": left_out,
    }


def _in_turn(
    subjects: Iterable[str],
    rounds: int,
    measure_one: Callable[[str], Figures],
    left_out: dict[str, str],
) -> dict[str, dict[str, list[float]]]:
    """Figures of those who get through all rounds; `left_out` gets the others."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in subjects}
    for _ in range(rounds):
        for name in list(figures):
            try:
                found = measure_one(name)
            except FAULTS as error:
                del figures[name]
                left_out[name] = _said(name, error)
                continue
            for figure, value in found.items():
                figures[name].setdefault(figure, []).append(value)
    return figures


def _said(name: str, error: Exception) -> str:
    print(f"{name} is left out: {error}", file=sys.stderr)
    return f"{type(error).__name__}: {error}"


def _one(scenario: OfServers, peer: str, seconds: int, running: Servers) -> Figures:
    if scenario.fresh:
        with running.fresh(peer) as server:
            return scenario.measure(server, seconds)
    server = running.get(peer, scenario.routes)
    with server.running():
        return scenario.measure(server, seconds)


def _present(
    name: str, scenario: OfServers, peers: list[str], running: Servers, left_out: dict[str, str]
) -> Iterator[str]:
    """The peers that answer as they have to; `left_out` gets the others."""
    for peer in peers:
        if why := PEERS[peer].lacking(name):
            left_out[peer] = why
            continue
        try:
            server = running.get(peer, scenario.routes)
            with server.running():
                scenario.check(server)
        except FAULTS as error:
            left_out[peer] = _said(peer, error)
        else:
            yield peer
