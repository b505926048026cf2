"""TestClient.events: streams of Server-Sent Events."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest
from Axon.Component import component

from kroute import App, Event, Response, sleep
from kroute.testing.events import EventSession
from kroute.testing.parts import Parts
from tests.own_loop import own_loop
from tests.waiting import PATIENCE

__all__ = ["own_loop"]

pytestmark = pytest.mark.usefixtures("own_loop")


class Counter(component):
    """Says 1, 2, 3, and then waits for its end."""

    ended = threading.Event()

    def main(self) -> Iterator[int]:
        for number in (1, 2, 3):
            self.send(Event({"number": number}, "count", f"id-{number}"), "outbox")
            yield 1
        while not self.dataReady("control"):
            self.pause()
            yield 1
        self.ended.set()


def make_app() -> App:
    app = App()
    app.events("/count", Counter, linger=0)

    @app.get("/by-hand")
    def by_hand(request):
        yield Response(content_type="text/event-stream")
        yield f": comment\r\nretry: 7\r\ndata: {request.headers.get('Last-Event-ID')}\r"
        yield "\ndata:two\n\nid: 4\n\ndata\n\nevent: x\ndata: \xe9"
        yield "\n\n"

    @app.get("/fails")
    def fails(request):
        yield Response(content_type="text/event-stream")
        yield "data: 1\n\n"
        yield from sleep(0)
        raise ZeroDivisionError

    app.get("/plain")(lambda request: "text")
    return app


def test_events_of_a_component() -> None:
    Counter.ended.clear()
    with make_app().test_client().events("/count") as events:
        assert next(events) == Event('{"number": 1}', "count", "id-1")
        assert [next(events).id, next(events).id] == ["id-2", "id-3"]
        assert events.last_event_id == "id-3"
    assert Counter.ended.wait(PATIENCE)


def test_one_that_comes_back_gets_what_it_missed() -> None:
    client = make_app().test_client()
    with client.events("/count") as events:
        assert [next(events).id for _ in range(3)] == ["id-1", "id-2", "id-3"]
        with client.events("/count", last_event_id="id-2") as again:
            assert next(again).id == "id-3"


def test_a_stream_that_is_written_by_hand() -> None:
    with make_app().test_client().events("/by-hand", last_event_id="3") as events:
        first, *rest = events
    assert first == Event("3\ntwo", retry=7)
    assert rest == [Event(""), Event("\xe9", "x")]
    assert events.last_event_id == "4"


def test_what_a_handler_raises_is_raised() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        make_app().test_client().events("/fails") as events,
    ):
        list(events)


def test_an_event_that_does_not_come() -> None:
    with make_app().test_client().events("/count", timeout=PATIENCE) as events:
        assert [event.id for event in itertools.islice(events, 3)] == ["id-1", "id-2", "id-3"]
        events._timeout = 0.01
        with pytest.raises(TimeoutError):
            list(events)
        assert events.last_event_id == "id-3"


@pytest.mark.parametrize("path", ["/plain", "/none"])
def test_what_has_no_events(path: str) -> None:
    with pytest.raises(ValueError, match=f"{path} has no events"):
        make_app().test_client().events(path)


TEXT = "retry: 5\r\ndata: \xe9\u20ac\rdata: b\n\r\n: c\n\nevent: e\ndata:  x\r\n\r\ndata: end\n\n"


class Bytewise(Parts):
    """A body, one byte after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def next(self, seconds: float | None = None) -> bytes:
        data, self.data = self.data[:1], self.data[1:]
        return data


def test_a_stream_that_comes_byte_by_byte() -> None:
    events = list(EventSession(Bytewise(TEXT.encode()), 1.0))
    assert events == [Event("\xe9\u20ac\nb", retry=5), Event(" x", "e"), Event("end")]
