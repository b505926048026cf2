"""take_over: make kroute's scheduler Axon's default one."""

from __future__ import annotations

import queue
import sys
from types import FrameType

import Axon.Scheduler
from Axon.Microprocess import microprocess

from .scheduler import Scheduler

__all__ = ["take_over"]


def take_over() -> Scheduler:
    """Put a `Scheduler` in the place of Axon's default one, with all that was activated there.

    Done once, by importing kroute; asked again, it returns the one that is there. From then on
    `activate()`, `SomeComponent().run()` and `scheduler.run` in every module are this scheduler.

    Raises RuntimeError where Axon's scheduler is running already: its components are in the middle
    of their time slices then and cannot be moved.
    """
    old = Axon.Scheduler.scheduler.run
    if isinstance(old, Scheduler):
        return old
    if old is not None and _is_running(old):
        raise RuntimeError(
            "Axon's scheduler is running already: import kroute before you start it "
            "(before run(), runThreads() or Axon.background)"
        )
    new = Scheduler()
    # The base class holds the reference that everybody reads, whichever class they read it from.
    Axon.Scheduler.scheduler.run = new
    microprocess.setSchedulerClass(Scheduler)
    if old is not None:
        for mprocess in _activated(old):
            mprocess.scheduler = new
            new._addThread(mprocess)
    return new


def _activated(old: Axon.Scheduler.scheduler) -> list[microprocess]:
    """What was activated on a scheduler that has not run yet, in order and once each."""
    found: dict[microprocess, None] = dict.fromkeys(old.threads)
    while True:
        try:
            mprocess, can_activate = old.wakeRequests.get_nowait()
        except queue.Empty:
            return list(found)
        if can_activate:
            found[mprocess] = None


def _is_running(old: Axon.Scheduler.scheduler) -> bool:
    """Whether some thread is inside `old.runThreads()`: the scheduler keeps no record of it."""
    run_threads = type(old).runThreads.__code__
    for frame in sys._current_frames().values():
        here: FrameType | None = frame
        while here is not None:
            if here.f_code is run_threads and here.f_locals.get("self") is old:
                return True
            here = here.f_back
    return False
