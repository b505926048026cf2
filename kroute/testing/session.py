"""Session: what a test has open, and closes at the end of a `with`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeVar

__all__ = ["Session"]

T = TypeVar("T")


class Session(AbstractContextManager[T]):
    """For subclasses, of which T is the class itself: `close()` is called at the end."""

    def close(self) -> None:
        """See the subclass."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
