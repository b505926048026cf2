"""`warnings_of`: declarations that stand but do nothing, paths that hardly mean what they say, and
requirements that may take ages.

A declaration is warned of only where it is certain that earlier ones take all its URLs. Line ends
are left out of account: ``/files/*rest`` takes none, and still makes ``/files/{name}`` pointless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote

from .capture import fills_segment
from .errors import RouteWarning
from .mount import Mount
from .redirect import Redirect
from .shape import explodes
from .table import HandlerTable
from .template import Variable

if TYPE_CHECKING:
    from .index import Index
    from .urlmap import Entry

__all__ = ["warnings_of"]

E = TypeVar("E")

_Part = str | Variable
_Segments = list[list[_Part]]
# RFC 3986, 3.3 to 3.5: both end a path.
_NOT_IN_PATHS = re.compile(r"[?#]")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_REST: list[_Part] = [Variable("", "*")]
# Stands for a value when the index is asked; no declaration is likely to have it as text.
_SAMPLE = "\ue000"
# Of so many declarations that could take a path, the later ones are not looked into.
_MOST = 100


def warnings_of(entries: list[Entry[E]], index: Index[Entry[E]]) -> list[RouteWarning]:
    """What is wrong, but not fatal, with these entries, given in definition order."""
    found: list[RouteWarning] = []
    reaches = [_Reach(entry) for entry in entries]
    for rank, entry in enumerate(entries):
        found.extend(_unreached(reaches, rank, index))
        found.extend(_slow(entry))
        found.extend(_misspelt(entry))
    return found


class _Reach(Generic[E]):
    """What a declaration can match: its paths, in every form, and its methods."""

    def __init__(self, entry: Entry[E]) -> None:
        self.thing = thing = entry.behind
        self.requirements = thing.template.requirements
        self.conditions: dict[str, Any] = {}
        self.minimized = thing.route.minimization
        self.mount = isinstance(thing, Mount)
        self.segments: _Segments = thing.template.segments()
        self.methods: set[str] = {"*"}
        self.answers: set[str] = {"*"}
        if isinstance(thing, HandlerTable):
            self.conditions = thing.conditions
            self.methods = set(thing.methods)
            self.answers = set(thing.answers) if thing.any is None else {"*"}
        elif isinstance(thing, Redirect):
            self.conditions = thing.conditions
            self.methods = self.answers = {"*"} if thing.methods is None else set(thing.methods)
        elif thing.target is not None:
            self.answers = set()  # what its map does not answer goes on to later declarations

    def forms(self) -> list[_Segments]:
        return [self.segments, [*self.segments, _REST]] if self.mount else [self.segments]

    def sample(self) -> str:
        """A path it could match, for the index."""
        return "/".join(
            "".join(
                part if isinstance(part, str) else "" if part.kind == "." else _SAMPLE
                for part in parts
            )
            for parts in self.segments
        )

    def takes_all_of(self, other: _Reach[E]) -> bool:
        """Whether every path of `other` is certainly one of these."""
        if any(name not in other.conditions for name in self.conditions):
            return False
        for name, condition in self.conditions.items():
            # What a function says may hang on the names of the values.
            if name == "function" or other.conditions[name] != condition:
                return False
        if self.minimized or other.minimized:
            return False
        literal = other.thing.template.literal
        if literal is not None and not (self.mount or other.mount):
            return self.thing.route.regmatch.match(literal) is not None
        return all(self._takes(form, other) for form in other.forms())

    def _takes(self, form: _Segments, other: _Reach[E]) -> bool:
        mine = self.segments
        if self.mount:
            return len(form) >= len(mine) and self._each(mine, form, other)
        if mine[-1] and _kinds(mine[-1]) == "*" and not self._asked(mine[-1]):
            head = len(mine) - 1
            rest = form[head:]
            something = len(rest) > 1 or (rest and _never_empty(rest[0], other.requirements))
            return bool(something) and self._each(mine[:head], form, other)
        return len(form) == len(mine) and self._each(mine, form, other)

    def _each(self, mine: _Segments, form: _Segments, other: _Reach[E]) -> bool:
        return all(self._segment(one, two, other) for one, two in zip(mine, form, strict=False))

    def _segment(self, mine: list[_Part], parts: list[_Part], other: _Reach[E]) -> bool:
        if mine == parts and not self._asked(mine) and not other._asked(parts):
            return True
        if _kinds(mine) in (":", ":.") and not self.requirements.get(_name(mine[0])):
            # One whole variable takes whatever is something and has no slash.
            inside = all(_stays(part, other.requirements) for part in parts)
            return inside and _never_empty(parts, other.requirements)
        return self._same(mine, parts, other)

    def _same(self, mine: list[_Part], parts: list[_Part], other: _Reach[E]) -> bool:
        """Whether both are the same but for the names of the variables."""
        if len(mine) != len(parts):
            return False
        for one, two in zip(mine, parts, strict=True):
            if isinstance(one, str) or isinstance(two, str):
                if one != two:
                    return False
                continue
            regex = self.requirements.get(one.name)
            if one.kind != two.kind or regex != other.requirements.get(two.name):
                return False
            if regex is not None and not fills_segment(regex):
                return False
        return True

    def _asked(self, parts: list[_Part]) -> bool:
        return any(_name(part) in self.requirements for part in parts)


def _unreached(
    reaches: list[_Reach[E]], rank: int, index: Index[Entry[E]]
) -> Iterable[RouteWarning]:
    """A warning for the methods that earlier declarations take at every path of this one."""
    reach = reaches[rank]
    left = set(reach.methods)
    thing = reach.thing
    for earlier, _ in index.candidates(reach.sample())[:_MOST]:
        if earlier >= rank or not left:
            break
        other = reaches[earlier]
        taken = left if "*" in other.answers else left & other.answers
        if not taken or not other.takes_all_of(reach):
            continue
        which = "" if taken == reach.methods else f" for {', '.join(sorted(taken))}"
        places = thing.places if isinstance(thing, HandlerTable) else {}
        yield RouteWarning(
            f"is never reached{which}: {other.thing.path!r}, declared earlier at "
            f"{other.thing.place}, takes all its URLs",
            path=thing.path,
            place=places.get(min(taken), thing.place),
        )
        left = left - taken


def _slow(entry: Entry[E]) -> Iterable[RouteWarning]:
    thing = entry.behind
    for name, regex in thing.template.requirements.items():
        if explodes(regex):
            yield RouteWarning(
                f"the requirement {regex!r} of {name!r} repeats a repeat, so a path that nearly "
                "matches can take for ever; let each character match in one way only",
                path=thing.path,
                place=thing.place,
            )


def _misspelt(entry: Entry[E]) -> Iterable[RouteWarning]:
    thing = entry.behind
    text = "".join(part for part in thing.template.parts if isinstance(part, str))
    problem = ""
    if encoded := _ENCODED.search(text):
        problem = (
            f"{encoded[0]!r} stands for itself: a path is percent-decoded before it is matched, "
            f"so write {unquote(encoded[0])!r}"
        )
    elif reserved := _NOT_IN_PATHS.search(text):
        problem = f"{reserved[0]!r} never comes bare in a path: it ends it"
    if problem:
        yield RouteWarning(problem, path=thing.path, place=thing.place)


def _name(part: _Part) -> str:
    return "" if isinstance(part, str) else part.name


def _kinds(parts: list[_Part]) -> str:
    """The kinds of the variables, ``'-'`` for text."""
    return "".join("-" if isinstance(part, str) else part.kind for part in parts)


def _stays(part: _Part, requirements: Any) -> bool:
    """Whether what `part` matches never holds a slash."""
    if isinstance(part, str):
        return True
    regex = requirements.get(part.name)
    return fills_segment(regex) if regex else part.kind != "*"


def _never_empty(parts: list[_Part], requirements: Any) -> bool:
    """Whether `parts` match at least one character."""
    for part in parts:
        if isinstance(part, str):
            return True
        regex = requirements.get(part.name)
        if part.kind != "." and (not regex or fills_segment(regex)):
            return True
    return False
