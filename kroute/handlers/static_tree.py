"""Tree, OpenFile, split_path: files below one directory, and no other."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple

__all__ = ["OpenFile", "Tree", "split_path"]

MAX_LINKS = 40
"""Symlinks on the way to one file; the kernel allows as many."""

# O_PATH: to go through a directory takes less permission than to read it. O_NONBLOCK: a FIFO that
# has taken the place of a file keeps nobody waiting.
FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
FILE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class OpenFile(NamedTuple):
    """A regular file. fd: to be closed by whoever asked for it."""

    fd: int
    stat: os.stat_result


def split_path(path: str, hidden: bool) -> list[bytes]:
    """The names in a routing path; the last is empty where it ends with a slash. Raises ValueError
    for a path that stands for no file.

    That is so for dot segments (clients take them out, RFC 3986, section 5.2.4; who sends them is
    up to something), for an encoded slash, a backslash and NUL, which are in no name, for empty
    names, lest one file have many URLs, and unless `hidden` for names that begin with a dot.
    """
    # What has no byte is %2F: see kroute.routing. UnicodeEncodeError is a ValueError.
    names = path.encode("utf-8", "surrogateescape").split(b"/")[1:]
    for name in names:
        if name in (b".", b"..") or b"\\" in name or b"\0" in name:
            raise ValueError(f"{name!r} is the name of no file")
        if name.startswith(b".") and not hidden:
            raise ValueError(f"{name!r} is hidden")
    if b"" in names[:-1]:
        raise ValueError("an empty name")
    return names


class Tree:
    """The files below `root`. follow_symlinks: also those outside that symlinks lead to.

    Nothing is checked and then opened by its path, which may lead elsewhere by then: each
    directory is opened in the one before it, as what it is, and what was opened is looked at.
    """

    def __init__(self, root: str, follow_symlinks: bool = False) -> None:
        self._root = os.fsencode(root)
        self._real = os.path.realpath(self._root)
        self._follow_symlinks = follow_symlinks

    def open(self, names: Sequence[bytes]) -> OpenFile:
        """Open a file by the names that lead to it. Raises IsADirectoryError, and OSError for what
        is not there, is no regular file, or is outside."""
        fd = self._open_anywhere(names) if self._follow_symlinks else self._open_inside(names)
        try:
            found = os.fstat(fd)
            _check(found)
        except OSError:
            os.close(fd)
            raise
        return OpenFile(fd, found)

    def modified(self, names: Sequence[bytes]) -> float | None:
        """When a file was changed, or None where there is none. May err: only `open` is safe."""
        try:
            return os.stat(b"/".join((self._root, *names))).st_mtime
        except OSError:
            return None

    def _open_anywhere(self, names: Sequence[bytes]) -> int:
        path = b"/".join((self._root, *names))
        _check(os.stat(path))
        return os.open(path, FILE)

    def _open_inside(self, names: Sequence[bytes]) -> int:
        """Follow `names`, and symlinks as long as they do not leave the root."""
        left = list(reversed(names))
        links = 0
        with _Way(self._root) as way:
            while left:
                name = left.pop()
                if name in (b"", b"."):
                    continue  # of a symlink, as is b".."
                if name == b"..":
                    way.leave()
                    continue
                found = way.look(name)
                if stat.S_ISLNK(found.st_mode):
                    links += 1
                    if links > MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                    left.extend(reversed(self._target(way, name)))
                elif left:
                    way.enter(name)
                else:
                    # Looked at before it is opened, too: some devices notice that.
                    _check(found)
                    return os.open(name, FILE | NO_LINK, dir_fd=way.here)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

    def _target(self, way: _Way, name: bytes) -> list[bytes]:
        """The names that a symlink stands for, from where the way is then."""
        target = os.readlink(name, dir_fd=way.here)
        if target.startswith(b"/"):
            for root in (self._root, self._real):
                if target.startswith(root + b"/"):
                    way.restart()
                    return target[len(root) :].split(b"/")
            raise _outside()
        return target.split(b"/")


class _Way:
    """The open directories from the root to where one is."""

    def __init__(self, root: bytes) -> None:
        self._folders = [os.open(root, FOLDER)]

    @property
    def here(self) -> int:
        return self._folders[-1]

    def look(self, name: bytes) -> os.stat_result:
        return os.lstat(name, dir_fd=self.here)

    def enter(self, name: bytes) -> None:
        self._folders.append(os.open(name, FOLDER | NO_LINK, dir_fd=self.here))

    def leave(self) -> None:
        if len(self._folders) == 1:
            raise _outside()
        os.close(self._folders.pop())

    def restart(self) -> None:
        while len(self._folders) > 1:
            os.close(self._folders.pop())

    def __enter__(self) -> _Way:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for fd in self._folders:
            os.close(fd)


def _check(found: os.stat_result) -> None:
    """Raise unless it is a regular file: no directory, device, FIFO or socket."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(errno.EACCES, "it is no regular file")


def _outside() -> PermissionError:
    return PermissionError(errno.EACCES, "a symlink leads outside of the directory")
