"""NotSeen, Seen, SeenTree: what was in memory a moment ago, where nobody waits for a disk."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from .static_tree import OpenFile, Tree

__all__ = ["NotSeen", "Seen", "SeenTree"]


class NotSeen(Exception):
    """A disk may have to be waited for, or something is not as it was: to be done in a thread."""


class Seen:
    """Files that were opened and read from memory a moment ago, by the names that lead to them.

    That says only that they, and the directories on the way, are in memory still; nothing that was
    found out about them is kept. Files are noted whose bytes the kernel gave from memory: that the
    ones of another machine are there it does not say.
    """

    MOMENT = 1.0
    """Seconds in which the kernel does not forget what it was asked for."""

    MOST = 1024
    """Files that are kept in mind."""

    MOST_PARTS = 64
    """Parts of one file that are."""

    def __init__(self) -> None:
        self._files: dict[tuple[bytes, ...], tuple[float, set[int]]] = {}

    def note(self, names: Sequence[bytes]) -> None:
        """Note that a file was opened, with waiting if that was needed, and read from memory."""
        if len(self._files) >= self.MOST:
            self._files.clear()  # the ones that are asked for often are back soon
        self._files[tuple(names)] = (monotonic() + self.MOMENT, set())

    def note_part(self, names: Sequence[bytes], offset: int) -> None:
        """Note that the part of a file that begins at `offset` is in memory."""
        parts = self._parts(names)
        if parts is not None and len(parts) < self.MOST_PARTS:
            parts.add(offset)

    def has(self, names: Sequence[bytes]) -> bool:
        """Whether a file was noted a moment ago."""
        return self._parts(names) is not None

    def has_part(self, names: Sequence[bytes], offset: int) -> bool:
        """Whether that part of it was, too."""
        return offset in (self._parts(names) or ())

    def _parts(self, names: Sequence[bytes]) -> set[int] | None:
        until, parts = self._files.get(tuple(names), (0.0, None))
        return parts if until > monotonic() else None


class SeenTree:
    """A `Tree` for who cannot wait: raises NotSeen for what was not noted in `seen`."""

    def __init__(self, tree: Tree, seen: Seen) -> None:
        self._tree = tree
        self._seen = seen

    def open(self, names: Sequence[bytes]) -> OpenFile:
        """As of a Tree, or NotSeen where that would raise."""
        if not self._seen.has(names):
            raise NotSeen
        try:
            return self._tree.open(names)
        except OSError as error:
            raise NotSeen from error
