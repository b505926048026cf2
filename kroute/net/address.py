"""Address, BindError, bind: where a server listens.

An address is written HOST:PORT; an IPv6 host stands in brackets ([::1]:8080).
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

__all__ = ["BACKLOG", "Address", "BindError", "bind"]

BACKLOG = 2048
"""Connections that the kernel keeps for us until they are accepted (it may cap this lower)."""


class BindError(OSError):
    """An address cannot be listened on; the message says which and why."""


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
