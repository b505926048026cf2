"""`warnings_of`: declarations that can never be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .errors import RouteWarning

if TYPE_CHECKING:
    from .urlmap import Entry

__all__ = ["warnings_of"]

E = TypeVar("E")


def warnings_of(entries: list[Entry[E]]) -> list[RouteWarning]:
    """What is wrong, but not fatal, with these entries, given in definition order."""
    return []
