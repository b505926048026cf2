"""The page about a run: `python -m bench.page run.json docs` writes docs/performance.md.

With it come docs/performance/run.json, and a picture of each scenario. The words are in `page.md`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import profile
from .aims import reached
from .figures import FIGURES
from .instructions import EXPECTED
from .peers import OURS, PEERS
from .picture import picture
from .scenarios import SCENARIOS
from .tables import order, ratios, table

__all__ = ["page", "write"]

WORDS = Path(__file__).with_suffix(".md")
FOLDER = "performance"

Run = dict[str, Any]


def page(run: Run, expected: dict[str, dict[str, float]]) -> str:
    """run: as `python -m bench --into` writes it. expected: instructions, by Python version."""
    scenarios = {name: run["scenarios"][name] for name in SCENARIOS if name in run["scenarios"]}
    results = scenarios.values()
    return WORDS.read_text().format(
        date=" and ".join(sorted({result["date"][:10] for result in results})),
        rounds=_range(result["rounds"] for result in results),
        seconds=_range(result["seconds"] for result in results),
        machine=_machine(run),
        versions=_versions(run),
        aims="\n".join(reached(scenarios)),
        behind="\n".join(_behind(scenarios)) or "Nowhere.",
        profiles="\n\n".join(
            f"{found['title']}:\n\n" + "\n".join(profile.table(found))
            for found in run.get("profiles", {}).values()
        ),
        scenarios="\n\n".join(
            "\n".join(_scenario(name, result)) for name, result in scenarios.items()
        ),
        absent=_absent(scenarios),
        wsgi="\n".join(_wsgi(run["wsgi"])) if "wsgi" in run else "Not measured in this run.\n",
        instructions="\n".join(_instructions(expected)),
    )


def _machine(run: Run) -> str:
    return ", ".join(
        f"{value} cores" if name == "cores" else value for name, value in run["machine"].items()
    )


def _versions(run: Run) -> str:
    return ", ".join(f"{name} {version}" for name, version in run["versions"].items())


def _wsgi(run: Run) -> Iterator[str]:
    """What `python -m bench.wsgi --into` has written."""
    results = run["scenarios"].values()
    yield f"- Measured on {' and '.join(sorted({result['date'][:10] for result in results}))}"
    yield f"- Machine: {_machine(run)}"
    yield f"- Versions: {_versions(run)}"
    rounds, seconds = (_range(result[of] for result in results) for of in ("rounds", "seconds"))
    yield f"- {run['threads']} threads each; {rounds} rounds of {seconds} s\n"
    for result in results:
        yield f"### Flask: {result['title']}\n"
        yield from table(result)
        yield ""


def _absent(scenarios: dict[str, Run]) -> str:
    titles = [f"- {of.title}" for name, of in SCENARIOS.items() if name not in scenarios]
    return "\n".join(["### Not measured in this run\n", *titles, ""]) if titles else ""


def _range(values: Iterator[int]) -> str:
    least, *others = sorted(set(values))
    return f"{least} to {others[-1]}" if others else str(least)


def _behind(scenarios: dict[str, Run]) -> Iterator[str]:
    """Who is ahead of kroute, in the figure that counts."""
    for result in scenarios.values():
        main = result["main"]
        if OURS not in result["figures"] or not FIGURES[main].ratio:
            continue
        ahead = []
        for peer in order(result):
            if peer == OURS or (peer in PEERS and PEERS[peer].only is not None):
                continue
            by = statistics.median(ratios(result, peer, main))
            if by < 1:
                ahead.append(f"{result['titles'][peer]} ({by:.2f})")
        if ahead:
            yield f"- {result['title']}, {FIGURES[main].unit}: {', '.join(ahead)}"


def _scenario(name: str, result: Run) -> Iterator[str]:
    yield f"### {result['title']}\n"
    if not result["figures"]:
        yield "Nobody was measured.\n"
    else:
        yield f"![{result['title']}]({FOLDER}/{name}.svg)\n"
        yield from table(result)
    left_out: dict[str, list[str]] = {}
    for peer, why in result["left out"].items():
        left_out.setdefault(why.splitlines()[0].rstrip(":"), []).append(PEERS[peer].title)
    if left_out:
        said = "; ".join(f"{', '.join(peers)} ({why})" for why, peers in left_out.items())
        yield f"\nNot in it: {said}."


def _instructions(expected: dict[str, dict[str, float]]) -> Iterator[str]:
    versions = sorted(expected, key=lambda version: int(version.partition(".")[2]))
    yield "| request | " + " | ".join(f"Python {version}" for version in versions) + " |"
    yield "|---|" + "---:|" * len(versions)
    for kind in dict.fromkeys(kind for counts in expected.values() for kind in counts):
        counts = (f"{expected[version].get(kind, float('nan')):.2f}" for version in versions)
        yield f"| {kind} | {' | '.join(counts)} |"


def write(run: Run, folder: Path) -> None:
    """The page, its pictures and its figures."""
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / FOLDER / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    for name, result in run["scenarios"].items():
        if result["figures"]:
            (folder / FOLDER / f"{name}.svg").write_text(picture(result))
    (folder / f"{FOLDER}.md").write_text(page(run, json.loads(EXPECTED.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    write(json.loads(options.run.read_text()), options.folder)


if __name__ == "__main__":
    main()
