"""The command line: `python -m bench hello json --peers kroute,granian --rounds 5 --seconds 1`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from kroute.serve import raise_descriptor_limit

from .machine import machine, versions
from .peers import PEERS
from .rounds import measure, servers
from .scenarios import SCENARIOS
from .tables import table


def main() -> None:
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to make load; on Debian and Ubuntu: apt-get install wrk")
    into: Path | None = options.into
    run: dict[str, Any] = {"scenarios": {}}
    if into is not None and into.exists():
        run = json.loads(into.read_text())
    run["machine"] = machine()
    run.setdefault("versions", {}).update(versions(options.peers))
    print(", ".join(run["machine"].values()))
    print(", ".join(f"{name} {version}" for name, version in versions(options.peers).items()))
    raise_descriptor_limit()
    with servers() as running:
        for name in options.scenarios or SCENARIOS:
            result = measure(name, options.peers, options.rounds, options.seconds, running)
            run["scenarios"][name] = result
            print(f"\n{name}: {result['title']}; {options.rounds} rounds of {options.seconds} s\n")
            print("\n".join(table(result)), flush=True)
            if into is not None:
                into.write_text(json.dumps(run, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=", ".join(SCENARIOS) + "; all, if none")
    parser.add_argument("--peers", default=",".join(PEERS), help="names, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="of each measurement")
    parser.add_argument("--into", type=Path, help="a JSON file; what is in it is kept or replaced")
    options = parser.parse_args()
    options.peers = options.peers.split(",")
    for given, known in ((options.scenarios, SCENARIOS), (options.peers, PEERS)):
        for name in given:
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    return options


if __name__ == "__main__":
    main()
