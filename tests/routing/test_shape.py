"""`shapes_of` and its kin: what a regex says of a path."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kroute.routing.shape import (
    ANY_PATH,
    Segment,
    Shape,
    explodes,
    shapes_of,
    stays_in_segment,
)


def shape(*segments: str, open: bool = False) -> Shape:
    """A segment ending in ``*`` is wild."""
    return Shape(
        tuple(Segment(text.removesuffix("*"), text.endswith("*")) for text in segments), open
    )


@pytest.mark.parametrize(
    ("regexp", "shapes"),
    [
        (r"^/a/b\Z", [shape("", "a", "b")]),
        (r"^/(?P<x>[^/]+?)\Z", [shape("", "*")]),
        (r"^/a(?P<x>[^/]+?)b/c\Z", [shape("", "a*", "c")]),
        (r"^/(?P<x>\d+)/c\Z", [shape("", "*", "c")]),
        (r"^/(?P<x>foo|bar)\Z", [shape("", "foo"), shape("", "bar")]),
        (r"^/(?P<x>.*)\Z", [shape("", "*", open=True)]),
        (r"^/a(?:/(?P<x>[^/]+?))?\Z", [shape("", "a"), shape("", "a", "*")]),
        (r"^/(?i:foo)\Z", [shape("", "*")]),
        (r"(?i)^/foo\Z", [shape("", "*")]),
        (r"^/(?!new)[^/]+\Z", [shape("", "*")]),
        (r"^/[a-z]\Z", [shape("", "*")]),
        (r"^/[!-~]\Z", [shape("", "*", open=True)]),  # that range holds a slash
        (r"^/[^a]\Z", [shape("", "*", open=True)]),
        (r"^/(?P<x>a)(?P=x)\Z", [shape("", "a*", open=True)]),
        ("(", [ANY_PATH]),
    ],
)
def test_shapes(regexp: str, shapes: list[Shape]) -> None:
    def plain(found: Shape) -> tuple[object, ...]:
        last = found.segments[-1]
        # In an open shape the last segment is wild in any case.
        return (*found.segments[:-1], last.text, last.wild or found.open, found.open)

    assert {plain(found) for found in shapes_of(regexp)} == {plain(one) for one in shapes}


_pieces = st.sampled_from(
    [
        "a",
        "/",
        "b/",
        "[^/]+?",
        r"\d*",
        "(?:a|/b)",
        "(?:/x)?",
        ".+",
        "(?i:A)",
        "[^a]",
        r"[\w/]",
        "$",
    ]
)


def _fits(shape: Shape, path: str) -> bool:
    segments = path.split("/")
    if len(segments) != len(shape.segments) and not (
        shape.open and len(segments) > len(shape.segments)
    ):
        return False
    last = len(shape.segments) - 1
    for at, (text, wild) in enumerate(shape.segments):
        wild = wild or (shape.open and at == last)
        if not (segments[at].startswith(text) if wild else segments[at] == text):
            return False
    return True


@given(st.lists(_pieces, max_size=6), st.text("ab/xA1", max_size=8))
def test_no_path_is_left_out(pieces: list[str], path: str) -> None:
    regexp = "^" + "".join(pieces) + r"\Z"
    if re.match(regexp, path):
        assert any(_fits(shape, path) for shape in shapes_of(regexp))


@pytest.mark.parametrize(
    ("regex", "stays"),
    [
        (r"\d+", True),
        (r"[^/]+", True),
        ("foo|bar", True),
        ("(?:a|b)+", True),
        (r"\d*", False),  # may be nothing
        (".+", False),  # may hold a slash
        ("a/b", False),
        ("(a)", False),  # captures
        (r"(?<!x)a", False),  # looks outside
        ("(?i)a", False),  # sets a flag for the whole
        ("a$", False),
        ("(", False),
    ],
)
def test_what_can_be_tried_on_a_segment_alone(regex: str, stays: bool) -> None:
    assert stays_in_segment(regex) is stays


@pytest.mark.parametrize(
    "regex",
    ["(a+)+", "(a*)*", r"(\w+\s?)*", "([a-z]+|x)+", "((ab)+)+", "(?:a{1,20}b?)+", "x(y+)*z"],
)
def test_a_repeated_repeat_explodes(regex: str) -> None:
    assert explodes(regex)


@pytest.mark.parametrize(
    "regex",
    [r"\d+", r"(\w+,)*", r"[a-z]+(?:-[a-z]+)*", "(a|b)+", r"(\d{4})+", "(?:a+)?", "(", "a{3}"],
)
def test_an_ordinary_regex_does_not(regex: str) -> None:
    assert not explodes(regex)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="re has them since 3.11")
def test_atomic_groups_and_possessive_repeats() -> None:
    assert shapes_of(r"^/(?>ab)/c\Z") == (shape("", "ab", "c"),)
    assert stays_in_segment("(?>a|b)++")
    assert not stays_in_segment("(?>/)")
    assert not explodes("(a++)++")


def test_case_and_the_number_of_alternatives() -> None:
    assert shapes_of(r"^/(?i:a(?-i:b))c\Z")
    assert shapes_of("^/(?:" + "|".join(f"{n}/" for n in range(40)) + r")x\Z") != ()
