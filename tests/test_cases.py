"""check_each: what the tests of many cases rest on."""

from __future__ import annotations

import pytest

from .cases import SHOWN, check_each


def refuses(case: int) -> None:
    assert case < 2, "too many"


def test_each_is_checked() -> None:
    checked: list[int] = []
    check_each(range(3), checked.append)
    assert checked == [0, 1, 2]


def test_those_that_fail_are_named_and_the_others_checked() -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        check_each(range(10), refuses, lambda case: f"case {case}")
    told = str(caught.value)
    assert told.startswith("8 of 10 cases failed")
    assert [line[4:] for line in told.splitlines() if line.startswith("--- ")] == [
        f"case {n}" for n in range(2, 10)
    ]
    assert told.count("AssertionError: too many") == SHOWN
    assert "in refuses" in told


def test_what_was_not_raised_fails_too() -> None:
    def check(case: int) -> None:
        with pytest.raises(ValueError):
            int("7")

    with pytest.raises(pytest.fail.Exception, match=r"(?s)1 of 1 cases failed.*DID NOT RAISE"):
        check_each([7, 8], check)


def test_no_cases_are_a_mistake() -> None:
    with pytest.raises(AssertionError, match="there are no cases"):
        check_each([], refuses)
