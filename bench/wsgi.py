"""Flask on WSGI servers, with as many threads each: `python -m bench.wsgi [--into FILE]`.

They take turns, round after round, so that noise hits all alike: medians of each figure, and of
the ratios within a round. `bench.page` makes a section of what is in the file. Needs wrk and the
packages of the `bench` extra; who does not start is named and left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .asking import Asked, WrongAnswer
from .load import Load
from .machine import machine
from .options import options
from .peers.wsgi_site import THREADS
from .scenarios import MIB
from .servers import Server, ServerFailed
from .tables import table

__all__ = ["SCENARIOS", "SERVERS", "measure"]

SERVERS = ("kroute", "gunicorn", "waitress", "cheroot")

SCENARIOS = {
    "hello": Load("hello, 32 connections", Asked("/", b"Hello, World!")),
    "hello-1": Load("hello, 1 connection", Asked("/", b"Hello, World!"), connections=1),
    "file": Load("a file of 1 MiB", Asked("/file", MIB)),
    "made": Load("1 MiB in one piece", Asked("/made", bytes(len(MIB)))),
    "parts": Load("1 MiB in 16 parts", Asked("/parts", bytes(len(MIB)))),
}

Run = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.wsgi", description=__doc__)
    into = 'a JSON file, such as that of `python -m bench`: this is its "wsgi", the rest is kept'
    asked = options(parser, SCENARIOS, "servers", SERVERS, 2, into)
    run: Run = {}
    if asked.into is not None and asked.into.exists():
        run = json.loads(asked.into.read_text())
    ours: Run = run.setdefault("wsgi", {"versions": {}, "scenarios": {}})
    ours |= {"machine": machine(), "threads": THREADS}
    print(", ".join(machine().values()))
    with TemporaryDirectory() as folder:
        (Path(folder) / "1MiB.bin").write_bytes(MIB)
        running: dict[str, Server] = {}
        try:
            for name in asked.servers:
                _start(name, Path(folder), running)
            ours["versions"] |= {name: version(name) for name in (*running, "Flask")}
            print(", ".join(f"{name} {version(name)}" for name in (*running, "Flask")), end="")
            print(f"; {THREADS} threads, {asked.rounds} rounds of {asked.seconds} s")
            for name in asked.scenarios or SCENARIOS:
                result = measure(SCENARIOS[name], running, asked.rounds, asked.seconds)
                ours["scenarios"][name] = result
                print(f"\n{name}: {result['title']}\n")
                print("\n".join(table(result)), flush=True)
                if asked.into is not None:
                    asked.into.write_text(json.dumps(run, indent=1) + "\n")
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


def measure(scenario: Load, servers: dict[str, Server], rounds: int, seconds: int) -> Run:
    """One scenario: figures by server, a list of one for each round, and what they are of."""
    figures: dict[str, dict[str, list[float]]] = {}
    for name, server in servers.items():
        try:
            with server.running():
                scenario.check(server)
            figures[name] = {}
        except (WrongAnswer, OSError, HTTPException) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    for _ in range(rounds):
        for name, found in figures.items():
            server = servers[name]
            with server.running():
                of_this_round = scenario.measure(server, seconds)
                of_this_round["resident"] = server.memory() / 2**20
            for figure, value in of_this_round.items():
                found.setdefault(figure, []).append(value)
    return {
        "title": scenario.title,
        "main": scenario.main,
        "rounds": rounds,
        "seconds": seconds,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "titles": {name: name for name in figures},
        "figures": figures,
    }


if __name__ == "__main__":
    main()
