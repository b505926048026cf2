"""ThreadPool, ThreadsBusy: blocking work, kept away from the thread of components."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["ThreadPool", "ThreadsBusy"]


class ThreadsBusy(RuntimeError):
    """Every worker thread is busy and the queue in front of them is full."""


class ThreadPool:
    """At most `workers` threads, with at most `max_pending` calls waiting for one of them.

    The threads are started when they are first needed.
    """

    def __init__(self, workers: int = 32, max_pending: int = 1024) -> None:
        self.workers = workers
        self.max_pending = max_pending
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="kroute")
        self._taken = 0
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `function(*args, **kwargs)` in a thread. Raises ThreadsBusy instead of queueing more
        than `max_pending` calls, and RuntimeError after `close()`."""
        with self._lock:
            if self._taken >= self.workers + self.max_pending:
                raise ThreadsBusy(
                    f"{self.workers} threads are busy and {self.max_pending} calls wait for them"
                )
            future = self._executor.submit(function, *args, **kwargs)
            self._taken += 1
        future.add_done_callback(self._give_back)
        return future

    def _give_back(self, future: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1

    def close(self) -> None:
        """Start nothing more; calls that wait are dropped, running ones end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)
