"""A client made of messages: HTTPProtocol and Dispatcher with no socket and no clock.

World: a scheduler that is stepped by hand. Client: the other end of one connection: it has the
boxes of a socket component and takes what is sent to it when it likes. Answer: what came.
"""

from __future__ import annotations

import http.client
import io
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import Axon.Scheduler
import pytest
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.IPC import socketShutdown

from kroute import App
from kroute.scheduler import Poller, Scheduler
from tests.waiting import PATIENCE

__all__ = ["Answer", "Client", "World", "own_scheduler", "raw", "world"]


class NoDescriptors(Poller):
    """Watches nothing; `woken` is set when another thread has something for the scheduler."""

    def __init__(self) -> None:
        self.callbacks = {}
        self.woken = threading.Event()

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        return []

    def wake(self) -> None:
        self.woken.set()


class World:
    """A scheduler of one's own, in the place of Axon's default one."""

    def __init__(self) -> None:
        self.poller = NoDescriptors()
        self.scheduler = Scheduler(self.poller)
        self.scheduler._blocked = True  # so that threads wake the poller, whenever they come
        self._main = self.scheduler.main()

    def step(self) -> None:
        """One cycle of the scheduler."""
        try:
            next(self._main)
        except StopIteration:
            self._main = self.scheduler.main()
        self.scheduler._blocked = True

    @property
    def idle(self) -> bool:
        now = self.scheduler
        return not (now._queue or now._wakes or now._pauses or now._calls)

    def settle(self, cycles: int = 300) -> None:
        """Step until there is nothing to do, or for so many cycles."""
        for _ in range(cycles):
            if self.idle:
                return
            self.step()

    def until(self, happened: Callable[[], Any]) -> None:
        """Step until it has happened, waiting for threads."""
        end = monotonic() + PATIENCE
        self.settle()
        while not happened():
            assert self.poller.woken.wait(end - monotonic()), "it never happened"
            self.poller.woken.clear()
            self.settle()

    def elapse(self, seconds: float = math.inf) -> None:
        """Let what was to happen within `seconds` happen now."""
        until = monotonic() + seconds
        due = []
        while (callback := self.scheduler.timers.pop_due(until)) is not None:
            due.append(callback)
        for callback in due:
            self.scheduler._call(callback)
        self.settle()

    def client(self, app: App, **options: Any) -> Client:
        return Client(self, app, **options)

    def close(self) -> None:
        self.scheduler.stop()
        for _ in self._main:
            pass
        coordinatingassistanttracker.basecat.zap()


@contextmanager
def own_scheduler() -> Iterator[World]:
    """A World whose scheduler is Axon's default one meanwhile."""
    own = World()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Axon.Scheduler.scheduler, "run", own.scheduler)
        yield own
        own.close()


@pytest.fixture
def world() -> Iterator[World]:
    with own_scheduler() as own:
        yield own


class Answer:
    """An answer, as Python's own client reads it."""

    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.version = response.version
        self.code = response.status
        self.headers = response.headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()

    def __getitem__(self, name: str) -> str | None:
        return self.headers[name]

    def __repr__(self) -> str:
        return f"<{self.code} {self.body!r}>"


class _Unclosed(io.BytesIO):
    def close(self) -> None:
        """HTTPResponse closes its file after each answer."""

    def makefile(self, mode: str) -> _Unclosed:
        return self


def raw(
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    version: str = "HTTP/1.1",
    chunks: list[bytes] | None = None,
    **headers: str,
) -> bytes:
    """The bytes of a request; `Content_Type=...` is the field Content-Type."""
    fields = {"Host": "example.org"} | {k.replace("_", "-"): v for k, v in headers.items()}
    if chunks is not None:
        fields["Transfer-Encoding"] = "chunked"
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    elif body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} {version}", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class Client:
    """The other end of one connection.

    received: the bytes taken so far. ended: how the server closed the connection: "", "closed" (in
    order), or "cut".
    """

    def __init__(self, world: World, app: App, peer: str = "192.0.2.7") -> None:
        self.world = world
        self.received = b""
        self.wire = component()  # its boxes only: it never runs
        self.protocol = app.protocol(peer=peer, peerport=4711, localip="192.0.2.1", localport=80)
        link = self.protocol.link
        link((self.protocol, "outbox"), (self.wire, "inbox"))
        link((self.protocol, "signal"), (self.wire, "control"))
        link((self.wire, "outbox"), (self.protocol, "inbox"))
        link((self.wire, "signal"), (self.protocol, "control"))
        self.protocol.activate(Scheduler=world.scheduler)
        world.settle()
        self._signals: list[Any] = []

    # What a client does.

    @property
    def taken(self) -> bool:
        """Whether the server has taken all that was fed."""
        return not self.protocol.inboxes["inbox"].storage

    def feed(self, *pieces: bytes) -> None:
        """Send bytes, each piece when there is room for it."""
        for piece in pieces:
            for _ in range(1000):
                if self.taken or self.ended:
                    break
                self.take()
                self.world.step()
            if not self.ended:
                self.wire.send(piece, "outbox")
        self.world.settle()

    def waiting(self) -> int:
        """Bytes that were sent to the client, and that it has not taken."""
        return sum(map(len, self.wire.inboxes["inbox"].storage))

    def take(self, messages: float = math.inf) -> bytes:
        """Take what was sent, and what is sent because of that; returns all that came so far."""
        while self.wire.dataReady("inbox") and messages > 0:
            self.received += self.wire.recv("inbox")
            messages -= 1
            if not self.wire.dataReady("inbox"):
                self.world.settle()
        return self.received

    def hang_up(self) -> None:
        """Close the connection, as the socket component tells it."""
        self.wire.send(socketShutdown(self.wire, "closed"), "signal")
        self.world.settle()

    def drain(self) -> None:
        """What a listener says when the server is to stop."""
        self.wire.send(producerFinished(self.wire), "signal")
        self.world.settle()

    @property
    def signals(self) -> list[Any]:
        while self.wire.dataReady("control"):
            self._signals.append(self.wire.recv("control"))
        return self._signals

    @property
    def ended(self) -> str:
        kinds = {producerFinished: "closed", shutdownMicroprocess: "cut"}
        assert len(self.signals) < 2, "the end is told once"
        return kinds[type(self.signals[0])] if self.signals else ""

    # What it gets.

    def answers(self, *methods: str) -> list[Answer]:
        """All answers, to requests of these methods (GET, where there are not so many), which the
        bytes that came so far have to be, to the last one; forgets them."""
        asked = iter(methods)
        found = []
        data = self.take()
        while data:
            file = _Unclosed(data)
            response = http.client.HTTPResponse(file, method=next(asked, "GET"))  # type: ignore
            response.begin()
            found.append(Answer(response, response.read()))
            data = data[file.tell() :]
        self.received = b""
        return found

    def ask(self, method: str, path: str, body: bytes | None = None, **options: Any) -> Answer:
        """Send a request and return its answer, which has to come at once."""
        self.feed(raw(method, path, body, **options))
        (answer,) = self.answers(method)
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", path, **options)
