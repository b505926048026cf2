"""What a request takes, in instructions, does not grow unnoticed."""

from __future__ import annotations

import json

import pytest

from bench.counted import COUNT, KINDS
from bench.instructions import EXPECTED, VERSION, count, grown, parse

LOG = "==1== Cachegrind\n==1== \n==1== I   refs:      {:,}\n"


@pytest.mark.load
@pytest.mark.needs("valgrind")
def test_a_request_takes_no_more_than_expected() -> None:
    """Where it has to take more, `python -m bench.instructions --write` says so."""
    expected = json.loads(EXPECTED.read_text())
    assert VERSION in expected, f"write what is expected of Python {VERSION}"
    assert grown(count(), expected[VERSION]) == []


def test_counts_are_told_in_yardsticks() -> None:
    printed, logs, base = "nothing\t7\nyardstick\t8\n", {}, 1_000_000
    logs["7"] = LOG.format(base)
    logs["8"] = LOG.format(base + COUNT * 40_000)
    for number, kind in enumerate(KINDS, 9):
        printed += f"{kind}\t{number}\n"
        logs[str(number)] = LOG.format(base + COUNT * 10_000 * number)
    counted = parse(printed, logs)
    assert counted["hello"] == 2.25
    assert counted["yardstick"] == 40_000
    assert set(counted) == {*KINDS, "yardstick"}


def test_a_log_without_a_count_is_shown() -> None:
    with pytest.raises(RuntimeError, match="no such tool"):
        parse("nothing\t7\n", {"7": "no such tool"})


def test_up_to_five_per_cent_more_passes() -> None:
    expected = dict.fromkeys(KINDS, 4.0)
    assert grown(dict.fromkeys(KINDS, 4.19), expected) == []
    assert grown(dict.fromkeys(KINDS, 3.0), expected) == []
    more = grown({**expected, "JSON": 4.21}, expected)
    assert more == ["JSON: 4.210 yardsticks, 4.000 expected"]


def test_a_kind_of_which_nothing_is_expected_fails() -> None:
    assert len(grown(dict.fromkeys(KINDS, 4.0), {})) == len(KINDS)
