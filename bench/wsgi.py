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
    options = _options()
    run: Run = {}
    if options.into is not None and options.into.exists():
        run = json.loads(options.into.read_text())
    ours: Run = run.setdefault("wsgi", {"versions": {}, "scenarios": {}})
    ours |= {"machine": machine(), "threads": THREADS}
    print(", ".join(machine().values()))
    with TemporaryDirectory() as folder:
        (Path(folder) / "1MiB.bin").write_bytes(MIB)
        running: dict[str, Server] = {}
        try:
            for name in options.servers:
                _start(name, Path(folder), running)
            ours["versions"] |= {name: version(name) for name in (*running, "Flask")}
            print(", ".join(f"{name} {version(name)}" for name in (*running, "Flask")), end="")
            print(f"; {THREADS} threads, {options.rounds} rounds of {options.seconds} s")
            for name in options.scenarios or SCENARIOS:
                result = measure(SCENARIOS[name], running, options.rounds, options.seconds)
                ours["scenarios"][name] = result
                print(f"\n{name}: {result['title']}\n")
                print("\n".join(table(result)), flush=True)
                if options.into is not None:
                    options.into.write_text(json.dumps(run, indent=1) + "\n")
        finally:
            for server in running.values():
                server.end()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.wsgi", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=", ".join(SCENARIOS) + "; all, if none")
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument(
        "--into",
        type=Path,
        help='a JSON file, such as that of `python -m bench`: this is its "wsgi"; what else is '
        "in it is kept",
    )
    options = parser.parse_args()
    options.servers = options.servers.split(",")
    for given, known in ((options.scenarios, SCENARIOS), (options.servers, SERVERS)):
        for name in given:
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    return options


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
