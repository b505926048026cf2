"""`live`: an application on a real socket, on a scheduler of its own in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import Axon.Scheduler
import pytest
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from kroute import App
from kroute.net import Address, Listener, bind
from kroute.scheduler import Scheduler
from tests.waiting import PATIENCE

__all__ = ["Live", "live"]


class Live:
    """A running scheduler. Connections made by `connect` are closed at the end."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.thread = threading.Thread(target=scheduler.runThreads, daemon=True)
        self._clients: list[socket.socket] = []
        self.port = 0

    def serve(self, app: App) -> None:
        listener = Listener(bind(Address("127.0.0.1", 0)), app.protocol)
        self.port = listener.port
        listener.activate(Scheduler=self.scheduler)
        self.thread.start()

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        self._clients.append(client)
        return client

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> socket.socket:
        """Send a request that closes the connection, and return that."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        client = self.connect()
        client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return client

    def call(self, function: Callable[[], Any]) -> Any:
        """Call in the thread of components."""
        done = threading.Event()
        result = []

        def run() -> None:
            result.append(function())
            done.set()

        self.scheduler.call_soon(run)
        assert done.wait(PATIENCE)
        return result[0]

    def names(self) -> list[str]:
        """Class names of the components that run."""
        return [type(each).__name__ for each in self.call(self.scheduler.listAllThreads)]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.scheduler.stop()
        if self.thread.ident is None:
            self.scheduler.runThreads()
        else:
            self.thread.join(PATIENCE)
        self.scheduler.poller.close()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    own = Live(Scheduler())
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", own.scheduler)
    yield own
    own.close()
    coordinatingassistanttracker.basecat.zap()
