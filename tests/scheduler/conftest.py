"""Fixtures: a scheduler of one's own, in Axon's place and out of it."""

from __future__ import annotations

from collections.abc import Iterator

import Axon.Scheduler
import pytest
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from kroute.scheduler import Scheduler

from .helpers import Clock, FakePoller, Stepped


@pytest.fixture
def stepped() -> Iterator[Stepped]:
    """A scheduler that touches no descriptor and goes one cycle at a time."""
    yield Stepped(Scheduler(FakePoller()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The schedulers' time, which stands still unless the test moves it."""
    own = Clock()
    monkeypatch.setattr("kroute.scheduler.scheduler.monotonic", own)
    return own


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
