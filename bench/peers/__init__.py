"""PEERS: who kroute is measured beside. Each has a program: `python -m bench.peers.NAME`.

A program is the shortest that an author would write with that framework, with one worker. Those
with a choice of parsers and event loops have the fastest: uvloop and httptools.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OURS", "PEERS", "Peer"]

OURS = "kroute"

UVICORN = ("uvicorn", "uvloop", "httptools")


class Peer(NamedTuple):
    """title: as tables show it. packages: distributions whose versions matter. native: the server
    is not written in Python. lacks: what it does not offer, by the names of scenarios."""

    title: str
    packages: tuple[str, ...]
    native: bool = False
    lacks: frozenset[str] = frozenset()


PEERS: dict[str, Peer] = {
    "kroute": Peer("kroute", ("kroute", "kamaelia-axon", "WebOb", "Routes", "httptools")),
    "starlette": Peer("Starlette on uvicorn", ("starlette", *UVICORN)),
    "asgi": Peer("bare ASGI on uvicorn", UVICORN, lacks=frozenset({"static"})),
    "sanic": Peer("Sanic", ("sanic", "uvloop", "httptools")),
    "granian": Peer("Falcon on granian", ("falcon", "granian"), native=True),
}
