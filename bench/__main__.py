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
from .options import options
from .peers import PEERS
from .rounds import measure, servers
from .scenarios import SCENARIOS
from .tables import table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    into = "a JSON file; what is in it is kept or replaced"
    asked = options(parser, SCENARIOS, "peers", PEERS, 1, into)
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed to make load; on Debian and Ubuntu: apt-get install wrk")
    file: Path | None = asked.into
    run: dict[str, Any] = {"scenarios": {}}
    if file is not None and file.exists():
        run = json.loads(file.read_text())
    run["machine"] = machine()
    run.setdefault("versions", {}).update(versions(asked.peers))
    print(", ".join(run["machine"].values()))
    print(", ".join(f"{name} {version}" for name, version in versions(asked.peers).items()))
    raise_descriptor_limit()
    with servers() as running:
        for name in asked.scenarios or SCENARIOS:
            result = measure(name, asked.peers, asked.rounds, asked.seconds, running)
            run["scenarios"][name] = result
            print(f"\n{name}: {result['title']}; {asked.rounds} rounds of {asked.seconds} s\n")
            print("\n".join(table(result)), flush=True)
            if file is not None:
                file.write_text(json.dumps(run, indent=1) + "\n")


if __name__ == "__main__":
    main()
