"""What many clients cost, and what one that does not read costs the others."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.crowd import SECONDS, Crowd, Talker, make_room, p99, resident
from tests.server.process import Served
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.load, pytest.mark.timeout(180)]

GUIDE = Path(__file__).parents[2] / "docs/howto/components.md"

PROGRAM = """
    from Axon.Component import component
    from Kamaelia.Util.Chargen import Chargen

    from kroute import App


    class Idle(component):
        def main(self):
            while not self.dataReady("control"):
                self.pause()
                yield 1


    def wait(request, ws):
        yield from ws.receive()


    app = App()
    app.websocket("/component", Idle)
    app.websocket("/generator", wait)
    app.mount("/chargen", Chargen, content_type="text/plain")


    @app.get("/hello")
    def hello(request):
        yield "hello"
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, PROGRAM) as served:
        yield served


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("kind", ["component", "generator"])
def test_an_idle_websocket_takes_what_the_guide_says(
    served: Served, kind: str, compress: bool
) -> None:
    said = re.search(r"An idle WebSocket takes about (\d+) KiB", GUIDE.read_text())
    assert said
    make_room(2500)
    crowd = Crowd()

    def grow(count: int) -> None:
        for _ in range(count):
            member = crowd.join(Talker(served.port, f"/{kind}", compress))
            crowd.listen_until(lambda member=member: member.head)

    grow(100)  # what is made once is made now
    before = resident(served.process.pid)
    grow(1000)
    taken = (resident(served.process.pid) - before) / 1000 / 1024
    crowd.close()
    print(f"{taken:.1f} KiB for an idle WebSocket")
    assert taken < int(said[1]) * 1.1


def test_a_client_that_reads_nothing(served: Served) -> None:
    """Chargen sends without end: its memory stays flat, and the others do not notice."""
    alone = ask_on_and_off(served, SECONDS)
    deaf = socket.create_connection(("127.0.0.1", served.port))
    deaf.sendall(b"GET /chargen HTTP/1.1\r\nHost: x\r\n\r\n")
    ask_on_and_off(served, 1)  # until all is full that can be
    before = resident(served.process.pid)
    beside = ask_on_and_off(served, SECONDS)
    grown = resident(served.process.pid) - before
    assert deaf.recv(8) == b"HTTP/1.1"  # it is connected still
    deaf.close()
    ms = [1000 * p99(took) for took in (alone, beside)]
    print(f"p99 {ms[0]:.2f} ms alone, {ms[1]:.2f} ms beside it; {grown / 1024:.0f} KiB more")
    assert abs(grown) < 4 * 1024 * 1024
    assert ms[1] < 1.5 * ms[0] + 0.5


def ask_on_and_off(served: Served, seconds: float) -> list[float]:
    """Ask 200 times a second; the seconds that each answer took."""
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    took = []
    until = monotonic() + seconds
    while (began := monotonic()) < until:
        client.request("GET", "/hello")
        assert client.getresponse().read() == b"hello"
        took.append(monotonic() - began)
        sleep(0.005)
    client.close()
    return took
