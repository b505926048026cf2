"""Scheduler, get_scheduler: Axon's scheduler, driven by events.

A drop-in for `Axon.Scheduler.scheduler`: the same methods and the same rules, with three
differences that a component can only notice by living longer.

- It waits in one place, for descriptors, timers and other threads alike (see `poller`), and does
  not wake up when there is nothing to do.
- A component that raises is logged and closed down, its partners are told, and the others go on.
  `KeyboardInterrupt` and `SystemExit` alone leave `runThreads`.
- `WaitComplete` works, and the microprocess that waits can be paused and woken meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic, sleep, time
from typing import Any

import Axon.Scheduler
from Axon.AxonExceptions import noSpaceInBox
from Axon.Ipc import WaitComplete, newComponent, reactivate, shutdownMicroprocess
from Axon.Microprocess import microprocess

from .coroutine import Waiting
from .poller import Poller, open_poller
from .task import Task
from .threads import ThreadPool
from .timers import Timer, Timers

__all__ = ["Scheduler", "get_scheduler"]

log = logging.getLogger("kroute.scheduler")

POLL_INTERVAL = 0.0005
"""Seconds that a busy scheduler goes without a look at descriptors and timers."""

LONGEST_WAIT = 24 * 3600.0
"""Seconds that it asks the operating system to wait at most, which takes no number of any size."""

LEAVE = (KeyboardInterrupt, SystemExit)
"""What leaves `runThreads`. All else is some component's failure, even a BaseException such as
asyncio's CancelledError."""


class _Here(threading.local):
    """`scheduler`: which one is in the middle of a cycle in this thread."""

    scheduler: Scheduler | None = None


_here = _Here()


