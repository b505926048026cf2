"""table: one scenario's result in Markdown. ratio: how much better kroute is, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from .peers import OURS, PEERS
from .scenarios import FIGURES

__all__ = ["ratios", "table"]


def ratios(result: dict[str, Any], peer: str, figure: str) -> list[float]:
    """By how much kroute is better in each round: 2.0 is twice the rate, or half the time."""
    ours, theirs = (result["figures"][name][figure] for name in (OURS, peer))
    pairs = list(zip(ours, theirs, strict=True))
    return [a / b for a, b in pairs] if FIGURES[figure].more else [b / a for a, b in pairs]


def table(result: dict[str, Any]) -> Iterator[str]:
    """Medians, best first, and kroute's ratio to each with its spread."""
    figures, main = result["figures"], result["main"]
    names = list(next(iter(figures.values()), ()))
    sign = -1 if FIGURES[main].more else 1
    order = sorted(figures, key=lambda peer: sign * statistics.median(figures[peer][main]))
    compared = OURS in figures
    heads = ["server", *(FIGURES[name].unit for name in names)]
    yield "| " + " | ".join(heads + ["kroute is better by"] * compared) + " |"
    yield "|---|" + "---:|" * (len(names) + compared)
    for peer in order:
        cells = [PEERS[peer].title]
        for name in names:
            value = statistics.median(figures[peer][name])
            cells.append(f"{value:,.{FIGURES[name].digits}f}")
        if compared and peer == OURS:
            cells.append("")
        elif compared:
            by = ratios(result, peer, main)
            cells.append(f"{statistics.median(by):.2f} ({min(by):.2f} to {max(by):.2f})")
        yield "| " + " | ".join(cells) + " |"
