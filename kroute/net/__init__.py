"""Sockets as components. Knows bytes, not HTTP.

parse_endpoint, listen, BindError: where to listen, which is an Address of TCP, a UnixAddress, a
Descriptor or what systemd's Activation brings. Listener: accepts connections, over TLS or not,
each with a component of a protocol factory behind it. Capacity: how many of them there may be.
ConnectedSocket: one connection, bytes in and bytes out; FileMessage: bytes of a file, which the
kernel sends (CAN_SEND_FILES: where it can); GatheredMessage: bytes that are not joined.
"""

from .address import BACKLOG, Address, BindError, Endpoint, bind, listen, written
from .capacity import Capacity
from .connection import CAN_SEND_FILES, ConnectedSocket, FileMessage, GatheredMessage
from .endpoint import parse_endpoint
from .inherited import Activation, Descriptor
from .listener import Listener, ProtocolFactory
from .tls import TLS, tls_context
from .unix import UnixAddress

__all__ = [
    "BACKLOG",
    "CAN_SEND_FILES",
    "TLS",
    "Activation",
    "Address",
    "BindError",
    "Capacity",
    "ConnectedSocket",
    "Descriptor",
    "Endpoint",
    "FileMessage",
    "GatheredMessage",
    "Listener",
    "ProtocolFactory",
    "UnixAddress",
    "bind",
    "listen",
    "parse_endpoint",
    "tls_context",
    "written",
]
