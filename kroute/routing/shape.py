"""`Shape`, `Segment`, `shapes_of`, `stays_in_segment`, `explodes`: what a regex says of a path.

Routes turns a declaration into a regex, by rules with many exceptions (minimisation makes trailing
parts and slashes optional, a requirement may match ``/`` or nothing, ...). Instead of copying
those rules, this module reads the regex itself and says which paths it could match: never too few,
sometimes too many. An index built from that cannot lose a match, and where the reading fails (a
construct not known here) it says "any path", which is slow but right.
"""

from __future__ import annotations

import importlib
import re
import sys
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["ANY_PATH", "Segment", "Shape", "explodes", "shapes_of", "stays_in_segment"]

# The standard library's regex parser: private in name, stable in fact since Python 2. Its answers
# are only ever used to narrow a search, so a future change can cost time, not correctness.
_parser: Any = importlib.import_module(
    "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
)

# More alternatives than this are not worth telling apart.
_MAX_ALTERNATIVES = 16
_SLASH = ord("/")
# Categories by the name of their opcode; \d, \s and \w never match a slash.
_SLASHLESS = {"CATEGORY_DIGIT", "CATEGORY_SPACE", "CATEGORY_WORD"}


class Segment(NamedTuple):
    """What stands between two slashes: exactly `text`, or, if `wild`, `text` and then anything."""

    text: str
    wild: bool = False


class Shape(NamedTuple):
    """The segments of a path; if `open`, anything at all, slashes too, may follow the last one."""

    segments: tuple[Segment, ...]
    open: bool = False


ANY_PATH = Shape((Segment("", True),), open=True)


class _Partial(NamedTuple):
    """A shape half read: closed segments, and the one being read."""

    closed: tuple[Segment, ...] = ()
    text: str = ""
    wild: bool = False

    def shape(self, open: bool = False) -> Shape:
        return Shape((*self.closed, Segment(self.text, self.wild)), open)


def shapes_of(regexp: str) -> tuple[Shape, ...]:
    """The shapes of all paths that `regexp` can match; together they leave none out."""
    try:
        tree = _parser.parse(regexp)
        reader = _Reader(bool(tree.state.flags & re.IGNORECASE))
        ends = reader.sequence(tree, [_Partial()])
    except Exception:
        # Whatever the parser did not like: nothing is known, so nothing is left out.
        return (ANY_PATH,)
    shapes = [*(end.shape() for end in ends), *reader.opened]
    if len(shapes) > _MAX_ALTERNATIVES:
        return (ANY_PATH,)
    return tuple(dict.fromkeys(shapes))


class _Reader:
    """Reads a parse tree from left to right, following every alternative at once."""

    def __init__(self, ignorecase: bool) -> None:
        self.ignorecase = ignorecase
        self.opened: list[Shape] = []

    def sequence(self, items: Any, states: list[_Partial]) -> list[_Partial]:
        for op, argument in items:
            if not states:
                break
            if len(states) > _MAX_ALTERNATIVES:
                return self.open(states)
            states = list(dict.fromkeys(self.item(str(op), argument, states)))
        return states

    def item(self, op: str, argument: Any, states: list[_Partial]) -> list[_Partial]:
        if op in ("AT", "ASSERT", "ASSERT_NOT"):
            return states  # zero-width: they forbid, they do not add
        if op == "LITERAL":
            return [self.literal(argument, state) for state in states]
        if op == "SUBPATTERN":
            return self.group(argument, states)
        if op == "ATOMIC_GROUP":
            return self.sequence(argument, states)
        if op == "BRANCH":
            return [end for branch in argument[1] for end in self.sequence(branch, states)]
        if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, items = argument
            return self.repeat(least, most, items, states)
        if _item_stays(op, argument):
            return [_Partial(state.closed, state.text, True) for state in states]
        return self.open(states)

    def literal(self, code: int, state: _Partial) -> _Partial:
        closed, text, wild = state
        if code == _SLASH:
            return _Partial((*closed, Segment(text, wild)))
        if wild or self.ignorecase:
            return _Partial(closed, text, True)
        return _Partial(closed, text + chr(code))

    def group(self, argument: Any, states: list[_Partial]) -> list[_Partial]:
        _, add_flags, del_flags, items = argument
        before = self.ignorecase
        if add_flags & re.IGNORECASE:
            self.ignorecase = True
        elif del_flags & re.IGNORECASE:
            self.ignorecase = False
        try:
            return self.sequence(items, states)
        finally:
            self.ignorecase = before

    def repeat(self, least: int, most: int, items: Any, states: list[_Partial]) -> list[_Partial]:
        if (least, most) == (1, 1):
            return self.sequence(items, states)
        if (least, most) == (0, 1):
            return [*states, *self.sequence(items, states)]
        if all(_item_stays(str(op), argument) for op, argument in items):
            return [_Partial(state.closed, state.text, True) for state in states]
        return self.open(states)

    def open(self, states: list[_Partial]) -> list[_Partial]:
        self.opened.extend(state.shape(open=True) for state in states)
        return []


