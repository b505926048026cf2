"""Where the time of a request goes: `python -m bench.profile hello --seconds 5`.

The server is kroute, pinned as in the bench, its stack looked at a thousand times a second. A
function has the time of what it calls in C, the kernel included. `--into` adds to a run's JSON.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .load import Load, load
from .peers import OURS
from .scenarios import MIB, SCENARIOS
from .servers import Server

__all__ = ["profile", "room", "table"]

Profile = dict[str, Any]


class Sampled(Server):
    """kroute with `bench.sampled` around it."""

    def program(self) -> list[str]:
        return ["bench.sampled", self.peer]


def room(file: str) -> str:
    """The part that a source file belongs to: a room of kroute, a package, Python itself."""
    parts = Path(file).parts
    for package in ("kroute", "Axon", "webob", "routes"):
        if package in parts:
            inner = parts[len(parts) - parts[::-1].index(package) : -1]
            return "/".join([package, *inner]) if package == "kroute" else package
    return "the application" if "bench" in parts else "Python's library"


def profile(name: str, seconds: int) -> Profile:
    """A scenario of wrk's. Raises what its measurement raises, and ValueError for another one."""
    scenario = SCENARIOS[name]
    if not isinstance(scenario, Load):
        raise ValueError(f"{name} is not asked by wrk")
    with TemporaryDirectory() as folder:
        (Path(folder) / "1MiB.bin").write_bytes(MIB)
        server = Sampled(OURS, Path(folder), scenario.routes)
        try:
            server.wait()
            scenario.check(server)
            server.process.send_signal(signal.SIGUSR1)
            before = server.processor_seconds()
            report = load(server.port, scenario.asked, scenario.connections, seconds)
            taken = server.processor_seconds() - before
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(20)
            samples = json.loads((Path(folder) / "samples.json").read_text())
        finally:
            server.end()
    where: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for file, function, number in samples:
        where[room(file)] += number
        functions[f"{room(file)} {Path(file).name} {function}"] += number
    return {
        "title": scenario.title,
        "cpu": taken / report["requests"] * 1e6,
        "rooms": dict(where.most_common()),
        "functions": dict(functions.most_common(25)),
    }


def table(found: Profile) -> Iterator[str]:
    """The rooms by their share, which adds up to the processor time of a request."""
    total = sum(found["rooms"].values())
    yield "| where | share | µs of CPU |"
    yield "|---|---:|---:|"
    for where, number in found["rooms"].items():
        share = number / total
        if share >= 0.005:
            yield f"| {where} | {share:.0%} | {share * found['cpu']:.1f} |"
    yield f"| all | 100% | {found['cpu']:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("scenario", choices=[n for n, s in SCENARIOS.items() if type(s) is Load])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--into", type=Path, help="the JSON of a run")
    options = parser.parse_args()
    found = profile(options.scenario, options.seconds)
    print("\n".join(table(found)))
    print("\n| function | share |\n|---|---:|")
    total = sum(found["rooms"].values())
    for function, number in found["functions"].items():
        print(f"| {function} | {number / total:.1%} |")
    if options.into is not None:
        run = json.loads(options.into.read_text())
        run.setdefault("profiles", {})[options.scenario] = found
        options.into.write_text(json.dumps(run, indent=1) + "\n")


if __name__ == "__main__":
    main()
