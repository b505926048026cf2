"""UnixAddress: a Unix socket, a file that programs on the same machine connect to."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from typing import Any, NamedTuple

from .address import BACKLOG, BindError

__all__ = ["UnixAddress"]


class UnixAddress(NamedTuple):
    """The path of a Unix socket. mode: who may connect, by the permissions of the file."""

    path: str
    mode: int = 0o666

    def __str__(self) -> str:
        return f"unix:{self.path}"

    def listen(self) -> list[socket.socket]:
        """The non-blocking socket that listens there. When it is closed, the file is removed.

        A socket that a dead server has left there is replaced. Raises BindError where a server
        listens already, or where the file is something else.
        """
        if not hasattr(socket, "AF_UNIX"):
            raise BindError(f"cannot listen on {self}: this system has no Unix sockets")
        try:
            self._remove_stale()
            return [self._bind()]
        except OSError as error:
            # "path too long" comes without an errno.
            raise BindError(f"cannot listen on {self}: {error.strerror or error}") from error

    def _remove_stale(self) -> None:
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise OSError(errno.EEXIST, "there is a file which is no socket")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)  # a server whose backlog is full is a server
            found = probe.connect_ex(self.path)
        if found == errno.ECONNREFUSED:
            os.unlink(self.path)
        else:
            code = found if found in (errno.EACCES, errno.EPERM) else errno.EADDRINUSE
            raise OSError(code, os.strerror(code))

    def _bind(self) -> socket.socket:
        listening = _Listening(socket.AF_UNIX)
        # Not by chmod(), before which somebody might connect. 0o777 is what bind() begins with.
        before = os.umask(0o777 & ~self.mode)
        try:
            listening.bind(self.path)
            listening.listen(BACKLOG)
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
        finally:
            os.umask(before)
        return listening


class _Listening(socket.socket):
    """Removes its file as it is closed, if it is its own still, in the process that made it."""

    _file: tuple[str, int, int] | None = None

    def bind(self, path: Any) -> None:
        super().bind(path)
        self._file = (os.path.abspath(path), os.lstat(path).st_ino, os.getpid())

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            path, inode, process = file
            # Before the socket is closed: after that a new server could have replaced it.
            with suppress(OSError):
                if process == os.getpid() and os.lstat(path).st_ino == inode:
                    os.unlink(path)
        super().close()
