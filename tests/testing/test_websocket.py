"""TestClient.websocket: WebSockets without a socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component
from wsproto.connection import Connection, ConnectionType
from wsproto.events import Ping, Pong, TextMessage

from kroute import App, Close, Response, sleep
from kroute.testing import WebSocketClosed, WebSocketRefused, WebSocketSession
from tests.own_loop import own_loop
from tests.waiting import PATIENCE

__all__ = ["own_loop"]

pytestmark = pytest.mark.usefixtures("own_loop")


class Upper(component):
    """Says what it hears in capitals."""

    def main(self) -> Iterator[int]:
        while not self.dataReady("control"):
            while self.dataReady("inbox"):
                self.send(self.recv("inbox").upper(), "outbox")
            self.pause()
            yield 1
        self.send(self.recv("control"), "signal")


def make_app() -> App:
    app = App()
    app.websocket("/upper", Upper)
    app.closed = threading.Event()  # type: ignore[attr-defined]

    @app.post("/login")
    def login(request):
        response = Response("welcome")
        response.set_cookie("user", "me")
        return response

    def talk(request, ws):
        ws.send({"user": request.cookies.get("user"), "x": request.headers.get("X-One")})
        try:
            while True:
                message = yield from ws.receive()
                if message == "fail":
                    raise ZeroDivisionError
                if message == "leave":
                    ws.send("last words")
                    ws.close(4000, "so long")
                else:
                    ws.send(message)
        finally:
            app.closed.set()  # type: ignore[attr-defined]

    def deaf(request, ws):
        yield from sleep(PATIENCE)

    def pages(request, ws):
        ws.send("hello")
        yield

    app.websocket("/talk", talk, subprotocols=["b", "a"])
    app.websocket("/deaf", deaf)
    app.websocket("/pages", pages, origins=["https://example.org"])
    app.get("/plain")(lambda request: "text")
    return app


@pytest.mark.parametrize("message", ["text \u20ac", b"bytes", "x" * 70_000, ""])
def test_a_message_goes_there_and_back(message: Any) -> None:
    with make_app().test_client().websocket("/upper") as ws:
        ws.send(message)
        assert ws.receive() == message.upper()


def test_json_cookies_headers_subprotocols() -> None:
    client = make_app().test_client()
    client.post("/login")
    with client.websocket("/talk", subprotocols=["a", "x"], headers={"X-One": "1"}) as ws:
        assert ws.subprotocol == "a"
        assert ws.receive_json() == {"user": "me", "x": "1"}
        ws.send([1, "two"])
        assert ws.receive_json() == [1, "two"]


def test_many_messages_in_order() -> None:
    with make_app().test_client().websocket("/upper") as ws:
        for number in range(500):
            ws.send(f"n{number}")
        assert [ws.receive() for _ in range(500)] == [f"N{number}" for number in range(500)]


def test_the_application_closes() -> None:
    with make_app().test_client().websocket("/talk") as ws:
        ws.receive()
        ws.send("leave")
        assert ws.receive() == "last words"
        with pytest.raises(WebSocketClosed, match="4000 so long") as closed:
            ws.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "so long")
        with pytest.raises(WebSocketClosed):
            ws.send("more")


def test_the_client_closes() -> None:
    app = make_app()
    with app.test_client().websocket("/talk") as ws:
        ws.receive()
    assert app.closed.wait(PATIENCE)  # type: ignore[attr-defined]
    with pytest.raises(WebSocketClosed, match="1000"):
        ws.receive()


def test_what_a_handler_raises_is_raised() -> None:
    with make_app().test_client().websocket("/talk") as ws:
        ws.receive()
        ws.send("fail")
        with pytest.raises(ZeroDivisionError):
            ws.receive()
    with make_app().test_client(raise_errors=False).websocket("/talk") as ws:
        ws.receive()
        ws.send("fail")
        with pytest.raises(WebSocketClosed, match="1011"):
            ws.receive()


def test_pings_are_answered_and_pieces_put_together() -> None:
    server, sent = Connection(ConnectionType.SERVER), []

    class Bytes:
        """What came of an answer, and what is given to it."""

        headers: list[tuple[str, str]] = []
        give = staticmethod(sent.append)
        parts = [
            server.send(Ping(b"there?")),
            server.send(TextMessage("one ", message_finished=False)),
            server.send(Ping()) + server.send(TextMessage("two")),
        ]

        def next_part(self, seconds: float | None) -> bytes:
            return self.parts.pop(0)

    ws = WebSocketSession(Bytes(), True, PATIENCE)  # type: ignore[arg-type]
    assert ws.receive() == "one two"
    server.receive_data(b"".join(sent))
    assert list(server.events()) == [Pong(b"there?"), Pong(b"")]


def test_a_message_that_does_not_come() -> None:
    with make_app().test_client().websocket("/upper") as ws:
        with pytest.raises(TimeoutError):
            ws.receive(timeout=0.01)
        ws.send("there")
        assert ws.receive() == "THERE"


def test_one_that_does_not_listen_is_left_all_the_same() -> None:
    ws = make_app().test_client().websocket("/deaf", timeout=0.01)
    ws.close(1001, "enough")
    ws.close()


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [("/plain", {}, 200), ("/none", {}, 404), ("/pages", {"Origin": "https://else.org"}, 403)],
)
def test_what_refuses(path: str, headers: dict[str, str], code: int) -> None:
    with pytest.raises(WebSocketRefused, match=str(code)) as refused:
        make_app().test_client().websocket(path, headers=headers)
    assert refused.value.response.status_int == code


def test_a_page_that_may_connect() -> None:
    headers = {"Origin": "https://example.org"}
    with make_app().test_client().websocket("/pages", headers=headers) as ws:
        assert ws.receive() == "hello"
        with pytest.raises(WebSocketClosed, match="1000"):
            ws.receive()


def test_a_close_of_the_application_is_a_message_like_any_other() -> None:
    class Leaves(component):
        def main(self) -> Iterator[int]:
            self.send(Close(1008, "not you"), "outbox")
            yield 1

    app = App()
    app.websocket("/", Leaves)
    with (
        app.test_client().websocket("/") as ws,
        pytest.raises(WebSocketClosed, match="1008 not you"),
    ):
        ws.receive()
