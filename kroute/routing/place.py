"""`Place`: where in the author's files something was declared."""

from __future__ import annotations

import inspect
import os
import sys
from typing import NamedTuple

__all__ = ["Place"]

UNKNOWN = "?"


class Place(NamedTuple):
    """A file, a line, and a word for what stands there; `str()` gives ``app.py:12 (hello)``.

    `file` is kept as Python knows it; `str()` shortens it when it lies under the current
    directory.
    """

    file: str
    line: int
    what: str = ""

    def __str__(self) -> str:
        file = self.file
        here = os.getcwd() + os.sep
        if file.startswith(here):
            file = file[len(here) :]
        where = f"{file}:{self.line}"
        return f"{where} ({self.what})" if self.what else where

    @property
    def known(self) -> bool:
        """Whether it is somewhere; what is written in C has no place."""
        return self.file != UNKNOWN

    @classmethod
    def here(cls, depth: int = 0, what: str = "") -> Place:
        """The line that calls this function, or the line `depth` calls further out."""
        frame = sys._getframe(depth + 1)
        return cls(frame.f_code.co_filename, frame.f_lineno, what)

    @classmethod
    def of(cls, thing: object) -> Place:
        """Where a function or class is defined; not `known` where Python cannot tell.

        Wrappers made with `functools.wraps` and `functools.partial` are looked through.
        """
        thing = getattr(thing, "func", thing)  # functools.partial
        if callable(thing):
            thing = inspect.unwrap(thing)
        thing = getattr(thing, "__func__", thing)
        what = getattr(thing, "__qualname__", "") or type(thing).__qualname__
        code = getattr(thing, "__code__", None)
        if code is not None:
            return cls(code.co_filename, code.co_firstlineno, what)
        kind = thing if isinstance(thing, type) else type(thing)
        try:
            file = inspect.getsourcefile(kind) or UNKNOWN
            line = inspect.findsource(kind)[1] + 1
        except (OSError, TypeError):
            return cls(UNKNOWN, 0, what)
        return cls(file, line, what)
