"""Workers: a bounded pool of threads for work that may never return."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from time import monotonic
from typing import Protocol

from ..scheduler import ThreadsBusy

__all__ = ["IDLE", "Job", "Workers"]

IDLE = 10.0
"""Seconds without work after which `trim` lets a thread end."""


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
        self._crew = crew = _Crew(threads, name)
        # The threads know the crew, and not this, so that they end with it.
        weakref.finalize(self, crew.dismiss).atexit = False

    def submit(self, job: Job) -> None:
        """Have a thread run `job`. Raises ThreadsBusy where the queue is full."""
        if not self._crew.take(job, self.queue):
            raise ThreadsBusy(f"{self.threads} threads are busy, {self.queue} jobs wait")

    def running(self) -> dict[Job, int]:
        """The jobs that run now, and the identity of the thread of each."""
        with self._crew.lock:
            return self._crew.running.copy()

    def replace(self, job: Job) -> bool:
        """Let another thread take the place of the one that is stuck with `job`. False: there is
        none to replace, or too many were replaced."""
        return self._crew.replace(job)

    def trim(self) -> bool:
        """Let threads end that have waited for IDLE seconds; returns whether there are others."""
        return self._crew.trim(monotonic() - IDLE)


class _Bell:
    """What one thread waits for.

    Whoever rings it gives up Python's lock to do so, and the thread that wakes up can have that at
    once; it would otherwise wake up only to wait for it. (On one processor this is half of the
    switches between threads that a request costs.)
    """

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC)

    def ring(self) -> None:
        os.eventfd_write(self._fd, 1)

    def wait(self) -> None:
        os.eventfd_read(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class _PortableBell:
    """The same where there is no eventfd."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        self._lock.release()

    def wait(self) -> None:
        self._lock.acquire()

    def close(self) -> None:
        pass


class _Worker:
    """A thread. job: what it is to do when its bell rings; None: end. idle: since when it is."""

    __slots__ = ("bell", "idle", "job")

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job
        self.idle = 0.0
        self.bell = _Bell() if hasattr(os, "eventfd") else _PortableBell()


class _Crew:
    """The threads and what they share.

    The one that was the last to become idle is the first to have a job: its stack is in the
    processor's memory yet, and those that are not needed can end.
    """

    def __init__(self, threads: int, name: str) -> None:
        self.lock = threading.RLock()  # `dismiss` may be called by a collection, at any point
        self.running: dict[Job, int] = {}
        self._threads = threads
        self._name = name
        self._waiting: deque[Job] = deque()
        self._idle: list[_Worker] = []
        self._alive = 0  # threads that take jobs
        self._lost = 0  # threads that were replaced and have not come back
        self._dismissed = False

    def take(self, job: Job, most: int) -> bool:
        """Have a thread do a job, unless all are busy and `most` wait already."""
        with self.lock:
            if self._idle:
                worker = self._idle.pop()
                worker.job = job
            elif self._alive < self._threads:
                self._start(job)
                return True
            elif len(self._waiting) < most:
                self._waiting.append(job)
                return True
            else:
                return False
        worker.bell.ring()
        return True

    def _start(self, job: Job) -> None:
        """Start a thread with its first job. With the lock."""
        thread = threading.Thread(
            target=self._work, args=(_Worker(job),), name=self._name, daemon=True
        )
        thread.start()
        self._alive += 1

    def replace(self, job: Job) -> bool:
        """See `Workers`."""
        with self.lock:
            if job not in self.running or self._lost == self._threads:
                return False
            del self.running[job]
            self._alive -= 1
            self._lost += 1
            if self._waiting:
                self._start(self._waiting.popleft())
            return True

    def trim(self, since: float) -> bool:
        """End those that are idle since then; returns whether there are others."""
        with self.lock:
            # The list is in the order in which they became idle.
            over = [worker for worker in self._idle if worker.idle <= since]
            del self._idle[: len(over)]
            self._alive -= len(over)
            left = bool(self._alive)
        for worker in over:
            worker.bell.ring()
        return left

    def dismiss(self) -> None:
        """Nobody will have jobs any more: let the threads end that have none."""
        self._dismissed = True
        self.trim(monotonic())

    def _work(self, worker: _Worker) -> None:
        me = threading.get_ident()
        job = worker.job
        try:
            while job is not None:
                worker.job = None
                with self.lock:
                    self.running[job] = me
                job.run()
                with self.lock:
                    if self.running.pop(job, None) is None:
                        self._lost -= 1  # somebody else has this thread's place now
                        return
                del job  # and all that hangs on it, while there is no other
                job = self._next(worker)
        finally:
            worker.bell.close()

    def _next(self, worker: _Worker) -> Job | None:
        """The next job of a thread, when it comes; None: end."""
        with self.lock:
            if self._waiting:
                return self._waiting.popleft()
            worker.idle = monotonic()
            self._idle.append(worker)
        if not self._dismissed:  # and if it is from now on, this one is among the idle
            worker.bell.wait()
        return worker.job
