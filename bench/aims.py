"""AIMS: by how much kroute is to be ahead, of whom, in what. reached: how it came out."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from .figures import FIGURES
from .peers import OURS, PEERS
from .tables import ratios, spread

__all__ = ["AIMS", "Aim", "against", "reached"]


class Aim(NamedTuple):
    """factor: by how much kroute is to be better. peer: than this one, or the best of a group."""

    scenario: str
    figure: str
    factor: float
    peer: str


BEST, BEST_IN_PYTHON = "the best", "the best server in Python"

AIMS = [
    Aim("hello", "rate", 1.0, "granian"),
    Aim("hello", "rate", 1.5, "starlette"),
    Aim("hello", "rate", 1.0, "asgi"),
    Aim("json", "rate", 1.0, "granian"),
    Aim("json", "rate", 1.5, "starlette"),
    Aim("json", "rate", 1.3, "sanic"),
    Aim("post-1k", "rate", 1.3, BEST_IN_PYTHON),
    Aim("missing", "rate", 1.3, BEST_IN_PYTHON),
    Aim("routes", "rate", 1.3, BEST_IN_PYTHON),
    Aim("post-1m", "rate", 1.0, BEST),
    Aim("stream", "rate", 1.0, BEST),
    Aim("static", "rate", 1.0, BEST),
    Aim("hello", "p99", 1.0, BEST),
    Aim("hello-512", "p99", 1.0, BEST),
    Aim("idle", "memory", 1.0, "starlette"),
    Aim("pipeline", "messages", 5.0, "axon"),
    Aim("start", "start", 1.0, "flask"),
]


def against(aim: Aim, result: dict[str, Any]) -> str | None:
    """Who that is in a result, by medians; None where nobody of them was measured."""
    if aim.peer not in (BEST, BEST_IN_PYTHON):
        return aim.peer if aim.peer in result["figures"] else None
    medians = {
        peer: statistics.median(figures[aim.figure])
        for peer, figures in result["figures"].items()
        if peer != OURS
        and PEERS[peer].only is None
        and not (aim.peer == BEST_IN_PYTHON and PEERS[peer].native)
    }
    best = max if FIGURES[aim.figure].more else min
    return best(medians, key=lambda peer: medians[peer], default=None)


def reached(scenarios: dict[str, Any]) -> Iterator[str]:
    """A table of what was aimed at, and what came out."""
    yield "| scenario | figure | kroute beside | aim | came out | |"
    yield "|---|---|---|---:|---:|---|"
    for aim in AIMS:
        result = scenarios.get(aim.scenario)
        peer = against(aim, result) if result and OURS in result["figures"] else None
        if result is None or peer is None:
            continue
        by = ratios(result, peer, aim.figure)
        who = result["titles"][peer]
        if aim.peer in (BEST, BEST_IN_PYTHON):
            who = f"{aim.peer}: {who}"
        verdict = "reached" if statistics.median(by) >= aim.factor else "**missed**"
        cells = (result["title"], FIGURES[aim.figure].unit, who, f"{aim.factor:.1f}", spread(by))
        yield f"| {' | '.join(cells)} | {verdict} |"
