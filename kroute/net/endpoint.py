"""parse_endpoint: from how something to listen on is written to what it is."""

from __future__ import annotations

import re

from .address import Address, Endpoint
from .inherited import Activation, Descriptor
from .unix import UnixAddress

__all__ = ["parse_endpoint"]


def parse_endpoint(text: str) -> Endpoint:
    """Read unix:PATH, fd://NUMBER, systemd: or what `Address.parse` reads.

    Raises ValueError that says what would be right.
    """
    if text == "systemd:":
        return Activation()
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path or "\0" in path:
            raise ValueError(
                f"{text!r} is not an address: unix:PATH is, such as unix:/run/app.sock"
            )
        return UnixAddress(path)
    if text.startswith("fd:"):
        if not re.fullmatch(r"fd://[0-9]{1,9}", text):
            raise ValueError(f"{text!r} is not an address: fd://NUMBER is, such as fd://3")
        return Descriptor(int(text.removeprefix("fd://")))
    return Address.parse(text)
