"""split_target: what a request target asks for (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import RemoteProtocolError

__all__ = ["HOST", "Target", "split_target"]

# RFC 9110, section 7.2: uri-host [ ":" port ], in the characters of RFC 3986, section 3.2.2. There
# is no user name in it (RFC 9110, section 4.2.4), and it is not empty (section 4.2.1).
HOST = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?"
)
ABSOLUTE = re.compile(rb"(https?)://([^/?]*)(.*)", re.IGNORECASE)


class Target(NamedTuple):
    """path: still percent-encoded, begins with a slash or is b"*". host, scheme: b"" unless they
    are named in the target, where they count instead of the Host field and of the connection."""

    path: bytes
    query: bytes
    host: bytes = b""
    scheme: bytes = b""


def split_target(method: bytes, target: bytes) -> Target:
    """Take a request target apart. Raises RemoteProtocolError for a form that does not fit."""
    if method == b"CONNECT":
        # RFC 9112, section 3.2.3: an authority and nothing else. Where a handler answered 200 to
        # another target, a proxy in front would take what follows for a tunnel.
        if HOST.fullmatch(target):
            raise RemoteProtocolError("this is not a proxy", 501)
        raise RemoteProtocolError("the target of CONNECT is not a host and port")
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return Target(path, query)
    if target == b"*" and method == b"OPTIONS":
        return Target(target, b"")
    return _split_absolute(method, target)


def _split_absolute(method: bytes, target: bytes) -> Target:
    """The form for proxies, which every server understands (RFC 9112, section 3.2.2)."""
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise RemoteProtocolError("the target is neither a path nor an absolute URI")
    scheme, host, rest = absolute.groups()
    if not HOST.fullmatch(host):
        raise RemoteProtocolError("the target does not name a host and port")
    path, _, query = rest.partition(b"?")
    if not path:
        # RFC 9112, section 3.2.4, for OPTIONS; RFC 9110, section 4.2.3, for the others.
        path = b"*" if method == b"OPTIONS" and not query else b"/"
    return Target(path, query, host, scheme.lower())
