"""json_text: the same as `json.dumps`, errors included."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import pytest

from kroute.server import json_text as room
from kroute.server.json_text import json_text


class Colour(enum.IntEnum):
    RED = 1


class Words(dict[str, str]):
    pass


VALUES: list[Any] = [
    {},
    [],
    {"id": 4711, "q": "kroute"},
    {"a": [1, 2.5, None, True, False, {"b": ("c", "d")}]},
    {1: "a", None: "b", False: "c", 2.5: "d"},
    ['\u20ac\xe9\0"\\/\x7f</script>', "\U0001f600", "\ud800"],
    [math.inf, -math.inf, math.nan, 10**30, Colour.RED],
    Words(a="b"),
    [[[[[[]]]]]],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_it_is_what_the_library_gives(value: Any) -> None:
    assert json_text(value) == json.dumps(value)


def circular() -> Any:
    value: list[Any] = []
    value.append({"self": value})
    return value


@pytest.mark.parametrize("value", [circular(), {"a": object()}, {("a",): 1}, [b""], {1, 2}])
def test_it_raises_what_the_library_raises(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as theirs:
        json.dumps(value)
    with pytest.raises(theirs.type) as ours:
        json_text(value)
    assert str(ours.value) == str(theirs.value)
    assert json_text({"a": [1]}) == '{"a": [1]}'  # it is none the worse for it


def test_an_encoder_that_was_replaced_for_all_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.JSONEncoder, "default", lambda self, value: sorted(value))
    assert json_text({"a": {2, 1}}) == '{"a": [1, 2]}'


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_python_without_an_encoder_in_c(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(room, "_encode", room._encoder())
    assert json_text(value) == json.dumps(value)
