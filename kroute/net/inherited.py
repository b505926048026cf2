"""Descriptor, Activation: sockets that somebody else has opened, and listens on for us."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from .address import BindError, listen

__all__ = ["Activation", "Descriptor"]

FIRST = 3
"""The number of the first descriptor that systemd passes: SD_LISTEN_FDS_START."""


class Descriptor(NamedTuple):
    """The number of a descriptor of a listening socket, which this process was started with."""

    number: int

    def __str__(self) -> str:
        return f"fd://{self.number}"

    def listen(self) -> list[socket.socket]:
        """The socket, non-blocking. Raises BindError where it is none that listens."""
        try:
            sock = socket.socket(fileno=self.number)
        except OSError as error:
            raise BindError(f"cannot listen on {self}: {error.strerror}") from error
        if not _listens(sock):
            sock.detach()  # it is somebody else's
            raise BindError(f"cannot listen on {self}: it is not a socket that listens")
        sock.setblocking(False)
        sock.set_inheritable(False)
        return [sock]


def _listens(sock: socket.socket) -> bool:
    return sock.type == socket.SOCK_STREAM and bool(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    )


class Activation(NamedTuple):
    """The sockets that systemd has opened for this process; see sd_listen_fds(3)."""

    def __str__(self) -> str:
        return "systemd:"

    def listen(self) -> list[socket.socket]:
        """The sockets, non-blocking. Raises BindError where there are none."""
        # Taken away, so that no child process believes that they are for it.
        process, count = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
        os.environ.pop("LISTEN_FDNAMES", None)
        if not (count.isascii() and count.isdigit() and int(count)):
            raise BindError("cannot listen by systemd: it has passed no sockets (LISTEN_FDS)")
        if process != str(os.getpid()):
            raise BindError(
                f"cannot listen by systemd: its sockets are for process {process} (LISTEN_PID)"
            )
        return listen(Descriptor(number) for number in range(FIRST, FIRST + int(count)))
