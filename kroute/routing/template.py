r"""`Template`, `Variable`: a declared path, taken apart.

The language is Routes': ``{name}``, ``{name:regex}``, ``{.format}``, ``*rest``, ``*(rest)``, and
the older ``:name`` and ``:(name)``; ``\`` makes the next of ``\ : * { }`` an ordinary character.
Routes reads a template without looking whether it makes sense, ends a regex at its first ``}`` and
cuts it at a second ``:``. Here braces must balance, a regex may hold both (``{year:\d{4}}``,
``{kind:(?:a|b)}``), and what cannot stand is a `RouteError`.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from .errors import RouteError, nearest
from .place import Place

__all__ = ["Template", "Variable"]

_SPECIAL = "\\:*{}"
_ENDS_OLD_STYLE = "/,;.#-"
# Names that Routes gives a meaning of its own in a path.
_RESERVED = {"controller": "Routes' word for its list of controllers"}


class Variable(NamedTuple):
    """A variable: `kind` is ``:`` (one part), ``.`` (optional, with its dot) or ``*`` (rest)."""

    name: str
    kind: str = ":"


class Template:
    """A path as declared (`source`), its `parts`, its `requirements`, and Routes' spelling of it.

    `parts` are text (unescaped) and `Variable`s in order; `names` the variables' names;
    `optional` those that may be absent from a match; `for_routes` the same template in a spelling
    that Routes reads right, the regexes taken out into `requirements`; `place` is where it was
    declared.
    """

    __slots__ = (
        "for_routes",
        "names",
        "optional",
        "parts",
        "place",
        "requirements",
        "source",
        "static",
    )

    def __init__(
        self,
        source: str,
        requirements: Mapping[str, str] | None = None,
        place: Place | None = None,
        static: bool = False,
    ) -> None:
        """Take `source` apart.

        `requirements` are regexes by variable name and go before those in the path. A `static`
        template is for building URLs only: in it, as in Routes, only braces make variables, so
        that ``http://`` may stand in it.

        Raises `RouteError`: braces that do not balance, a variable twice or with no usable name, a
        requirement that is no regex or belongs to no variable.
        """
        self.source = source
        self.place = place
        self.static = static
        parts, inline = _Reader(source, place, static).read()
        self.parts: tuple[str | Variable, ...] = tuple(parts)
        variables = [part for part in parts if isinstance(part, Variable)]
        self.names = tuple(variable.name for variable in variables)
        self.optional = frozenset(v.name for v in variables if v.kind == ".")
        self._check_names(place)
        given = dict(requirements or {})
        for name in given:
            if name not in self.names:
                raise RouteError(_no_such_variable(name, self.names), path=source, place=place)
        self.requirements = {**inline, **given}
        for name, regex in self.requirements.items():
            problem = _regex_problem(regex)
            if problem:
                raise RouteError(
                    f"the requirement {regex!r} of {name!r} {problem}", path=source, place=place
                )
        self.for_routes = _spell(self.parts)

    def _check_names(self, place: Place | None) -> None:
        seen: set[str] = set()
        for name in self.names:
            if name in seen:
                problem = f"the variable {name!r} stands in it twice; give one another name"
            elif not name.isidentifier() or keyword.iskeyword(name):
                problem = f"{name!r} cannot be a variable: it must be a name that Python takes"
            elif name in _RESERVED:
                problem = f"{name!r} cannot be a variable: it is {_RESERVED[name]}"
            else:
                seen.add(name)
                continue
            raise RouteError(problem, path=self.source, place=place)

    def __str__(self) -> str:
        return f"{self.source!r}, declared at {self.place}" if self.place else repr(self.source)

    @property
    def literal(self) -> str | None:
        """The whole path, if it has no variables; else None."""
        if self.names:
            return None
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def simple(self) -> bool:
        """Whether all its variables are of the plain kind, one part each, never absent."""
        return all(part.kind == ":" for part in self.parts if isinstance(part, Variable))

    def segments(self) -> list[list[str | Variable]]:
        """The parts, split at every ``/`` that stands in the template's own text."""
        result: list[list[str | Variable]] = [[]]
        for part in self.parts:
            if isinstance(part, Variable):
                result[-1].append(part)
                continue
            head, *others = part.split("/")
            if head:
                result[-1].append(head)
            result.extend([piece] if piece else [] for piece in others)
        return result


