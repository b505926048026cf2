"""Loop: the scheduler of a process in which somebody else has the main thread."""

from __future__ import annotations

import logging
import os
import threading

import Axon.Scheduler

from ..scheduler import Scheduler, get_scheduler, open_poller

__all__ = ["Loop"]

log = logging.getLogger("kroute.gateway")


class Loop:
    """Sees to it that the scheduler that components are activated on runs. If nobody runs it, a
    thread of ours does, from the time it is first needed. There is one in a process; if somebody
    puts another one in its place, that has a thread of its own.

    A WSGI server may load the application and then fork. Threads do not come along, and what they
    wait on would be shared by both processes, so the child starts afresh: with a new poller, or,
    if its parent was in the middle of its work, with a new scheduler.
    """

    def __init__(self) -> None:
        self._inherited = ""
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._in_child)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[Scheduler, threading.Thread] = {}

    def _in_child(self) -> None:
        self._forget()
        self._inherited = "running" if get_scheduler()._running else "idle"

    def scheduler(self) -> Scheduler:
        """The scheduler of this process."""
        if self._inherited:
            with self._lock:
                inherited, self._inherited = self._inherited, ""
                if inherited == "running":
                    Axon.Scheduler.scheduler.run = Scheduler()
                elif inherited and not get_scheduler()._running:
                    get_scheduler().poller = open_poller()
        return get_scheduler()

    def run(self, scheduler: Scheduler) -> None:
        """Have `scheduler` run, if it does not. To be called after something was given to it."""
        if not scheduler._running:
            with self._lock:
                if scheduler not in self._threads:
                    self._threads[scheduler] = thread = threading.Thread(
                        target=self._work, args=(scheduler,), name=scheduler.name, daemon=True
                    )
                    thread.start()

    def _work(self, scheduler: Scheduler) -> None:
        while True:
            try:
                scheduler.runThreads()
            except BaseException as error:
                # A handler that asks for the end of the process does not have it here: it is the
                # WSGI server's. But what it left behind is not to be gone on with.
                log.error("the scheduler was left and begins anew", exc_info=error)
                scheduler.stop()
                continue
            with self._lock:
                if not scheduler._calls:  # and nobody comes between: they wait for the lock
                    del self._threads[scheduler]
                    return
