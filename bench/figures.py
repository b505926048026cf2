"""FIGURES: what may come out of a measurement, by name."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FIGURES", "Figure", "Figures"]

Figures = dict[str, float]
"""One measurement."""


class Figure(NamedTuple):
    """unit: as tables show it. more: whether more is better. digits: those after the point.
    ratio: whether it says anything that one is so many times the other."""

    unit: str
    more: bool = False
    digits: int = 0
    ratio: bool = True


FIGURES = {
    "rate": Figure("requests/s", more=True),
    "messages": Figure("messages/s", more=True),
    "cpu": Figure("µs of CPU", digits=1),
    "p50": Figure("p50, ms", digits=2),
    "p99": Figure("p99, ms", digits=2),
    "memory": Figure("KiB a connection", digits=1),
    "resident": Figure("MiB of memory", digits=1),
    "start": Figure("ms to the first answer"),
    "wakeups": Figure("wake-ups/s", digits=1, ratio=False),
}