class _Reader:
    """One pass over a template, by position; an error knows what it was reading."""

    def __init__(self, source: str, place: Place | None, static: bool) -> None:
        self.source = source
        self.place = place
        self.old_style = "" if static else ":*"
        self.at = 0
        self.text = ""
        self.parts: list[str | Variable] = []
        self.requirements: dict[str, str] = {}

    def read(self) -> tuple[list[str | Variable], dict[str, str]]:
        source = self.source
        while self.at < len(source):
            char = source[self.at]
            if char == "\\" and source[self.at + 1 : self.at + 2] in tuple(_SPECIAL):
                self.text += source[self.at + 1]
                self.at += 2
            elif char == "{":
                self._braces()
            elif char in self.old_style:
                self._old_style(char)
            elif char == "}":
                raise self._error(f"the '}}' at position {self.at} closes nothing")
            else:
                self.text += char
                self.at += 1
        if self.text:
            self.parts.append(self.text)
        return self.parts, self.requirements

    def _add(self, variable: Variable) -> None:
        if self.text:
            self.parts.append(self.text)
            self.text = ""
        self.parts.append(variable)

    def _braces(self) -> None:
        begin = self.at
        end = _closing_brace(self.source, begin)
        if end < 0:
            raise self._error(f"the '{{' at position {begin} is never closed by a '}}'")
        inside = self.source[begin + 1 : end]
        kind = ":"
        if inside.startswith("."):
            kind, inside = ".", inside[1:]
        name, colon, regex = inside.partition(":")
        if name.startswith("*"):
            raise self._error(f"write '*{name[1:]}' or '{{{name[1:]}:.*}}' for '{{{inside}}}'")
        self._add(Variable(name, kind))
        if colon:
            self.requirements[name] = regex
        self.at = end + 1

    def _old_style(self, kind: str) -> None:
        begin = self.at + 1
        if self.source[begin : begin + 1] == "(":
            end = self.source.find(")", begin)
            if end < 0:
                raise self._error(f"the '(' at position {begin} is never closed by a ')'")
            name, self.at = self.source[begin + 1 : end], end + 1
        else:
            end = begin
            while end < len(self.source) and self.source[end] not in _ENDS_OLD_STYLE:
                end += 1
            name, self.at = self.source[begin:end], end
        if not name:
            raise self._error(
                f"the {kind!r} at position {begin - 1} begins a variable, but no name follows; "
                f"for the character itself write '\\{kind}'"
            )
        self._add(Variable(name, kind))

    def _error(self, problem: str) -> RouteError:
        return RouteError(problem, path=self.source, place=self.place)


def _closing_brace(source: str, begin: int) -> int:
    """Where the brace that opens at `begin` is closed; -1 if it is not.

    Inside, a regex may have braces of its own, escaped characters and character classes.
    """
    depth = 0
    in_class = False
    at = begin
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[" and depth:
            in_class = True
            # A ']' that comes first is an ordinary member of the class.
            at += 1 if source[at + 1 : at + 2] == "]" else 0
            at += 2 if source[at + 1 : at + 3] == "^]" else 0
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    return -1


@lru_cache(maxsize=1024)
def _regex_problem(regex: str) -> str:
    """What is wrong with a requirement, as the rest of a sentence; '' if nothing is."""
    if not isinstance(regex, str):
        return f"is a {type(regex).__name__}, but must be a regex as text"
    if not regex:
        return "is empty; leave it out"
    try:
        re.compile(regex)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is not a regex: {error}"
    if regex.startswith("^"):
        return "begins with '^', which stands for the path's beginning; leave it out"
    return ""


def _no_such_variable(name: str, names: tuple[str, ...]) -> str:
    close = nearest(name, names)
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names) or 'none'}"
    return f"a requirement for {name!r}, which is no variable of this path; {hint}"


def _spell(parts: tuple[str | Variable, ...]) -> str:
    """The parts in the spelling that every Routes reads the same way."""
    spelt = []
    for part in parts:
        if isinstance(part, str):
            spelt.append("".join("\\" + char if char in _SPECIAL else char for char in part))
        elif part.kind == "*":
            spelt.append(f"*({part.name})")
        else:
            spelt.append(f"{{{'.' if part.kind == '.' else ''}{part.name}}}")
    return "".join(spelt)
