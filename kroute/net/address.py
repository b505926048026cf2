"""Endpoint, listen: whatever a server can listen on. Address, bind: of these, TCP.

A TCP address is written HOST:PORT; an IPv6 host stands in brackets ([::1]:8080).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import NamedTuple, Protocol

__all__ = ["BACKLOG", "Address", "BindError", "Endpoint", "bind", "listen", "written"]

BACKLOG = 2048
"""Connections that the kernel keeps for us until they are accepted (it may cap this lower)."""


class BindError(OSError):
    """An address cannot be listened on, or not as it was asked for; the message says which and
    why."""


class Endpoint(Protocol):
    """Something to listen on; its `str` is what `parse_endpoint` reads."""

    def listen(self) -> list[socket.socket]:
        """The non-blocking sockets that listen there. Raises BindError where that cannot be."""
        ...


def listen(endpoints: Iterable[Endpoint]) -> list[socket.socket]:
    """Sockets that listen on all of `endpoints`, or on none: BindError, if one cannot be had."""
    sockets: list[socket.socket] = []
    try:
        for endpoint in endpoints:
            sockets.extend(endpoint.listen())
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


class Address(NamedTuple):
    """A TCP address. port: 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read HOST:PORT, [HOST]:PORT, :PORT (every IPv4 address) or PORT (127.0.0.1).

        Raises ValueError that says what would be right.
        """
        host, colon, port = text.rpartition(":")
        if not colon:
            host = "127.0.0.1"
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(
                f"{text!r} is not an address: an IPv6 host goes in brackets, [::1]:8080"
            )
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f"{text!r} is not an address: HOST:PORT is, such as 127.0.0.1:8080")
        return cls(host or "0.0.0.0", int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self) -> list[socket.socket]:
        """The socket that listens there; see `bind`."""
        return [bind(self)]


def bind(address: Address) -> socket.socket:
    """A non-blocking socket that listens on `address`.

    Raises BindError where the host has no address or the port cannot be had.
    """
    if not 0 <= address.port <= 65535:  # getaddrinfo takes some of these modulo 65536
        raise BindError(f"cannot listen on {address}: there is no such port")
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise BindError(f"cannot listen on {address}: {error.strerror}") from error
    except ValueError as error:  # a host that cannot be a name: empty labels, too long, a NUL
        raise BindError(f"cannot listen on {address}: {error}") from error
    family, kind, protocol, _, where = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # Elsewhere the option means that two servers may share a port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # [::] and 0.0.0.0 are two addresses here, so that both can be bound.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise BindError(f"cannot listen on {address}: {error.strerror}") from error
    return listening


def written(sock: socket.socket) -> str:
    """Where a socket listens, for somebody to read: 127.0.0.1:8080 or unix:/run/app.sock."""
    name = sock.getsockname()
    if isinstance(name, tuple):
        return str(Address(*name[:2]))
    return f"unix:{os.fsdecode(name)}"
