"""Echo: stands behind an HTTPProtocol, and says in each answer what it was asked.

tag_of: what it says, out of an environ. expected_tag: the same, out of a `Message` of the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from zlib import crc32

from kroute.http import RAW_PATH, TRAILERS, Exchange, Response
from kroute.scheduler import ReactiveComponent
from kroute.server.policy import Policy
from kroute.server.rules import AppRules
from tests.http.model import Message

__all__ = ["Echo", "expected_tag", "reads_the_body", "tag_of"]


class Echo(ReactiveComponent):
    """In the place of a Dispatcher: answers each exchange with its number in the connection and
    with what was asked, in one of WAYS of handlers, which the method and target decide."""

    Inboxes = {"inbox": "exchanges", "control": "not used"}

    def __init__(self) -> None:
        super().__init__()
        self._rules = AppRules([Policy()])
        self.count = 0  # of the exchanges of one connection

    def react(self) -> None:
        while self.dataReady("inbox"):
            exchange = self.recv("inbox")
            exchange.rules = self._rules
            self.count += 1
            environ = exchange.request.environ
            way = way_of(environ["REQUEST_METHOD"], _target(environ))
            WAYS[way](Asked(exchange, self.count))


def way_of(method: str, target: str) -> int:
    """Which of WAYS answers."""
    return crc32(f"{method} {target}".encode("latin-1")) % len(WAYS)


def _target(environ: dict[str, Any]) -> str:
    query = environ["QUERY_STRING"]
    return environ[RAW_PATH] + (f"?{query}" if query else "")


class Asked:
    """One exchange, and its answer."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self.exchange = exchange
        self.number = number
        self.body = b""

    # The ways of handlers.

    def at_once(self) -> None:
        self.exchange.send(self.response(None))

    def later(self) -> None:
        self.exchange.sink.later(self.at_once)

    def with_the_body(self) -> None:
        self._receive(lambda: self.exchange.send(self.response(self.body)))

    def with_the_body_later(self) -> None:
        self._receive(lambda: self.exchange.sink.later(self._stream))

    def part_by_part(self) -> None:
        if self.exchange.has_body:
            self.exchange.sink.stream(self.exchange, None, self)
            self.exchange.sink.more(self.exchange)
        else:
            self._stream()

    # BodyTaker

    def take(self, data: bytes) -> bool:
        self.body += data
        if not data:
            self.exchange.sink.later(self._stream)
        elif len(data) % 2:
            self.exchange.sink.later(lambda: self.exchange.sink.more(self.exchange))
            return False
        return True

    def fail(self, error: Exception) -> None:
        self.exchange.fail(error)

    def _receive(self, ready: Callable[[], None]) -> None:
        def received() -> None:
            self.body = self.exchange.request.body
            ready()

        if self.exchange.has_body:
            self.exchange.sink.receive(self.exchange, None, received)
        else:
            ready()

    def _stream(self) -> None:
        """Answer in three parts, giving others their turn in between."""
        exchange, response = self.exchange, self.response(self.body)
        body = response.body
        if exchange.done:
            return
        exchange.sink.start(exchange, response, len(body) if self.number % 2 else None)
        parts = [body[:1], body[1:]]

        def go_on() -> None:
            if exchange.done:
                return
            if parts:
                exchange.sink.data(exchange, parts.pop(0))
                exchange.sink.later(go_on)
            else:
                exchange.sink.end(exchange)

        exchange.sink.later(go_on)

    def response(self, body: bytes | None) -> Response:
        environ = self.exchange.request.environ
        fields = {
            name.removeprefix("HTTP_"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        trailers = environ.get(TRAILERS, {}) if body is not None else {}
        tag = tag_of(
            self.number, environ["REQUEST_METHOD"], _target(environ), fields, body, trailers
        )
        response = Response(f"{tag}\n", content_type="text/plain")
        response.headers["X-Tag"] = tag
        return response


WAYS: list[Callable[[Asked], None]] = [
    Asked.with_the_body,
    Asked.with_the_body_later,
    Asked.part_by_part,
    Asked.at_once,
    Asked.later,
]
READ_BODIES = 3
"""How many of WAYS, from the first, read the body of their request."""


def tag_of(
    number: int,
    method: str,
    target: str,
    fields: dict[str, str],
    body: bytes | None,
    trailers: dict[str, str],
) -> str:
    """What an answer says of the request that it answers. The Host may come from the target."""
    asked = sorted(item for item in fields.items() if item[0] != "HOST")
    text = repr((method, target, asked, body, sorted(trailers.items())))
    return f"{number} {crc32(text.encode()):08x}"


def reads_the_body(message: Message) -> bool:
    """Whether `message` is answered by one of those WAYS that read the body."""
    return way_of(message.method.decode(), path_of(message)) < READ_BODIES


def expected_tag(number: int, message: Message) -> str:
    """The tag that the answer to `message` has to have."""
    fields = {
        name.decode().upper().replace("-", "_"): _joined(name, values)
        for name, values in message.fields.items()
        if b"_" not in name and name != b"content-length"
    }
    trailers = {
        name.decode().title(): _joined(name, values) for name, values in message.trailers.items()
    }
    reads = reads_the_body(message)
    return tag_of(
        number,
        message.method.decode(),
        path_of(message),
        fields,
        message.body if reads else None,
        trailers if reads else {},
    )


def _joined(name: bytes, values: list[bytes]) -> str:
    return (b"; " if name == b"cookie" else b", ").join(values).decode("latin-1")


def path_of(message: Message) -> str:
    """Path and query of a target, in whichever form that is."""
    target = message.target.decode("ascii")
    absolute = re.match("(?i:http)://[^/?]*", target)
    if absolute:
        target = target[absolute.end() :]
        if not target:
            return "*" if message.method == b"OPTIONS" else "/"
        if target.startswith("?"):
            target = ("*" if message.method == b"OPTIONS" and target == "?" else "/") + target
    return target.removesuffix("?") if target.find("?") == len(target) - 1 else target
