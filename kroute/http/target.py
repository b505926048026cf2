"""split_target: what a request target asks for (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import RemoteProtocolError

__all__ = ["Target", "split_target"]

ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)\Z", re.IGNORECASE)


class Target(NamedTuple):
    """path: still percent-encoded, begins with a slash or is b"*". host: b"" unless it is named in
    the target, where it counts instead of the Host field."""

    path: bytes
    query: bytes
    host: bytes = b""


def split_target(method: bytes, target: bytes) -> Target:
    """Take a request target apart. Raises RemoteProtocolError for a form that does not fit."""
    host = b""
    if not target.startswith(b"/"):
        if target == b"*" and method == b"OPTIONS":
            return Target(target, b"")
        absolute = ABSOLUTE.match(target)
        if absolute is None:
            if method == b"CONNECT":
                raise RemoteProtocolError("this is not a proxy", 501)
            raise RemoteProtocolError("the target is neither a path nor an absolute URI")
        host, target = absolute.groups()
        if not host:
            raise RemoteProtocolError("the target has no host")
        if not target.startswith(b"/"):
            target = b"/" + target
    path, _, query = target.partition(b"?")
    return Target(path, query, host)
