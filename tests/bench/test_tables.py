"""Tables: medians, and ratios within each round."""

from __future__ import annotations

import pytest

from bench.tables import ratios, table

RESULT = {
    "main": "rate",
    "titles": {"asgi": "bare ASGI on uvicorn", "kroute": "kroute"},
    "figures": {
        "asgi": {"rate": [500.0, 1000.0, 2000.0], "p99": [1.0, 1.0, 1.0]},
        "kroute": {"rate": [1000.0, 1000.0, 5000.0], "p99": [2.0, 0.5, 0.5]},
    },
}


def test_ratios_are_those_of_each_round() -> None:
    assert ratios(RESULT, "asgi", "rate") == [2.0, 1.0, 2.5]


def test_less_is_better_for_times() -> None:
    assert ratios(RESULT, "asgi", "p99") == [0.5, 2.0, 2.0]


def test_a_table_has_medians_and_the_spread_of_ratios() -> None:
    assert list(table(RESULT)) == [
        "| server | requests/s | p99, ms | kroute is better by |",
        "|---|---:|---:|---:|",
        "| bare ASGI on uvicorn | 1,000 | 1.00 | 2.00 (1.00 to 2.50) |",
        "| kroute | 1,000 | 0.50 |  |",
    ]


@pytest.mark.parametrize("absent", ["kroute", "asgi"])
def test_a_table_of_one(absent: str) -> None:
    figures = {name: of for name, of in RESULT["figures"].items() if name != absent}  # type: ignore[attr-defined]
    lines = list(table({**RESULT, "figures": figures}))
    assert len(lines) == 3
    assert ("better" in lines[0]) == (absent == "asgi")
