"""table: one scenario's result in Markdown. ratios: how much better kroute is, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from .figures import FIGURES
from .peers import OURS

__all__ = ["order", "ratios", "spread", "table"]


def ratios(result: dict[str, Any], peer: str, figure: str) -> list[float]:
    """By how much kroute is better in each round: 2.0 is twice the rate, or half the time."""
    ours, theirs = (result["figures"][name][figure] for name in (OURS, peer))
    pairs = list(zip(ours, theirs, strict=True))
    return [a / b for a, b in pairs] if FIGURES[figure].more else [b / a for a, b in pairs]


def spread(values: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def order(result: dict[str, Any]) -> list[str]:
    """Who was measured, the best first."""
    figures, main = result["figures"], result["main"]
    medians = {peer: statistics.median(figures[peer][main]) for peer in figures}
    return sorted(medians, key=lambda peer: medians[peer], reverse=FIGURES[main].more)


def table(result: dict[str, Any]) -> Iterator[str]:
    """Medians, best first, and kroute's ratio to each with its spread."""
    figures, main = result["figures"], result["main"]
    names = list(next(iter(figures.values()), ()))
    compared = OURS in figures and FIGURES[main].ratio
    heads = ["server", *(FIGURES[name].unit for name in names)]
    yield "| " + " | ".join(heads + ["kroute is better by"] * compared) + " |"
    yield "|---|" + "---:|" * (len(names) + compared)
    for peer in order(result):
        cells = [result["titles"][peer]]
        for name in names:
            value = statistics.median(figures[peer][name])
            cells.append(f"{value:,.{FIGURES[name].digits}f}")
        if compared and peer == OURS:
            cells.append("")
        elif compared:
            cells.append(spread(ratios(result, peer, main)))
        yield "| " + " | ".join(cells) + " |"
