"""Flask on WSGI servers, with as many threads each: `python -m bench.wsgi [--rounds N]`.

They take turns, round after round, so that noise hits all alike: medians of each figure, and of
the ratios within a round. Needs wrk and the packages of the `bench` extra; who does not start is
named and left out.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from .asking import Asked, WrongAnswer
from .figures import FIGURES, Figure
from .load import Load
from .machine import machine
from .peers.wsgi_site import THREADS
from .scenarios import MIB
from .servers import Server, ServerFailed

__all__ = ["SCENARIOS", "SERVERS", "measure", "table"]

SERVERS = ("kroute", "gunicorn", "waitress", "cheroot")

SCENARIOS = {
    "hello": Load("hello, 32 connections", Asked("/", b"Hello, World!")),
    "hello-1": Load("hello, 1 connection", Asked("/", b"Hello, World!"), connections=1),
    "file": Load("a file of 1 MiB", Asked("/file", MIB)),
    "made": Load("1 MiB in one piece", Asked("/made", bytes(len(MIB)))),
    "parts": Load("1 MiB in 16 parts", Asked("/parts", bytes(len(MIB)))),
}

SHOWN = {
    **{name: FIGURES[name] for name in ("rate", "cpu", "p50", "p99")},
    "memory": Figure("MiB", more=False, digits=1),
}

Rounds = dict[str, dict[str, list[float]]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.wsgi", description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=[], metavar="SCENARIO")
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    names = options.scenarios or list(SCENARIOS)
    servers = options.servers.split(",")
    for given, known in ((names, SCENARIOS), (servers, SERVERS)):
        for name in given:
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    print(", ".join(machine().values()))
    with TemporaryDirectory() as folder:
        (Path(folder) / "1MiB.bin").write_bytes(MIB)
        running: dict[str, Server] = {}
        try:
            for name in servers:
                _start(name, Path(folder), running)
            print(", ".join(f"{name} {version(name)}" for name in (*running, "Flask")), end="")
            print(f"; {THREADS} threads, {options.rounds} rounds of {options.seconds} s")
            for name in names:
                figures = measure(SCENARIOS[name], running, options.rounds, options.seconds)
                print(f"\n{name}: {SCENARIOS[name].title}\n\n{table(figures)}", flush=True)
        finally:
            for server in running.values():
                server.end()


def _start(name: str, files: Path, running: dict[str, Server]) -> None:
    """Start a server and add it to those that run, if it does."""
    server = Server(f"wsgi_{name}", files)
    try:
        server.wait()
        server.hold()
        running[name] = server
    except ServerFailed as error:
        server.end()
        print(f"{name} is left out: {error}", file=sys.stderr)


def measure(scenario: Load, servers: dict[str, Server], rounds: int, seconds: int) -> Rounds:
    """The figures of one scenario, by server: a list of one for each round."""
    figures: Rounds = {}
    for name, server in servers.items():
        try:
            with server.running():
                scenario.check(server)
            figures[name] = {figure: [] for figure in SHOWN}
        except (WrongAnswer, OSError, HTTPException) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    for _ in range(rounds):
        for name, found in figures.items():
            server = servers[name]
            with server.running():
                for figure, value in scenario.measure(server, seconds).items():
                    found[figure].append(value)
                found["memory"].append(server.memory() / 2**20)
    return figures


def table(figures: Rounds) -> str:
    """Medians in Markdown, and by how much kroute's rate is higher within a round."""
    heads = ["server", *(figure.unit for figure in SHOWN.values()), "kroute is faster by"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    ours = figures.get("kroute", {}).get("rate", [])
    for name, found in figures.items():
        cells = [name]
        for figure, shown in SHOWN.items():
            cells.append(f"{statistics.median(found[figure]):,.{shown.digits}f}")
        by = [a / b for a, b in zip(ours, found["rate"], strict=False)]
        apart = f"{statistics.median(by):.2f} ({min(by):.2f} to {max(by):.2f})" if by else ""
        lines.append("| " + " | ".join([*cells, "" if name == "kroute" else apart]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
