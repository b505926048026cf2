"""Proxies: which ones are believed, and what they say of the requests that they pass on.

LOCAL: the addresses of this machine, which are believed by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote_to_bytes

from .target import HOST

__all__ = ["LOCAL", "Proxies"]

LOCAL = ("127.0.0.1", "::1")

# RFC 7239, section 4: forwarded-pair = token "=" ( token / quoted-string )
PAIR = re.compile(r'\s*([!#$%&\'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))\s*')
PREFIX = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%]+)+")

FIELDS = tuple(
    "HTTP_" + name
    for name in (
        "FORWARDED",
        "X_FORWARDED_FOR",
        "X_FORWARDED_PROTO",
        "X_FORWARDED_HOST",
        "X_FORWARDED_PREFIX",
    )
)

OLDER = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST")

Hop = dict[str, str]


class Proxies:
    """The addresses of proxies in front of the server, whose word for a client is taken.

    addresses: IP addresses and networks (`10.0.0.0/8`), `unix:` for whoever connects to a Unix
    socket, or `*` for whoever connects. Raises ValueError for anything else.
    """

    def __init__(self, addresses: Iterable[str] = LOCAL) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._all = self._unix = False
        for address in addresses:
            if address == "*":
                self._all = True
            elif address == "unix:":
                self._unix = True
            else:
                self._networks.append(ip_network(address, strict=False))

    def trust(self, address: str) -> bool:
        """Whether `address` is one of them."""
        if self._all:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False  # a name, "unknown" or "_hidden" (RFC 7239, section 6)
        return any(found in network for network in self._networks)

    def trust_peer(self, address: str) -> bool:
        """Whether who connects from `address`, which is "" on a Unix socket, is one of them."""
        return self.trust(address) or (self._unix and not address)

    def restore(self, environ: dict[str, Any]) -> None:
        """Write into `environ` what the proxies say that the client saw: its address, the scheme,
        the host, the path before SCRIPT_NAME. Nothing, where REMOTE_ADDR is not trusted.

        `Forwarded` (RFC 7239) counts only where there is no `X-Forwarded-For`, `-Proto` or
        `-Host`: proxies that write those pass on a `Forwarded` of the client's own.
        Each proxy adds its word at the end, so fields are read from there, as far as the proxies
        are trusted; what stands before that anybody may have written. So may a field that the
        proxy neither sets nor removes. What cannot be understood is left out.
        """
        if environ.keys().isdisjoint(FIELDS) or not self.trust_peer(environ["REMOTE_ADDR"]):
            return
        seen: Hop = {}
        for hop in self._hops(environ):
            seen.update((name, value) for name, value in hop.items() if value)
            if not self.trust(_address(hop.get("for", ""))):
                break
        address = _address(seen.get("for", ""))
        if address:
            environ["REMOTE_ADDR"] = address
        if seen.get("proto", "").lower() in ("http", "https"):
            environ["wsgi.url_scheme"] = seen["proto"].lower()
        if HOST.fullmatch(seen.get("host", "").encode("latin-1")) and seen.get("host"):
            environ["HTTP_HOST"] = seen["host"]
        prefix = environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/")
        if PREFIX.fullmatch(prefix):
            environ["SCRIPT_NAME"] = unquote_to_bytes(prefix).decode("latin-1")

    def _hops(self, environ: dict[str, Any]) -> Iterable[Hop]:
        """What each proxy said, the nearest one first."""
        if environ.keys().isdisjoint(OLDER):
            return reversed(_elements(environ.get("HTTP_FORWARDED", "")))
        words = [
            [word.strip() for word in environ.get(f"HTTP_X_FORWARDED_{name}", "").split(",")][::-1]
            for name in ("FOR", "PROTO", "HOST")
        ]
        return (
            {"for": source, "proto": proto, "host": host}
            for source, proto, host in zip_longest(*words, fillvalue="")
        )


def _elements(forwarded: str) -> list[Hop]:
    """The elements of a Forwarded field, up to the first that is none."""
    hops: list[Hop] = [{}]
    at = 0
    while at < len(forwarded):
        pair = PAIR.match(forwarded, at)
        if pair is None:
            return []
        name, quoted, plain = pair.groups()
        hops[-1][name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = pair.end()
        if forwarded[at : at + 1] == ",":
            hops.append({})
        elif forwarded[at : at + 1] not in (";", ""):
            return []
        at += 1
    return hops


def _address(text: str) -> str:
    """The IP address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; or ""."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
