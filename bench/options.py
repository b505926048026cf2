"""options: the command line of what measures scenarios, of some subjects."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

__all__ = ["options"]


def options(
    parser: argparse.ArgumentParser,
    scenarios: Collection[str],
    subjects: str,
    known: Collection[str],
    seconds: int,
    into: str,
) -> argparse.Namespace:
    """What was asked for: `scenarios`, `rounds`, `seconds`, `into`, and a list of those of the
    subjects. scenarios, known: those that there are. subjects: what the subjects are called, as
    "peers". seconds: of each measurement, unless told. into: what to say of that file.

    Ends the process, with what is wrong, where somebody is not known.
    """
    parser.add_argument("scenarios", nargs="*", help=", ".join(scenarios) + "; all, if none")
    parser.add_argument(
        f"--{subjects}", default=",".join(known), help="names, with commas between them"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=seconds, help="of each measurement")
    parser.add_argument("--into", type=Path, help=into)
    asked = parser.parse_args()
    names = getattr(asked, subjects).split(",")
    setattr(asked, subjects, names)
    for given, there in ((asked.scenarios, scenarios), (names, known)):
        for name in given:
            if name not in there:
                parser.error(f"there is no {name!r}; there are {', '.join(there)}")
    return asked
