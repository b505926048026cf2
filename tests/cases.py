"""check_each: many small cases in one test; each is checked, and those that fail are named.

A test of its own costs a millisecond or two, which is more than most of them take.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

__all__ = ["check_each"]

T = TypeVar("T")

SHOWN = 5
"""Failures that are shown with where they happened; of the others there is the name."""


def check_each(
    cases: Iterable[T], check: Callable[[T], object], name: Callable[[T], object] = str
) -> None:
    """Call `check` with each of `cases`, of which there has to be one, and fail with the names of
    those for which it raised something, after the last."""
    failed: list[tuple[str, str]] = []
    seen = 0
    for seen, case in enumerate(cases, 1):  # noqa: B007 - how many there were
        try:
            check(case)
        except Exception:
            failed.append((str(name(case)), traceback.format_exc()))
        except pytest.fail.Exception:  # nothing was raised that had to be, or the time is over
            failed.append((str(name(case)), traceback.format_exc()))
            break
    assert seen, "there are no cases"
    if failed:
        stories = [f"--- {name}\n{story}" for name, story in failed[:SHOWN]]
        others = [f"--- {name}" for name, _ in failed[SHOWN:]]
        told = "\n".join([f"{len(failed)} of {seen} cases failed", *stories, *others])
        pytest.fail(told, pytrace=False)
