"""How many instructions a request takes, whatever the machine: `python -m bench.instructions`.

cachegrind counts them, in requests through the protocol component with no socket. As another build
of Python takes others, they are told in yardsticks: of a fixed piece of Python, which takes some
40,000. `instructions.json` has what is expected, for each minor version of Python; more than 5 %
above it is a failure. `--write` puts what was counted there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .counted import COUNT, KINDS, NOTHING, YARDSTICK

__all__ = ["EXPECTED", "count", "grown", "parse"]

EXPECTED = Path(__file__).with_suffix(".json")
GROWTH = 1.05
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def count() -> dict[str, float]:
    """Instructions for each kind of request, in yardsticks, and for the yardstick itself.

    Raises RuntimeError where the program fails.
    """
    with TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=cachegrind", "--cache-sim=no"]
        command += ["--cachegrind-out-file=/dev/null", f"--log-file={folder}/%p"]
        command += [sys.executable, "-m", "bench.counted"]
        done = subprocess.run(
            command,
            cwd=EXPECTED.parent.parent,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        logs = {log.name: log.read_text() for log in Path(folder).iterdir()}
    return parse(done.stdout, logs)


def parse(printed: str, logs: dict[str, str]) -> dict[str, float]:
    """printed: by `bench.counted`. logs: valgrind's, by process."""
    total = {}
    for line in printed.splitlines():
        name, process = line.split("\t")
        found = re.search(r"I +refs: +([\d,]+)", logs[process])
        if found is None:
            raise RuntimeError(f"no count in valgrind's log:\n{logs[process]}")
        total[name] = int(found[1].replace(",", ""))
    each = {name: (refs - total[NOTHING]) / COUNT for name, refs in total.items()}
    counted = {name: round(each[name] / each[YARDSTICK], 3) for name in KINDS}
    return {**counted, YARDSTICK: round(each[YARDSTICK])}


def grown(counted: dict[str, float], expected: dict[str, float]) -> list[str]:
    """What to say of each kind that takes too many."""
    return [
        f"{name}: {counted[name]:.3f} yardsticks, {expected.get(name, 0):.3f} expected"
        for name in KINDS
        if counted[name] > GROWTH * expected.get(name, 0)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--write", action="store_true", help="expect what is counted now")
    options = parser.parse_args()
    counted = count()
    expected = json.loads(EXPECTED.read_text())
    if options.write:
        expected[VERSION] = {name: counted[name] for name in KINDS}
        EXPECTED.write_text(json.dumps(dict(sorted(expected.items())), indent=1) + "\n")
    print(f"Python {VERSION}; a yardstick is {counted[YARDSTICK]:,} instructions\n")
    print("| request | instructions | yardsticks | expected |\n|---|---:|---:|---:|")
    for name in KINDS:
        instructions = counted[name] * counted[YARDSTICK]
        wanted = expected.get(VERSION, {}).get(name, float("nan"))
        print(f"| {name} | {instructions:,.0f} | {counted[name]:.3f} | {wanted:.3f} |")
    if VERSION not in expected:
        sys.exit(f"nothing is expected for Python {VERSION}; write it with --write")
    if too_many := grown(counted, expected[VERSION]):
        sys.exit("\n".join(too_many))


if __name__ == "__main__":
    main()
