"""`sleep` and `in_thread`: waiting that blocks nobody, in the main() of components."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from time import monotonic
from typing import Any

import Axon.Scheduler
import pytest
from Axon.Ipc import WaitComplete

from kroute.scheduler import (
    Scheduler,
    ThreadPool,
    ThreadsBusy,
    Waiting,
    get_scheduler,
    in_thread,
    sleep,
)
from tests.waiting import PATIENCE

from .helpers import Clock, FakePoller, Runs, Sink, Stepped, after_cycles, run

Body = Callable[[Runs], Iterator[Any]]


def running(scheduler: Scheduler, *bodies: Body) -> None:
    for body in bodies:
        Runs(body).activate(Scheduler=scheduler)
    run(scheduler)


def test_sleep_takes_its_time_and_others_run_meanwhile(scheduler: Scheduler) -> None:
    said: list[str] = []

    def sleeps(self: Runs) -> Iterator[Any]:
        began = monotonic()
        yield from sleep(0.02)
        assert monotonic() - began >= 0.02
        said.append("slept")

    def works(self: Runs) -> Iterator[Any]:
        for _ in range(5):
            said.append("work")
            yield 1

    running(scheduler, sleeps, works)
    assert said == ["work"] * 5 + ["slept"]


def test_sleepers_wake_in_order(stepped: Stepped, clock: Clock) -> None:
    said: list[int] = []

    def body(n: int) -> Body:
        def sleeps(self: Runs) -> Iterator[Any]:
            yield from sleep(n)
            said.append(n)

        return sleeps

    stepped.start(*(Runs(body(n)) for n in (4, 1, 3, 2)))
    stepped(3)
    clock.now = 2.5
    stepped(3)
    assert said == [1, 2]
    clock.now = 9
    stepped.finish()
    assert said == [1, 2, 3, 4]


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_is_a_turn_for_the_others(scheduler: Scheduler, seconds: float) -> None:
    said: list[str] = []

    def sleeps(self: Runs) -> Iterator[Any]:
        yield from sleep(seconds)
        said.append("slept")

    running(scheduler, sleeps, lambda self: iter([said.append("turn")]))
    assert said == ["turn", "slept"]


def test_while_all_sleep_nobody_is_woken(stepped: Stepped) -> None:
    def sleeps(self: Runs) -> Iterator[Any]:
        yield from sleep(1000)

    stepped.start(Runs(sleeps))
    stepped(3)
    assert 999 < stepped.poller.waits[-1] <= 1000


def test_a_message_does_not_end_a_sleep(scheduler: Scheduler) -> None:
    woken: list[float] = []

    def sleeps(self: Runs) -> Iterator[Any]:
        began = monotonic()
        yield from sleep(0.02)
        woken.append(monotonic() - began)

    sleeper = Runs(sleeps)

    def disturbs(self: Runs) -> Iterator[Any]:
        for _ in range(5):
            sleeper._deliver("wake up", "inbox")
            yield from sleep(0.001)

    sleeper.activate()
    running(scheduler, disturbs)
    assert woken[0] >= 0.02


def test_sleep_inside_wait_complete(scheduler: Scheduler) -> None:
    said: list[str] = []

    def inner() -> Iterator[Any]:
        yield from sleep(0.002)
        said.append("inner")

    def outer(self: Runs) -> Iterator[Any]:
        yield WaitComplete(inner())
        said.append("outer")

    running(scheduler, outer)
    assert said == ["inner", "outer"]


def test_who_ends_while_it_sleeps_leaves_no_timer(stepped: Stepped) -> None:
    def sleeps(self: Runs) -> Iterator[Any]:
        yield from sleep(1000)

    part = Runs(sleeps)
    stepped.start(part)
    stepped(3)
    assert len(stepped.scheduler.timers) == 1
    stepped.scheduler.fail(part, KeyError())
    stepped.finish()
    assert len(stepped.scheduler.timers) == 0


def test_each_waits_on_the_scheduler_that_it_runs_on(scheduler: Scheduler) -> None:
    """Not on the default one, which may not run at all."""
    other = Scheduler()
    assert Axon.Scheduler.scheduler.run is scheduler
    said: list[Any] = []

    def waits(self: Runs) -> Iterator[Any]:
        yield from sleep(0.001)
        said.append((yield from in_thread(len, "abc")))
        assert get_scheduler() is other

    running(other, waits)
    other.pool.close()
    other.poller.close()
    assert said == [3]
    assert len(scheduler.timers) == 0


def test_in_thread_gives_what_the_function_returns(scheduler: Scheduler) -> None:
    got: list[Any] = []

    def asks(self: Runs) -> Iterator[Any]:
        got.append((yield from in_thread(divmod, 7, 3)))
        got.append((yield from in_thread(dict, a=1)))
        got.append((yield from in_thread(threading.get_ident)))

    running(scheduler, asks)
    assert got[:2] == [(2, 1), {"a": 1}]
    assert got[2] != threading.get_ident()


def test_in_thread_raises_what_the_function_raises(scheduler: Scheduler) -> None:
    caught: list[Any] = []

    def asks(self: Runs) -> Iterator[Any]:
        try:
            yield from in_thread(divmod, 1, 0)
        except ZeroDivisionError as error:
            caught.append(error)
        yield 1

    running(scheduler, asks)
    assert len(caught) == 1


def test_others_run_while_a_thread_works(scheduler: Scheduler) -> None:
    release = threading.Event()
    said: list[Any] = []

    def asks(self: Runs) -> Iterator[Any]:
        said.append((yield from in_thread(release.wait, PATIENCE)))

    def works(self: Runs) -> Iterator[Any]:
        for _ in range(5):
            yield 1
        said.append("worked")
        release.set()

    running(scheduler, asks, works)
    assert said == ["worked", True]


def test_many_calls_at_a_time(scheduler: Scheduler) -> None:
    got: list[int] = []

    def body(n: int) -> Body:
        def asks(self: Runs) -> Iterator[Any]:
            for _ in range(5):
                got.append((yield from in_thread(lambda: n)))

        return asks

    running(scheduler, *(body(n) for n in range(100)))
    assert sorted(got) == sorted(list(range(100)) * 5)


def test_busy_threads_are_said_where_it_was_asked(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler._pool = ThreadPool(workers=1, max_pending=1)
    release = threading.Event()
    said: list[str] = []

    def holds(self: Runs) -> Iterator[Any]:
        yield from in_thread(release.wait, PATIENCE)

    def asks(self: Runs) -> Iterator[Any]:
        try:
            yield from in_thread(print, "never")
        except ThreadsBusy as error:
            said.append(str(error))
        release.set()
        yield 1

    running(scheduler, holds, holds, asks)
    assert said == ["1 threads are busy and 1 calls wait for them"]
    assert caplog.records == []


def test_busy_threads_inside_wait_complete(scheduler: Scheduler) -> None:
    scheduler._pool = ThreadPool(workers=0 + 1, max_pending=-1)
    said: list[str] = []

    def inner() -> Iterator[Any]:
        yield from in_thread(print, "never")

    def outer(self: Runs) -> Iterator[Any]:
        try:
            yield WaitComplete(inner())
        except ThreadsBusy:
            said.append("busy")
        yield 1
        said.append("goes on")

    running(scheduler, outer)
    assert said == ["busy", "goes on"]


def test_a_call_that_nobody_waits_for_any_more_is_dropped(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler._pool = ThreadPool(workers=1)
    release = threading.Event()
    called: list[int] = []

    def holds(self: Runs) -> Iterator[Any]:
        yield from in_thread(release.wait, PATIENCE)

    def asks(self: Runs) -> Iterator[Any]:
        yield from in_thread(called.append, 1)

    Runs(holds).activate()
    asking = Runs(asks).activate()

    def fail() -> None:
        scheduler.fail(asking, KeyError("given up"))
        after_cycles(scheduler, 3, release.set)

    after_cycles(scheduler, 5, fail)
    run(scheduler)
    scheduler.pool.close()
    assert scheduler.pool.join(PATIENCE)
    assert called == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_call_that_ends_after_the_scheduler_harms_nobody(scheduler: Scheduler) -> None:
    release, ended = threading.Event(), []

    def asks(self: Runs) -> Iterator[Any]:
        try:
            yield from in_thread(release.wait, PATIENCE)
        finally:
            ended.append("asks")

    Runs(asks).activate()
    after_cycles(scheduler, 5, scheduler.stop)
    run(scheduler)
    assert ended == ["asks"]
    release.set()
    running(scheduler, lambda self: iter([1, 1]))


def test_a_cancelled_call_raises_at_who_waits(stepped: Stepped) -> None:
    """Somebody closed the pool under it."""
    stepped.scheduler._pool = pool = ThreadPool(workers=1)
    began, release = threading.Event(), threading.Event()
    caught: list[BaseException] = []

    def asks(self: Runs) -> Iterator[Any]:
        try:
            yield from in_thread(lambda: (began.set(), release.wait(PATIENCE)))
        except CancelledError as error:
            caught.append(error)
        yield 1

    stepped.start(Runs(asks), Runs(asks), Sink())
    stepped(2)
    assert began.wait(PATIENCE)
    pool.close()
    stepped(4)
    release.set()
    assert len(caught) == 1
    assert pool.join(PATIENCE)


class Now(Waiting):
    """It has happened as soon as it is asked for, or never."""

    cancelled = 0

    def __init__(self, now: bool) -> None:
        super().__init__()
        self._now = now

    def start(self) -> None:
        self.done = self._now

    def cancel(self) -> None:
        super().cancel()
        self.cancelled += 1


def test_what_has_happened_already_is_not_waited_for(stepped: Stepped) -> None:
    stepped.start(Runs(lambda self: iter([Now(True)])))
    stepped.finish()


def test_who_ends_waits_no_more(stepped: Stepped) -> None:
    waiting = Now(False)
    part = Runs(lambda self: iter([waiting]))
    stepped.start(part)
    stepped(3)
    assert waiting.cancelled == 0
    stepped.scheduler.fail(part, KeyError())
    stepped.finish()
    assert waiting.cancelled == 1


def test_get_scheduler_names_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", "another one")
    with pytest.raises(RuntimeError, match="is 'another one', not kroute's"):
        get_scheduler()


def test_get_scheduler_is_the_default_one_outside(scheduler: Scheduler) -> None:
    assert get_scheduler() is scheduler
    stepped = Stepped(Scheduler(FakePoller()))
    stepped.start(Sink())
    stepped(2)
    assert get_scheduler() is scheduler
