"""`RouteError`, `BuildError`, `RouteWarning`: what can be wrong with a URL map, and whose fault it
is.

    Exception
    +-- ValueError
    |   +-- RouteError      the author's: a declaration that cannot stand; raised where it is made
    +-- LookupError
    |   +-- BuildError      the author's: a URL asked for that the map cannot give
    +-- Warning
        +-- RouteWarning    the author's: a declaration that stands, but does nothing

None of them is the client's fault: a request that nothing answers is a `Miss`, not an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from .place import Place

__all__ = ["BuildError", "RouteError", "RouteWarning", "nearest"]


class RouteError(ValueError):
    """A declaration that cannot stand: a broken regex, a method declared twice, a name taken.

    `problem` is what is wrong, `path` the declared path (or None), `place` where the author
    declared it (or None).
    """

    def __init__(
        self, message: str, *, path: str | None = None, place: Place | None = None
    ) -> None:
        self.problem = message
        self.path = path
        self.place = place
        where = f"{place}: " if place else ""
        which = f"route {path!r}: " if path is not None else ""
        super().__init__(f"{where}{which}{message}")


class BuildError(LookupError):
    """A URL that cannot be built: no such name, a part missing, a value the route does not take.

    `name` is the route asked for, `nearest` the names most like it, `needed` the parts it takes.
    """

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        nearest: Iterable[str] = (),
        needed: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.nearest = tuple(nearest)
        self.needed = tuple(needed)
        super().__init__(message)


class RouteWarning(UserWarning):
    """A declaration that stands but can never be reached, or may be slow to match.

    `path` and `place` are those of the route it is about.
    """

    def __init__(self, message: str, *, path: str, place: Place | None) -> None:
        self.path = path
        self.place = place
        where = f"{place}: " if place else ""
        super().__init__(f"{where}route {path!r}: {message}")


def nearest(word: str, words: Iterable[str]) -> list[str]:
    """Up to three of `words` that look like `word`, most alike first."""
    return get_close_matches(word, list(words), n=3, cutoff=0.5)
