"""own_loop: a default scheduler of the test's own, which runs in a thread when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import Axon.Scheduler
import pytest
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from kroute.scheduler import Scheduler

__all__ = ["PATIENCE", "own_loop"]

PATIENCE = 10.0


@pytest.fixture
def own_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    scheduler = Scheduler()
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", scheduler)
    yield scheduler
    scheduler.stop()
    for thread in threading.enumerate():
        if thread.name == "kroute scheduler":
            thread.join(PATIENCE)
            assert not thread.is_alive()
    scheduler.poller.close()
    coordinatingassistanttracker.basecat.zap()