class Scheduler(Axon.Scheduler.scheduler):
    """Runs microprocesses: round robin, one time slice each, until none is left.

    The pause and wake rules are Axon's. Requests are collected while the microprocesses have their
    turn and are worked off after it, pauses first: a wake wins over a pause of the same cycle,
    whichever was asked for first. Every method that makes a request may be called from any thread.

    poller: where to wait; by default the best that this machine has.
    """

    def __init__(self, poller: Poller | None = None, **argd: Any) -> None:
        super().__init__(**argd)
        self.threads: dict[microprocess, Task] = {}
        self.poller = open_poller() if poller is None else poller
        self.timers = Timers()
        self._queue: list[Task] = []
        self._pauses: deque[microprocess] = deque()
        self._wakes: deque[tuple[microprocess, bool]] = deque()
        self._calls: deque[Callable[[], object]] = deque()
        self._last: list[Callable[[], object]] = []
        self._regroup = False  # somebody in the queue is not to have a time slice
        self._blocked = False
        self._stopping = False
        self._running = False
        self._next_poll = 0.0
        self._pool: ThreadPool | None = None

    # What Axon's microprocesses ask of their scheduler. Any thread.

    def wakeThread(self, mprocess: microprocess, canActivate: bool = False) -> None:
        """Have `mprocess` run in the next cycle; one that is not known only if `canActivate`."""
        self._wakes.append((mprocess, canActivate))
        if self._blocked:
            self.poller.wake()

    def pauseThread(self, mprocess: microprocess) -> None:
        """Let `mprocess` sleep from the next cycle on, unless it is woken in this one."""
        self._pauses.append(mprocess)
        if self._blocked:
            self.poller.wake()

    def isThreadPaused(self, mprocess: microprocess) -> bool:
        """Whether `mprocess` sleeps, or is not known here."""
        task = self.threads.get(mprocess)
        return task is None or not task.awake

    def listAllThreads(self) -> list[microprocess]:
        """All microprocesses that were activated and have not ended, asleep or awake."""
        return list(self.threads)

    def stop(self) -> None:
        """Stop every microprocess and return from `runThreads`. Any thread or signal handler."""
        self._stopping = True
        self.poller.wake()

    # What kroute's own components ask of it beside that.

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Call `callback()` in the scheduler's thread, in this cycle or the next. Any thread."""
        self._calls.append(callback)
        if self._blocked:
            self.poller.wake()

    def call_last(self, callback: Callable[[], object]) -> None:
        """Call `callback()` when nothing is ready any more, or POLL_INTERVAL is over, and before
        descriptors are looked at again: for work that costs less done together. Only in its
        thread."""
        self._last.append(callback)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback()` in `seconds` or a little later. Only in the scheduler's thread."""
        if seconds != seconds:
            raise ValueError("a time to wait was nan")
        return self.timers.add(monotonic() + seconds, callback)

    def hold(self, mprocess: microprocess) -> None:
        """Give `mprocess` no time slice from the next cycle on, whoever wakes it.

        For whoever cannot take any more from it: a stock component does not look where it sends
        to. It stays held until `release()`. Only in the scheduler's thread.
        """
        task = self.threads.get(mprocess)
        if task is not None:
            task.held = self._regroup = True

    def release(self, mprocess: microprocess) -> None:
        """Wake `mprocess`, and hold it no more. Only in the scheduler's thread."""
        task = self.threads.get(mprocess)
        if task is not None and task.held:
            task.held = task.awake = False
        self.wakeThread(mprocess)

    @property
    def pool(self) -> ThreadPool:
        """The threads for blocking work, made when they are first asked for."""
        if self._pool is None:
            self._pool = ThreadPool()
        return self._pool

    def fail(self, mprocess: microprocess, error: BaseException) -> None:
        """Log that `mprocess` failed with `error`, and close it down in the next cycle.

        For components that act outside their time slice (on a message, on a descriptor). As for
        a failure inside it, a `shutdownMicroprocess` goes out of the "signal" box.
        """
        _report(mprocess, error)
        _tell_partners(mprocess)
        self._end(mprocess)

    def _end(self, mprocess: microprocess) -> None:
        """Have `mprocess` close down in the next cycle."""
        _contain(mprocess, "stop()", mprocess.stop)
        self.release(mprocess)

    # The main loop.

    def runThreads(self, slowmo: float = 0) -> None:
        """Run until no microprocess is left, or `stop()`. slowmo: seconds to wait a cycle."""
        for _ in self.main(slowmo, canblock=True):
            pass

    def main(self, slowmo: float = 0, canblock: bool = False) -> Iterator[int]:
        """The main loop as a generator: one cycle a step. It blocks only if `canblock`.

        Raises RuntimeError where it runs already: two loops would share one run queue.
        """
        if self._running:
            raise RuntimeError(
                "this scheduler is running already; activate() what is to run on it"
            )
        self._running = True
        try:
            while not self._stopping:
                outer, _here.scheduler = _here.scheduler, self
                try:
                    self._cycle()
                    if self._stopping or not (self.threads or self._wakes or self.extra):
                        break
                    self._wait(canblock)
                finally:
                    _here.scheduler = outer
                if slowmo:
                    sleep(slowmo)
                yield 1
            if self._stopping:
                self._stop_all()
        finally:
            self._running = self._stopping = False

    def _cycle(self) -> None:
        """One time slice for everyone who is awake; then pauses, calls and wakes."""
        self.time = time()
        queue = iter(self._queue)
        survivors: list[Task] = []
        try:
            for task in queue:
                if task.mprocess._microprocess__stopped:
                    self._finish(task)
                    continue
                try:
                    result = task.step()
                    if result is not None and type(result) is not int:
                        self._obey(task, result)
                except StopIteration:
                    self._finish(task)
                except LEAVE:
                    self._finish(task)
                    raise
                except BaseException as error:
                    self._failed(task, error)
                else:
                    survivors.append(task)
        finally:
            # Whatever leaves this loop (Ctrl-C) leaves a whole run queue behind.
            survivors.extend(queue)
            self._queue = survivors
        for _ in range(len(self._calls)):  # and no more: what they add has to wait its turn
            self._call(self._calls.popleft())
        self._settle()

    def _settle(self) -> None:
        """Work off the requests of this cycle: pauses first, then wakes."""
        threads, queue = self.threads, self._queue
        pauses, wakes = self._pauses, self._wakes
        for _ in range(len(pauses)):
            task = threads.get(pauses.popleft())
            if task is not None and task.awake and not (task.threaded and task.thread_is_over()):
                task.awake = False
                self._regroup = True
        for _ in range(len(wakes)):
            mprocess, can_activate = wakes.popleft()
            self.extra = 0
            task = threads.get(mprocess)
            if task is None:
                if can_activate:
                    # Axon says so a moment after it has asked: too late, if another thread asked.
                    mprocess.scheduler = self
                    threads[mprocess] = task = Task(mprocess)
                    queue.append(task)
            elif not task.awake:
                task.awake = True
                if not (task.queued or task.held):
                    task.queued = True
                    queue.append(task)
        if self._regroup:
            self._regroup = False
            for task in queue:
                task.queued = task.awake and not task.held
            self._queue = [task for task in queue if task.queued]

    def _wait(self, canblock: bool) -> None:
        """Look at descriptors and timers; if all sleep and it may, wait for them."""
        now = monotonic()
        if now < self._next_poll and (self._queue or self._wakes or self._pauses or self._calls):
            return
        if self._last:
            self._call_last()
        idle = not (self._queue or self._wakes or self._pauses or self._calls or self._last)
        timeout: float | None = 0.0
        if idle and canblock:
            due = self.timers.next_due()
            timeout = None if due is None else min(max(0.0, due - now), LONGEST_WAIT)
            self._blocked = True
            # A request of another thread either sees the flag and wakes the poller, or came
            # before the flag was set and is seen here.
            if self._wakes or self._pauses or self._calls or self._stopping:
                timeout = 0.0
        try:
            ready = self.poller.poll(timeout)
        finally:
            self._blocked = False
        callbacks = self.poller.callbacks
        for fd, events in ready:
            callback = callbacks.get(fd)
            if callback is not None:
                try:
                    callback(events)
                except BaseException as error:
                    self._failed_call(callback, error)
        now = monotonic()
        while (due_now := self.timers.pop_due(now)) is not None:
            self._call(due_now)
        if self._last:
            self._call_last()
        self._next_poll = now + POLL_INTERVAL

    def _call_last(self) -> None:
        """Make the calls that were asked for by `call_last`; what they ask for has to wait."""
        last, self._last = self._last, []
        for callback in last:
            try:
                callback()
            except BaseException as error:
                self._failed_call(callback, error)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """Call back, and contain its failure."""
        try:
            callback(*args)
        except BaseException as error:
            self._failed_call(callback, error)

    def _failed_call(self, callback: Callable[..., object], error: BaseException) -> None:
        """What a callback raised is the failure of the component whose method it is, if any."""
        if isinstance(error, LEAVE):
            raise error
        owner = getattr(callback, "__self__", None)
        if isinstance(owner, microprocess) and owner in self.threads:
            self.fail(owner, error)
        else:
            log.error("%r failed", callback, exc_info=error)

    def _obey(self, task: Task, request: object) -> None:
        """Do what a microprocess asked for by what it yielded; where that fails, tell it so."""
        try:
            self._do(task, request)
        except Exception as error:
            task.refuse(error)

    def _do(self, task: Task, result: object) -> None:
        if isinstance(result, newComponent):
            for component in result.components():
                component.activate()
        elif isinstance(result, WaitComplete):
            task.wait_complete(result)
        elif isinstance(result, Waiting):
            task.waiting = result
            result.begin(task.mprocess.unpause)
            if not result.done:
                self._pauses.append(task.mprocess)

    # How a microprocess ends.

    def _finish(self, task: Task) -> None:
        """Close down a microprocess that has ended, and do what that brings with it."""
        mprocess = task.mprocess
        self.threads.pop(mprocess, None)
        _contain(mprocess, "its generator's end", task.close)
        _contain(mprocess, "stop()", mprocess.stop)
        _contain(mprocess, "_closeDownMicroprocess()", self._close_down, mprocess)

    def _close_down(self, mprocess: microprocess) -> None:
        self.handleMicroprocessShutdownKnockon(mprocess._closeDownMicroprocess())

    def _failed(self, task: Task, error: BaseException) -> None:
        if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
            # How a generator ends that was wrapped in another one before PEP 479.
            self._finish(task)
            return
        _report(task.mprocess, error)
        _tell_partners(task.mprocess)
        self._finish(task)

    def handleMicroprocessShutdownKnockon(self, knockon: object) -> None:
        """Do what a microprocess's end asks for: others that end with it, or one to go on."""
        if isinstance(knockon, shutdownMicroprocess):
            for mprocess in knockon.microprocesses():
                self._end(mprocess)
        elif isinstance(knockon, reactivate):
            self._addThread(knockon.original)

    def _stop_all(self) -> None:
        """End everything, for `stop()`: nobody gets another time slice."""
        self._call_last()
        self._settle()  # so that those that were activated last are ended, too
        for task in list(self.threads.values()):
            _contain(task.mprocess, "stop()", task.mprocess.stop)
            _contain(task.mprocess, "its generator's end", task.close)
        self.threads.clear()
        self._queue.clear()
        for requests in (self._pauses, self._wakes, self._calls):
            requests.clear()
        self.timers = Timers()
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def _report(mprocess: microprocess, error: BaseException) -> None:
    log.error("component %s failed and was closed down", mprocess.name, exc_info=error)


def _tell_partners(mprocess: microprocess) -> None:
    """Send `shutdownMicroprocess` to whoever listens to a failed component.

    Not `producerFinished`: what it sent so far is not all that it had to send.
    """
    signal = getattr(mprocess, "outboxes", {}).get("signal")
    if signal is not None:
        _contain(
            mprocess, "telling its partners", _try_to_put, signal, shutdownMicroprocess(mprocess)
        )


def _try_to_put(box: Any, message: object) -> None:
    """A box that is full stays as it is."""
    with contextlib.suppress(noSpaceInBox):
        box.append(message)


def _contain(mprocess: microprocess, what: str, do: Callable[..., Any], *args: Any) -> None:
    """Do it, log what goes wrong while a component is closed down, and go on closing it down."""
    try:
        do(*args)
    except LEAVE:
        raise
    except BaseException as error:
        log.error("component %s: %s failed", mprocess.name, what, exc_info=error)


def get_scheduler() -> Scheduler:
    """The scheduler that runs in this thread, or else the one that components are activated on by
    default. Raises RuntimeError if somebody has put another one than kroute's in its place."""
    current = _here.scheduler or Axon.Scheduler.scheduler.run
    if not isinstance(current, Scheduler):
        raise RuntimeError(
            f"Axon's default scheduler is {current!r}, not kroute's: something replaced it "
            "after kroute was imported (Axon.background with zap=True does)"
        )
    return current
