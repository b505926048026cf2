"""Ten stock Kamaelia components at URLs, unmodified, over a real socket."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from Kamaelia.Chassis.Graphline import Graphline
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.File.Reading import RateControlledFileReader, SimpleReader
from Kamaelia.Internet.UDP import SimplePeer
from Kamaelia.Util.Backplane import Backplane, PublishTo, SubscribeTo
from Kamaelia.Util.Chargen import Chargen
from Kamaelia.Util.Clock import CheapAndCheerfulClock
from Kamaelia.Util.Collate import Collate
from Kamaelia.Util.Introspector import Introspector
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App

from .live import Live, live

__all__ = ["live"]

HERE = Path(__file__)

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning"  # some of them leave files and sockets to the garbage collector
)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


class Stock(NamedTuple):
    """A component at a URL: what is asked of it, and what its answer begins with."""

    make: Any
    options: dict[str, Any] = {}
    method: str = "GET"
    body: bytes = b""
    begins: bytes = b""
    is_all: bool = True  # and ends with


STOCK = {
    "Chargen": Stock(Chargen, begins=b"Hello World" * 1000, is_all=False),
    "CheapAndCheerfulClock": Stock(
        lambda request: CheapAndCheerfulClock(0.001),
        {"encode": lambda tick: f"{tick}\n"},
        begins=b"True\nTrue\n",
        is_all=False,
    ),
    "Introspector": Stock(Introspector, begins=b"DEL ALL\nADD NODE", is_all=False),
    "SimpleReader": Stock(
        lambda request: SimpleReader(str(HERE)), begins=HERE.read_bytes()
    ),
    "RateControlledFileReader": Stock(
        lambda request: RateControlledFileReader(str(HERE), "bytes", rate=10**7, chunksize=1000),
        begins=HERE.read_bytes(),
    ),
    "PureTransformer": Stock(
        lambda request: PureTransformer(str.upper), {"text": True}, "POST", b"loud\n", b"LOUD\n"
    ),
    "Collate": Stock(
        Collate,
        {"text": True, "encode": json.dumps, "content_type": "application/json"},
        "POST",
        b"collected",
        b'["collected"]',
    ),
    "Pipeline": Stock(
        lambda request: Pipeline(PureTransformer(bytes.upper), PureTransformer(bytes.split),
                                 PureTransformer(b"-".join)),
        {}, "PUT", b"a b c", b"A-B-C",
    ),
    "Graphline": Stock(
        lambda request: Graphline(
            first=PureTransformer(bytes.title),
            second=PureTransformer(bytes.swapcase),
            linkages={
                ("self", "inbox"): ("first", "inbox"),
                ("self", "control"): ("first", "control"),
                ("first", "outbox"): ("second", "inbox"),
                ("first", "signal"): ("second", "control"),
                ("second", "outbox"): ("self", "outbox"),
                ("second", "signal"): ("self", "signal"),
            },
        ),
        {}, "POST", b"one two", b"oNE tWO",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STOCK)
def test_a_stock_component_answers(name: str, live: Live) -> None:
    stock = STOCK[name]
    app = App()
    app.mount("/stock", stock.make, grace=0.01, **stock.options)
    live.serve(app)
    answer = Body(live.ask(stock.method, "/stock", stock.body))
    assert answer.status == 200
    assert answer.read(len(stock.begins)) == stock.begins
    if stock.is_all:
        assert answer.read() == b""
    answer.close()
    wait_until(lambda: "Bridge" not in live.names())


def test_backplane_publish_to_and_subscribe_to(live: Live) -> None:
    app = App()
    app.mount("/say", lambda request: PublishTo("news"), methods=["POST"])
    app.mount("/hear", lambda request: SubscribeTo("news"), grace=0.01)
    Backplane("news").activate()
    live.serve(app)
    asking = [live.ask("GET", "/hear") for _ in range(3)]
    wait_until(lambda: live.names().count("SubscribeTo") == 3)
    wait_until(lambda: live.names().count("Plug") == 3)
    assert Body(live.ask("POST", "/say", b"it works")).read() == b""
    for hearing in map(Body, asking):
        assert hearing.read(8) == b"it works"
        hearing.close()
    wait_until(lambda: "SubscribeTo" not in live.names())


def test_udp_simple_peer(live: Live) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(10)
        app = App()
        app.mount(
            "/udp",
            lambda request: SimplePeer("127.0.0.1", 0, *other.getsockname()),
            encode=lambda packet: packet[0],
            grace=0.01,
        )
        live.serve(app)
        asking = live.ask("POST", "/udp", b"ping")
        packet, sender = other.recvfrom(100)
        other.sendto(packet + b" pong", sender)
        answer = Body(asking)
        assert answer.read(9) == b"ping pong"
        answer.close()
        wait_until(lambda: "SimplePeer" not in live.names())


class Body:
    """An answer that may never end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._response = http.client.HTTPResponse(connection)
        self._response.begin()
        self.status = self._response.status
        self.headers = self._response.headers

    def read(self, size: int | None = None) -> bytes:
        return self._response.read(size)

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def wait_until(happened: Any) -> None:
    patience = threading.Event()
    for _ in range(1000):
        if happened():
            return
        patience.wait(0.01)
    raise AssertionError("it never happened")
