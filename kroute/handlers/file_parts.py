"""file_parts, can_send_files: bodies that are files on a disk, for the kernel to send."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from typing import IO, Any

from webob.static import FileIter

from ..http import Exchange, FilePart

__all__ = ["PART", "can_send_files", "file_parts"]

PART = 1024 * 1024
"""Bytes of a file in one message; more of them are not seen to be in memory beforehand."""


def can_send_files(exchange: Exchange) -> bool:
    """Whether the answer can have parts of files in it (`FilePart`)."""
    return getattr(exchange.sink, "can_send_files", False)


def file_parts(body: Any) -> Iterator[FilePart] | None:
    """The parts of a body that is a file on a disk, from where it stands to its end; None for any
    other body. The file is closed when the iterator is."""
    file = body.file if type(body) is FileIter else body
    if not isinstance(file, (io.FileIO, io.BufferedReader)):
        return None
    try:
        start = file.tell()
        status = os.fstat(file.fileno())
    except (OSError, ValueError):  # a pipe, or closed: whoever reads it will find out
        return None
    return _parts(file, start, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _parts(file: IO[bytes], start: int, stop: int) -> Iterator[FilePart]:
    try:
        for at in range(start, stop, PART):
            yield FilePart(file.fileno(), at, min(PART, stop - at))
    finally:
        file.close()
