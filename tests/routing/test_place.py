"""`Place`: where something was declared."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from kroute.routing import Place


def one() -> None: ...


class Two:
    def method(self) -> None: ...

    def __call__(self) -> None: ...


def decorated(function: object) -> object:
    @functools.wraps(function)  # type: ignore[arg-type]
    def wrapper() -> None: ...

    return wrapper


@pytest.mark.parametrize(
    ("thing", "what"),
    [
        (one, "one"),
        (Two, "Two"),
        (Two(), "Two"),
        (Two().method, "Two.method"),
        (functools.partial(one), "one"),
        (decorated(one), "one"),
    ],
)
def test_of_a_thing(thing: object, what: str) -> None:
    place = Place.of(thing)
    assert (Path(place.file).name, place.what) == ("test_place.py", what)
    line = Path(__file__).read_text().splitlines()[place.line - 1]
    assert what.split(".")[-1] in line


def test_of_what_python_cannot_find() -> None:
    assert str(Place.of(len)).startswith("?:0")


def test_here_is_the_line_of_the_call() -> None:
    def declare() -> Place:
        return Place.here(1, "x")

    place, next_place = declare(), Place.here()
    assert place.line == next_place.line
    assert place.file == __file__


def test_text_is_relative_to_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    assert str(Place(__file__, 3, "one")) == "test_place.py:3 (one)"
    assert str(Place("/elsewhere/a.py", 3)) == "/elsewhere/a.py:3"
