"""call_environ, ErrorLog, FileWrapper: what a WSGI application finds in its environ."""

from __future__ import annotations

import io
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any

from ..http import FilePart, close_body
from .wsgi_input import Input

__all__ = ["ErrorLog", "FileWrapper", "call_environ"]

log = logging.getLogger("kroute.wsgi")

READ_AHEAD = 16384
"""Bytes that short reads of `wsgi.input` are served from."""


class ErrorLog:
    """`wsgi.errors` (PEP 3333, "Input and Error Streams"): what is written becomes log records.

    A record ends where a line does, so that a traceback written at once is one record.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = ""
        self._busy = False

    def write(self, text: str) -> int:
        if self._busy:
            # The log itself writes here: Flask's documents have the root logger do so.
            return sys.stderr.write(text)
        self._text += text
        if text.endswith("\n"):
            self.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        text, self._text = self._text.rstrip("\n"), ""
        if text and not self._busy:
            self._busy = True
            try:
                log.error("%s: %s", self._name, text)
            finally:
                self._busy = False


class FileWrapper:
    """`wsgi.file_wrapper`: a file as a body, in blocks, from where it stands to its end.

    `limit` bounds it, as a Content-Length has to (PEP 3333, "Optional Platform-Specific File
    Handling").
    """

    SMALLEST = 65536
    """Bytes of a block at least: applications ask for 4096, and each block is a hand-over."""

    def __init__(self, file: IO[bytes], block_size: int = 65536) -> None:
        self.file = file
        self.block_size = max(block_size, self.SMALLEST)
        self.limit: int | None = None

    def part(self, length: int | None) -> FilePart | None:
        """What is to be sent, for the kernel to do that; None for what is no regular file, has
        less than `length` bytes left, or so few that they are as well read."""
        try:
            start = self.file.tell()
            info = os.fstat(self.file.fileno())
        except (AttributeError, OSError, ValueError):
            return None
        count = info.st_size - start
        if not stat.S_ISREG(info.st_mode) or count < max(length or 0, self.SMALLEST):
            return None
        return FilePart(self.file.fileno(), start, count if length is None else length)

    def __iter__(self) -> Iterator[bytes]:
        left = self.limit
        while left is None or left > 0:
            data = self.file.read(self.block_size if left is None else min(self.block_size, left))
            if not data:
                return
            if left is not None:
                left -= len(data)
            yield data

    def close(self) -> None:
        close_body(self.file)


def call_environ(
    environ: dict[str, Any], errors: ErrorLog, body: Input | None = None
) -> dict[str, Any]:
    """The environ for an application that runs in threads. A copy: PEP 3333 lets it do with that
    what it likes, while ours is read in the scheduler's thread. body: one that is yet to come."""
    own = {
        **environ,
        "wsgi.errors": errors,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.multithread": True,
    }
    # True of our file; middleware may put its own around that and does not know WebOb's flag.
    own.pop("webob.is_body_seekable", None)
    if body is not None:
        own["wsgi.input"] = io.BufferedReader(body, READ_AHEAD)
    return own
