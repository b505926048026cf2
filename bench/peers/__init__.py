"""PEERS: who kroute is measured beside. Each has a program: `python -m bench.peers.NAME`.

A program is the shortest that an author would write with that framework, with one worker. Those
with a choice of parsers and event loops have the fastest: uvloop and httptools.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["OURS", "PEERS", "Peer"]

OURS = "kroute"

UVICORN = ("uvicorn", "uvloop", "httptools", "websockets")
NO_WEBSOCKETS = {"echo": "no WebSockets"}
THREADED = {**NO_WEBSOCKETS, "idle": "1,000 connections at most"}


class Peer(NamedTuple):
    """title: as tables show it. packages: distributions whose versions matter. native: the server
    is not written in Python. lacks: why it is not in which scenarios. only: those that it is in;
    then it is no web server, and there to be seen, not to be beaten."""

    title: str
    packages: tuple[str, ...]
    native: bool = False
    lacks: Mapping[str, str] = MappingProxyType({})
    only: frozenset[str] | None = None

    def lacking(self, scenario: str) -> str:
        """Why it is not there; empty if it is."""
        if self.only is not None and scenario not in self.only:
            return "not a web server"
        return self.lacks.get(scenario, "")


PEERS: dict[str, Peer] = {
    "kroute": Peer("kroute", ("kroute", "kamaelia-axon", "WebOb", "Routes", "httptools")),
    "granian": Peer("Falcon on granian", ("falcon", "granian"), native=True, lacks=NO_WEBSOCKETS),
    "asgi": Peer("bare ASGI on uvicorn", UVICORN, lacks={"static": "no files"}),
    "starlette": Peer("Starlette on uvicorn", ("starlette", *UVICORN)),
    "falcon_asgi": Peer("Falcon on uvicorn", ("falcon", *UVICORN)),
    "sanic": Peer("Sanic", ("sanic", "uvloop", "httptools", "websockets")),
    "aiohttp": Peer("aiohttp", ("aiohttp", "uvloop")),
    "tornado": Peer("Tornado", ("tornado",)),
    "falcon_gunicorn": Peer("Falcon on gunicorn", ("falcon", "gunicorn"), lacks=THREADED),
    "flask": Peer("Flask on gunicorn", ("Flask", "gunicorn"), lacks=THREADED),
    "pyramid": Peer("Pyramid on waitress", ("pyramid", "waitress"), lacks=THREADED),
    "bottle": Peer("Bottle on waitress", ("bottle", "waitress"), lacks=THREADED),
    "cherrypy": Peer(
        "CherryPy",
        ("CherryPy", "cheroot"),
        lacks={**NO_WEBSOCKETS, "idle": "keeps 10 idle connections"},
    ),
    "klein": Peer("Klein on Twisted", ("klein", "Twisted"), lacks=NO_WEBSOCKETS),
    "servercore": Peer(
        "fixed bytes on Kamaelia's ServerCore",
        ("kamaelia", "kamaelia-axon"),
        only=frozenset({"hello", "hello-1", "start", "wakeups"}),
    ),
    "floor": Peer(
        "fixed bytes with epoll, recv and send alone",
        (),
        only=frozenset({"hello", "hello-1", "hello-512"}),
    ),
}