def _item_stays(op: str, argument: Any) -> bool:
    """Whether what this item matches can have no slash in it."""
    if op == "LITERAL":
        return bool(argument != _SLASH)
    if op == "NOT_LITERAL":
        return bool(argument == _SLASH)
    if op == "IN":
        return not _set_takes_slash(argument)
    if op in ("AT", "ASSERT", "ASSERT_NOT"):
        return True
    if op == "SUBPATTERN":
        return all(_item_stays(str(op), inner) for op, inner in argument[3])
    if op == "ATOMIC_GROUP":
        return all(_item_stays(str(op), inner) for op, inner in argument)
    if op == "BRANCH":
        return all(_item_stays(str(op), inner) for branch in argument[1] for op, inner in branch)
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return all(_item_stays(str(op), inner) for op, inner in argument[2])
    return False  # ANY takes a slash; of the rest nothing is known


def _set_takes_slash(members: Any) -> bool:
    negated = False
    taken = False
    for op, argument in members:
        kind = str(op)
        if kind == "NEGATE":
            negated = True
        elif kind == "LITERAL":
            taken = taken or argument == _SLASH
        elif kind == "RANGE":
            taken = taken or argument[0] <= _SLASH <= argument[1]
        elif kind == "CATEGORY":
            taken = taken or str(argument) not in _SLASHLESS
        else:
            return True  # unknown member: assume the worst either way
    return taken != negated


# Items whose meaning does not depend on what lies outside the text they match.
_SELF_CONTAINED = {
    "LITERAL",
    "NOT_LITERAL",
    "IN",
    "BRANCH",
    "SUBPATTERN",
    "ATOMIC_GROUP",
    "MAX_REPEAT",
    "MIN_REPEAT",
    "POSSESSIVE_REPEAT",
}


@lru_cache(maxsize=4096)
def stays_in_segment(regex: str) -> bool:
    """Whether `regex`, standing alone between two slashes, can be tried on the segment alone.

    True only if it matches no slash, never matches nothing, captures nothing, looks at nothing
    outside itself and sets no flags for the whole pattern: then ``fullmatch`` of the segment and
    the regex inside a longer pattern say the same.
    """
    try:
        tree = _parser.parse(regex)
    except Exception:
        return False
    if tree.state.flags & ~re.UNICODE or tree.state.groups != 1 or tree.getwidth()[0] < 1:
        return False
    return _all_self_contained(tree) and all(_item_stays(str(op), arg) for op, arg in tree)


def _all_self_contained(items: Any) -> bool:
    for op, argument in items:
        kind = str(op)
        if kind not in _SELF_CONTAINED:
            return False
        if not all(_all_self_contained(sequence) for sequence in _inside(kind, argument)):
            return False
    return True


def _inside(op: str, argument: Any) -> list[Any]:
    """The sequences that an item is made of."""
    if op == "BRANCH":
        return list(argument[1])
    if op == "SUBPATTERN":
        return [argument[3]]
    if op == "ATOMIC_GROUP":
        return [argument]
    return [argument[2]] if op.endswith("REPEAT") else []


@lru_cache(maxsize=4096)
def explodes(regex: str) -> bool:
    """Whether `regex` repeats a repeat, as in ``(a+)+``, so that a near miss takes ages.

    What the inner repeat takes, the outer one can share out in exponentially many ways, and all
    are tried before the answer is no. Says True only where that is so; of the other ways in which
    a regex can be slow it knows nothing.
    """
    try:
        return _repeats_repeat(_parser.parse(regex))
    except Exception:
        return False


def _repeats_repeat(items: Any) -> bool:
    for op, argument in items:
        kind = str(op)
        inside = _inside(kind, argument)
        if kind in _BACKTRACKING and argument[1] > _MANY and _is_repeat(argument[2]):
            return True
        if any(_repeats_repeat(sequence) for sequence in inside):
            return True
    return False


def _is_repeat(items: Any) -> bool:
    """Whether all that `items` match may be the work of one endless repeat in them."""
    for at, (op, argument) in enumerate(items):
        kind = str(op)
        others = [*items[:at], *items[at + 1 :]]
        if not all(_may_be_nothing(str(other), arg) for other, arg in others):
            continue
        if kind in _BACKTRACKING and argument[1] > _MANY:
            return True
        if kind in ("SUBPATTERN", "BRANCH") and any(map(_is_repeat, _inside(kind, argument))):
            return True
    return False


def _may_be_nothing(op: str, argument: Any) -> bool:
    if op in ("BRANCH", "SUBPATTERN", "ATOMIC_GROUP"):
        return any(
            all(_may_be_nothing(str(inner), arg) for inner, arg in sequence)
            for sequence in _inside(op, argument)
        )
    return op.endswith("REPEAT") and argument[0] == 0


_BACKTRACKING = ("MAX_REPEAT", "MIN_REPEAT")
# A repeat up to so many times is as bad as an endless one.
_MANY = 16
