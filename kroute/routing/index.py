"""`Index`: from a path to the few declarations that could match it, in definition order.

It keeps the `Shape`s of many declarations and answers in a time that does not grow with their
number. It may name a declaration that does not match after all; it never leaves one out.

A path without variables is one look-up in a dictionary, which also holds whatever else could match
that path. For the others, the shapes are sorted by *which* of their segments are fixed: all
declarations like ``/api/{tenant}/users/{id}`` fix segments 1 and 3 and share one dictionary, whose
keys are the texts of those two. So a look-up costs one dictionary probe per kind of shape with as
many segments as the path, and an application has few kinds, however many declarations.
(The technique is known from packet filters as tuple space search: Srinivasan, Suri, Varghese,
"Packet classification using tuple space search", SIGCOMM 1999.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from .shape import Shape

__all__ = ["Index"]

T = TypeVar("T")

_Key = Callable[[list[str]], Any]
# A place in the order and what stands there.
_Ranked = tuple[int, T]
_rank = itemgetter(0)


class _Kind(NamedTuple):
    """Which segments a shape fixes: (position, length), length -1 for a segment fixed whole."""

    fixed: tuple[tuple[int, int], ...]
    length: int
    open: bool


class Index(Generic[T]):
    """An index over (item, its shapes) pairs, given in definition order.

    - `exact`: for each path that some item names literally, all items that could match it.
    - `search(segments)`: the items that could match the path with these segments.

    Both give tuples or lists of (rank, item), rank rising.
    """

    def __init__(self, items: Iterable[tuple[T, Iterable[Shape]]]) -> None:
        literals: dict[str, list[_Ranked[T]]] = {}
        kinds: dict[_Kind, dict[Any, list[_Ranked[T]]]] = {}
        for rank, (item, shapes) in enumerate(items):
            for shape in shapes:
                kind, key = _classify(shape)
                if key is None:
                    path = "/".join([segment.text for segment in shape.segments])
                    literals.setdefault(path, []).append((rank, item))
                    continue
                same = kinds.setdefault(kind, {}).setdefault(key, [])
                if not same or same[-1][0] != rank:
                    same.append((rank, item))
        self._probes, self._deep = _arrange(kinds)
        self.exact: dict[str, Sequence[_Ranked[T]]] = {
            path: _merge(found, self.search(path.split("/"))) for path, found in literals.items()
        }

    def candidates(self, path: str) -> Sequence[_Ranked[T]]:
        """All items that could match `path`, in definition order, with their rank."""
        found = self.exact.get(path)
        return self.search(path.split("/")) if found is None else found

    def search(self, segments: list[str]) -> Sequence[_Ranked[T]]:
        """The items with variables that could match the path with these segments."""
        count = len(segments)
        probes = self._probes[count] if count < len(self._probes) else self._deep
        found: Sequence[_Ranked[T]] = ()
        for key, table in probes:
            more = table.get(key(segments))
            if more is not None:
                found = _merge(found, more) if found else more
        return found


def _merge(one: Sequence[_Ranked[T]], other: Sequence[_Ranked[T]]) -> Sequence[_Ranked[T]]:
    """Both, in order, nothing twice."""
    if not other:
        return one
    return sorted(dict([*one, *other]).items(), key=_rank)


def _classify(shape: Shape) -> tuple[_Kind, Any]:
    """The shape's kind and its key there; the key is None for a path without anything wild."""
    fixed = []
    texts = []
    last = len(shape.segments) - 1
    for position, (text, wild) in enumerate(shape.segments):
        wild = wild or (shape.open and position == last)
        # Nearly all paths begin with a slash: the empty segment before it tells nothing apart.
        if (wild and not text) or (not position and not text and last):
            continue
        fixed.append((position, len(text) if wild else -1))
        texts.append(text)
    kind = _Kind(tuple(fixed), len(shape.segments), shape.open)
    if not shape.open and not any(segment.wild for segment in shape.segments):
        return kind, None
    return kind, texts[0] if len(texts) == 1 else tuple(texts)


def _arrange(
    kinds: dict[_Kind, dict[Any, list[_Ranked[T]]]],
) -> tuple[list[list[tuple[_Key, Any]]], list[tuple[_Key, Any]]]:
    """The probes to make by number of segments, and those for more segments than any shape has."""
    most = max((kind.length for kind in kinds), default=0)
    by_count: list[list[tuple[_Key, Any]]] = [[] for _ in range(most + 1)]
    deep: list[tuple[_Key, Any]] = []
    for kind, table in kinds.items():
        probe = (_key_of(kind.fixed), {key: tuple(found) for key, found in table.items()})
        for count in range(kind.length, most + 1 if kind.open else kind.length + 1):
            by_count[count].append(probe)
        if kind.open:
            deep.append(probe)
    return by_count, deep


def _key_of(fixed: tuple[tuple[int, int], ...]) -> _Key:
    """A function from a path's segments to the key under which shapes of this kind are kept."""
    if not fixed:
        return lambda segments: ()
    if all(length < 0 for _, length in fixed):
        return itemgetter(*[position for position, _ in fixed])
    if len(fixed) == 1:
        ((position, length),) = fixed
        return lambda segments: segments[position][:length]
    return lambda segments: tuple(
        [segments[at] if length < 0 else segments[at][:length] for at, length in fixed]
    )
