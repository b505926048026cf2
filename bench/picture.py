"""picture: one scenario's result as SVG: bars for medians, lines from worst to best round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from html import escape
from typing import Any

from .figures import FIGURES
from .peers import OURS
from .tables import order

__all__ = ["picture"]

NAMES, BARS, NUMBERS = 270, 460, 90
"""Widths of the columns."""
ROW, TOP = 24, 44
FONT = "font-family='Helvetica, Arial, sans-serif' font-size='13'"


def picture(result: dict[str, Any]) -> str:
    """Best first; kroute in another colour. Raises ValueError where nothing was measured."""
    if not result["figures"]:
        raise ValueError(f"nothing was measured of {result['title']}")
    width, height = NAMES + BARS + NUMBERS, TOP + ROW * len(result["figures"]) + 10
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' {FONT}>",
            f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
            *_rows(result),
            "</svg>\n",
        ]
    )


def _rows(result: dict[str, Any]) -> Iterator[str]:
    figure = FIGURES[result["main"]]
    rounds = {peer: figures[result["main"]] for peer, figures in result["figures"].items()}
    most = max(map(max, rounds.values())) or 1.0
    title = f"{result['title']}: {figure.unit}, {'more' if figure.more else 'less'} is better"
    yield f"<text x='10' y='24' font-weight='bold'>{escape(title)}</text>"
    for row, peer in enumerate(order(result)):
        top = TOP + ROW * row
        middle, right = top + 9, NAMES + BARS + 8
        median = statistics.median(rounds[peer])
        low, high = (NAMES + BARS * end / most for end in (min(rounds[peer]), max(rounds[peer])))
        color = "#c2410c" if peer == OURS else "#94a3b8"
        name = escape(result["titles"][peer])
        yield f"<text x='{NAMES - 8}' y='{top + 13}' text-anchor='end'>{name}</text>"
        yield (
            f"<rect x='{NAMES}' y='{top}' width='{BARS * median / most:.1f}' height='18' "
            f"fill='{color}'/>"
        )
        yield f"<path d='M{low:.1f} {middle}H{high:.1f}' stroke='#0f172a' stroke-width='1.5'/>"
        yield f"<text x='{right}' y='{top + 13}'>{median:,.{figure.digits}f}</text>"
