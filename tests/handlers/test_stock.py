"""Stock Kamaelia components at URLs, unmodified, over a real socket."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from operator import itemgetter
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
from Kamaelia.Util.TagWithSequenceNumber import TagWithSequenceNumber

from kroute import App
from tests.waiting import wait_until

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


class Echo:
    """Sends each datagram back, for as long as the `with` lasts."""

    port = 0

    def __enter__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while (came := self._socket.recvfrom(100))[0] != b"end":
            self._socket.sendto(*came)

    def __exit__(self, *_: object) -> None:
        self._socket.sendto(b"end", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


ECHO = Echo()


@contextmanager
def publishing() -> Iterator[None]:
    """Something is said on the backplane, again and again."""
    Backplane("news").activate()
    Pipeline(
        CheapAndCheerfulClock(0.001),
        PureTransformer(lambda tick: b"it works"),
        PublishTo("news"),
    ).activate()
    yield


class Stock(NamedTuple):
    """A component at a URL: what is asked of it, and what its answer begins with."""

    make: Any
    options: dict[str, Any] = {}
    method: str = "GET"
    body: bytes = b""
    begins: bytes = b""
    is_all: bool = True  # and ends with
    beside: Any = nullcontext  # what it needs others to do


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
    "TagWithSequenceNumber": Stock(
        lambda request: TagWithSequenceNumber(7), {"encode": repr}, "POST", b"x", b"(7, b'x')"
    ),
    "SubscribeTo": Stock(
        lambda request: SubscribeTo("news"), begins=b"it works" * 2, is_all=False,
        beside=publishing,
    ),
    "SimplePeer": Stock(
        lambda request: SimplePeer("127.0.0.1", 0, "127.0.0.1", ECHO.port),
        {"encode": itemgetter(0)}, "POST", b"there and back", b"there and back", is_all=False,
        beside=lambda: ECHO,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STOCK)
def test_a_stock_component_answers(name: str, live: Live) -> None:
    stock = STOCK[name]
    app = App()
    app.mount("/stock", stock.make, grace=0.01, **stock.options)
    with stock.beside():
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
