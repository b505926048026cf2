"""Workers: a bounded pool of threads for work that may never return."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import Protocol

from ..scheduler import ThreadsBusy

__all__ = ["Job", "Workers"]

IDLE = 10.0
"""Seconds without work after which a thread ends."""


class Job(Protocol):
    """What a thread does."""

    def run(self) -> None:
        """Do it. Raises nothing."""


class Workers:
    """At most `threads` threads, started when they are needed, and `queue` jobs that wait for one.

    It differs from the scheduler's `ThreadPool` in what becomes of a thread that is stuck: another
    one takes its place (`replace`), and it ends when it comes back after all. At most `threads` of
    them are replaced at a time, so there are never more than twice as many.
    """

    def __init__(self, threads: int, queue: int, name: str) -> None:
        self.threads = threads
        self.queue = queue
        self._name = name
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._alive = 0  # threads that take jobs
        self._taken = 0  # jobs that wait or run
        self._lost = 0  # threads that were replaced and have not come back
        self._running: dict[Job, int] = {}

    def submit(self, job: Job) -> None:
        """Have a thread run `job`. Raises ThreadsBusy where the queue is full."""
        with self._lock:
            if self._taken >= self.threads + self.queue:
                raise ThreadsBusy(f"{self.threads} threads are busy, {self.queue} jobs wait")
            self._taken += 1
            self._add_thread()
        self._jobs.put(job)

    def running(self) -> dict[Job, int]:
        """The jobs that run now, and the identity of the thread of each."""
        with self._lock:
            return self._running.copy()

    def replace(self, job: Job) -> bool:
        """Let another thread take the place of the one that is stuck with `job`. False: there is
        none to replace, or too many were replaced."""
        with self._lock:
            if job not in self._running or self._lost == self.threads:
                return False
            del self._running[job]
            self._taken -= 1
            self._alive -= 1
            self._lost += 1
            self._add_thread()
            return True

    def _add_thread(self) -> None:
        """Start a thread if there is a job for it. With the lock."""
        if self._alive < min(self._taken, self.threads):
            self._alive += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        me = threading.get_ident()
        while True:
            try:
                job = self._jobs.get(timeout=IDLE)
            except Empty:
                if self._may_end():
                    return
                continue
            with self._lock:
                self._running[job] = me
            job.run()
            with self._lock:
                if self._running.pop(job, None) is None:
                    self._lost -= 1  # somebody else has this thread's place now
                    return
                self._taken -= 1
            del job  # and all that hangs on it, while there is no other

    def _may_end(self) -> bool:
        """Whether no job is left for a thread that has waited long enough."""
        with self._lock:
            if self._taken >= self._alive:
                return False
            self._alive -= 1
            return True
