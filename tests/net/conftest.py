"""Fixtures: one connection stepped by hand, and a server in a thread of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import Axon.Scheduler
import pytest
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from kroute.scheduler import Scheduler

from .helpers import Server, Wire


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    """A real scheduler, Axon's default one as long as the test runs."""
    own = Scheduler()
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", own)
    yield own
    own.stop()
    own.runThreads()
    own.poller.close()
    coordinatingassistanttracker.basecat.zap()


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes on by a millisecond with every look at it, however busy the machine is."""
    ticks = itertools.count()
    monkeypatch.setattr("kroute.scheduler.scheduler.monotonic", lambda: next(ticks) / 1000)


@pytest.fixture
def wire(scheduler: Scheduler) -> Iterator[Callable[[component], Wire]]:
    """Makes a connection with the given protocol component at one end of it."""
    made: list[Wire] = []

    def make(protocol: component) -> Wire:
        made.append(Wire(scheduler, protocol))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def serve(scheduler: Scheduler) -> Iterator[Callable[..., Server]]:
    """Starts a server with the given protocol factory."""
    made: list[Server] = []

    def make(protocol: Callable[..., component], *args: str, **argd: Any) -> Server:
        made.append(Server(scheduler, protocol, *args, **argd))
        return made[-1]

    yield make
    for one in made:
        one.close()
