"""own_loop: a default scheduler of the test's own, which runs in a thread when it is needed.
threads_of: the thread that the gateway has made for a scheduler, if it has.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import Axon.Scheduler
import pytest
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker

from kroute.scheduler import Scheduler
from tests.waiting import PATIENCE

__all__ = ["own_loop", "threads_of"]


def threads_of(scheduler: Scheduler) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == scheduler.name]


@pytest.fixture
def own_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    scheduler = Scheduler()
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", scheduler)
    yield scheduler
    scheduler.stop()
    for thread in threads_of(scheduler):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    scheduler.poller.close()
    coordinatingassistanttracker.basecat.zap()
