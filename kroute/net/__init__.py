"""Sockets as components. Knows bytes, not HTTP.

Address, bind, BindError: where to listen. Listener: accepts connections, each with a component of
a protocol factory behind it. ConnectedSocket: one connection, bytes in and bytes out.
"""

from .address import BACKLOG, Address, BindError, bind
from .connection import ConnectedSocket
from .listener import Listener, ProtocolFactory

__all__ = [
    "BACKLOG",
    "Address",
    "BindError",
    "ConnectedSocket",
    "Listener",
    "ProtocolFactory",
    "bind",
]
