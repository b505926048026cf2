"""ThreadPool, ThreadsBusy: blocking work, kept away from the thread of components."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

__all__ = ["ThreadPool", "ThreadsBusy"]

Job = tuple["Future[Any]", Callable[[], Any]]


class ThreadsBusy(RuntimeError):
    """Every worker thread is busy and the queue in front of them is full."""


class ThreadPool:
    """At most `workers` threads, with at most `max_pending` calls waiting for one of them.

    The threads are started when they are needed. They are daemons: a call that never returns does
    not keep the process from ending, which is why this is no `ThreadPoolExecutor`.
    """

    def __init__(self, workers: int = 32, max_pending: int = 1024) -> None:
        self.workers = workers
        self.max_pending = max_pending
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `function(*args, **kwargs)` in a thread. Raises ThreadsBusy instead of queueing more
        than `max_pending` calls, and RuntimeError after `close()`."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the thread pool is closed")
            if self._taken >= self.workers + self.max_pending:
                raise ThreadsBusy(
                    f"{self.workers} threads are busy and {self.max_pending} calls wait for them"
                )
            self._taken += 1
            if len(self._threads) < min(self._taken, self.workers):
                name = f"kroute_{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
                self._threads[-1].start()
            # With the lock: `close` drops what was put before it, and nothing is put after it.
            self._jobs.put((future, partial(function, *args, **kwargs)))
        future.add_done_callback(self._give_back)
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:
                    future.set_exception(error)
                    del error
                else:
                    future.set_result(result)
                    del result
            del job, future, call  # and all that hangs on them, while there is nothing to do

    def _give_back(self, future: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Start nothing more; calls that wait are dropped, running ones end by themselves."""
        dropped: list[Future[Any]] = []
        with self._lock:
            self._closed = True
            with suppress(Empty):
                while (job := self._jobs.get_nowait()) is not None:
                    dropped.append(job[0])
            for _ in self._threads:
                self._jobs.put(None)
        for future in dropped:
            future.cancel()  # which gives its place back, and takes the lock for that

    def join(self, seconds: float) -> bool:
        """Wait at most so long for the running calls to end, after `close()`: whether all have."""
        deadline = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
