"""`Scheduler`: Axon's rules, driven by events, with failures contained."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from Axon.AdaptiveCommsComponent import AdaptiveCommsComponent
from Axon.AxonExceptions import noSpaceInBox
from Axon.Component import component
from Axon.Ipc import (
    WaitComplete,
    newComponent,
    producerFinished,
    reactivate,
    shutdownMicroprocess,
)
from Axon.Microprocess import microprocess
from Axon.ThreadedComponent import threadedadaptivecommscomponent, threadedcomponent
from hypothesis import given
from hypothesis import strategies as st

from kroute.scheduler import READ, Scheduler, get_scheduler, sleep
from kroute.scheduler.scheduler import LONGEST_WAIT
from tests.waiting import PATIENCE, wait_until

from .helpers import Clock, FakePoller, Runs, Sink, Stepped, after_cycles, in_new_python, run


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


# Turns.


def test_turns_go_round(stepped: Stepped) -> None:
    said: list[str] = []

    def body(word: str) -> Any:
        def main(self: Runs) -> Iterator[int]:
            for _ in range(3):
                said.append(word)
                yield 1

        return main

    stepped.start(*(Runs(body(word)) for word in "abc"))
    stepped.finish()
    assert "".join(said) == "abcabcabc"


def test_the_end_of_all_is_the_end_of_the_run(stepped: Stepped) -> None:
    stepped.start(Runs(lambda self: iter([1, 1, 1])))
    stepped.finish()
    assert stepped.scheduler.listAllThreads() == []
    assert list(stepped.scheduler.main()) == []


def test_it_can_be_run_again(scheduler: Scheduler) -> None:
    for _ in range(3):
        part = Runs(lambda self: iter([1, 1])).activate()
        run(scheduler)
        assert part._isStopped()


def test_a_component_runs_itself(scheduler: Scheduler) -> None:
    said: list[str] = []

    def main(self: Runs) -> Iterator[int]:
        said.append("run")
        yield 1

    Runs(main).run()
    assert said == ["run"]


def test_activating_twice_gives_one_turn(stepped: Stepped) -> None:
    turns: list[int] = []

    def main(self: Runs) -> Iterator[int]:
        for n in range(3):
            turns.append(n)
            yield 1

    part = Runs(main)
    stepped.start(part, part)
    stepped.finish()
    assert turns == [0, 1, 2]


def test_two_loops_of_one_scheduler_are_refused(scheduler: Scheduler) -> None:
    refused: list[str] = []

    def main(self: Runs) -> Iterator[int]:
        try:
            Runs(lambda self: iter([1])).run()
        except RuntimeError as error:
            refused.append(str(error))
        yield 1

    Runs(main).activate()
    run(scheduler)
    assert refused == ["this scheduler is running already; activate() what is to run on it"]


def test_a_scheduler_can_be_a_microprocess_of_another(stepped: Stepped) -> None:
    inner, ran_on = Scheduler(FakePoller()), []

    def main(self: Runs) -> Iterator[int]:
        yield 1
        ran_on.append(get_scheduler())

    Runs(main).activate(Scheduler=inner)
    stepped.start(inner, Runs(main))
    stepped.finish()
    assert sorted(map(id, ran_on)) == sorted(map(id, [inner, stepped.scheduler]))


# Pause and wake.


def test_who_pauses_sleeps_until_woken(stepped: Stepped) -> None:
    turns: list[int] = []

    def main(self: Runs) -> Iterator[int]:
        for n in range(3):
            turns.append(n)
            self.pause()
            yield 1

    part = Runs(main)
    stepped.start(part)
    stepped(5)
    assert turns == [0]
    assert stepped.scheduler.isThreadPaused(part)
    part.unpause()
    stepped(5)
    assert turns == [0, 1]
    part.unpause()
    part.unpause()
    stepped(5)
    assert turns == [0, 1, 2]
    part.unpause()
    stepped.finish()


@pytest.mark.parametrize("order", [("pause", "unpause"), ("unpause", "pause")])
def test_a_wake_wins_over_a_pause_of_the_same_cycle(
    stepped: Stepped, order: tuple[str, str]
) -> None:
    turns: list[int] = []

    def main(self: Runs) -> Iterator[int]:
        for n in range(4):
            turns.append(n)
            for request in order:
                getattr(self, request)()
            yield 1

    stepped.start(Runs(main))
    stepped.finish()
    assert turns == [0, 1, 2, 3]


@pytest.mark.parametrize("first", ["sleeper", "waker"])
def test_a_message_of_the_cycle_in_which_it_pauses_wakes_the_receiver(
    stepped: Stepped, first: str
) -> None:
    sink = Sink()

    def main(self: Runs) -> Iterator[int]:
        yield 1  # the sink pauses in its first turn, in which this one sends
        self.send("late", "outbox")
        self.send(producerFinished(), "signal")

    source = Runs(main)
    source.link((source, "outbox"), (sink, "inbox"))
    source.link((source, "signal"), (sink, "control"))
    stepped.start(*((sink, source) if first == "sleeper" else (source, sink)))
    stepped.finish()
    assert sink.got == ["late"]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["pause", "unpause"]), st.booleans()))
)
def test_the_pause_and_wake_rules_are_axons(
    requests: list[tuple[int, str, bool]],
) -> None:
    """Against a model: in each cycle pauses first, then wakes."""
    stepped = Stepped(Scheduler(FakePoller()))
    turns = [0, 0, 0]

    def body(n: int) -> Any:
        def main(self: Runs) -> Iterator[int]:
            while True:
                turns[n] += 1
                yield 1

        return main

    parts = [Runs(body(n)) for n in range(3)]
    stepped.start(*parts)
    stepped()
    awake, want = [True] * 3, [0, 0, 0]
    cycle: dict[str, list[int]] = {"pause": [], "unpause": []}
    for n, request, ends_cycle in [*requests, (0, "unpause", True)]:
        getattr(parts[n], request)()
        cycle[request].append(n)
        if ends_cycle:
            stepped()
            want = [turns + is_awake for turns, is_awake in zip(want, awake, strict=True)]
            for sleeper in cycle["pause"]:
                awake[sleeper] = False
            for woken in cycle["unpause"]:
                awake[woken] = True
            cycle = {"pause": [], "unpause": []}
            assert turns == want
            assert awake == [not stepped.scheduler.isThreadPaused(part) for part in parts]


def test_only_activation_makes_it_known(stepped: Stepped) -> None:
    part = Runs(lambda self: iter([1]))
    stepped.scheduler.wakeThread(part)
    stepped.start(keeper := Sink())
    stepped(3)
    assert stepped.scheduler.listAllThreads() == [keeper]
    assert stepped.scheduler.isThreadPaused(part)


def test_wakes_from_other_threads_are_never_lost(scheduler: Scheduler) -> None:
    """Each token is taken before the next one is given: one lost wake-up would hang it."""

    class Answers(component):
        taken = 0

        def main(self) -> Iterator[int]:
            while self.taken < 300:
                while self.dataReady("inbox"):
                    self.taken += 1
                    self.recv("inbox").set()
                if self.taken < 300:
                    self.pause()
                yield 1

    parts = [Answers().activate() for _ in range(4)]

    def give(part: component) -> None:
        for _ in range(300):
            taken = threading.Event()
            part._deliver(taken, "inbox")
            assert taken.wait(PATIENCE)

    threads = [threading.Thread(target=give, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    run(scheduler)
    for thread in threads:
        thread.join()
    assert [part.taken for part in parts] == [300] * 4


# Idle.


def test_with_nothing_to_do_it_waits_for_ever(stepped: Stepped) -> None:
    stepped.start(*(Sink() for _ in range(3)))
    stepped(2)
    stepped.poller.waits.clear()
    stepped(3)
    assert stepped.poller.waits == [None, None, None]


def test_with_a_timer_it_waits_for_that(stepped: Stepped) -> None:
    stepped.start(Sink())
    stepped(2)
    stepped.scheduler.call_later(30, print)
    stepped()
    assert 29 < stepped.poller.waits[-1] <= 30


@pytest.mark.parametrize("seconds", [1e9, 1e300, float("inf")])
def test_a_timer_in_a_far_future_is_more_than_epoll_can_wait_for(
    stepped: Stepped, seconds: float
) -> None:
    stepped.start(Sink())
    stepped(2)
    stepped.scheduler.call_later(seconds, print)
    stepped()
    assert stepped.poller.waits[-1] == LONGEST_WAIT


def test_nan_is_no_time_to_wait(stepped: Stepped) -> None:
    with pytest.raises(ValueError, match="nan"):
        stepped.scheduler.call_later(float("nan"), print)


def test_it_does_not_wait_unless_it_may(stepped: Stepped) -> None:
    stepped.start(Sink())
    main = stepped.scheduler.main(canblock=False)
    for _ in range(3):
        next(main)
    assert set(stepped.poller.waits) == {0.0}


def test_it_does_not_wait_while_somebody_is_awake(stepped: Stepped) -> None:
    stepped.start(Runs(lambda self: iter([1] * 100)), Sink())
    stepped(50)
    assert set(stepped.poller.waits) <= {0.0}


@pytest.mark.parametrize("what", ["wake", "pause", "call", "stop"])
def test_what_comes_while_it_waits_ends_the_waiting(stepped: Stepped, what: str) -> None:
    scheduler, sink = stepped.scheduler, Sink()
    stepped.start(sink)
    stepped(2)
    request = {
        "wake": lambda: scheduler.wakeThread(sink),
        "pause": lambda: scheduler.pauseThread(sink),
        "call": lambda: scheduler.call_soon(lambda: None),
        "stop": scheduler.stop,
    }[what]
    stepped.poller.on_poll = request
    before = stepped.poller.wakes
    stepped()
    assert stepped.poller.wakes == before + 1


@pytest.mark.parametrize("what", ["wake", "pause", "call", "stop"])
def test_what_comes_while_it_makes_up_its_mind_to_wait_is_seen(
    stepped: Stepped, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """From another thread, between the look at the requests and the flag that says "waiting"."""
    scheduler, sink = stepped.scheduler, Sink()
    stepped.start(sink)
    stepped(2)
    request = {
        "wake": lambda: scheduler.wakeThread(sink),
        "pause": lambda: scheduler.pauseThread(sink),
        "call": lambda: scheduler.call_soon(lambda: None),
        "stop": scheduler.stop,
    }[what]
    monkeypatch.setattr(scheduler.timers, "next_due", request)
    monkeypatch.setattr(scheduler.timers, "pop_due", lambda now: None)
    stepped()
    assert stepped.poller.waits[-1] == 0.0


def test_busy_it_does_not_look_at_descriptors_in_every_cycle(
    stepped: Stepped, clock: Clock
) -> None:
    stepped.start(Runs(lambda self: iter([1] * 100)))
    stepped(50)
    assert len(stepped.poller.waits) == 1
    clock.now += 1
    stepped(2)
    assert len(stepped.poller.waits) == 2


def test_busy_it_looks_at_descriptors_now_and_then(stepped: Stepped) -> None:
    got: list[int] = []
    stepped.poller.watch(77, READ, got.append)
    stepped.start(Runs(lambda self: iter([1] * 10_000_000)))
    stepped.poller.ready = [(77, READ)]
    wait_until(lambda: stepped() or got, "a look at the descriptors", between=0)
    assert got == [READ]


# Calls.


def test_call_soon_calls_in_order_and_once(stepped: Stepped) -> None:
    said: list[int] = []
    stepped.start(Sink())
    for n in range(3):
        stepped.scheduler.call_soon(lambda n=n: said.append(n))
    stepped(3)
    assert said == [0, 1, 2]


def test_a_call_that_calls_again_lets_others_have_their_turn(stepped: Stepped) -> None:
    calls: list[int] = []

    def again() -> None:
        calls.append(1)
        stepped.scheduler.call_soon(again)

    stepped.start(Sink())
    stepped.scheduler.call_soon(again)
    stepped(5)
    assert len(calls) == 5


def test_call_last_calls_after_all_others(stepped: Stepped) -> None:
    said: list[str] = []
    stepped.start(Sink())
    stepped(2)
    stepped.scheduler.call_last(lambda: said.append("last"))
    stepped.scheduler.call_soon(lambda: said.append("soon"))
    stepped()
    assert said == ["soon", "last"]


def test_busy_it_calls_last_only_as_often_as_it_looks_at_descriptors(
    stepped: Stepped, clock: Clock
) -> None:
    calls: list[int] = []
    stepped.start(Runs(lambda self: iter([1] * 100)))
    stepped(2)
    stepped.scheduler.call_last(lambda: calls.append(1))
    stepped(40)
    assert not calls
    clock.now += 1
    stepped(2)
    assert calls == [1]


def test_call_last_calls_before_it_sleeps(scheduler: Scheduler) -> None:
    """What they ask for in their turn, too."""
    calls: list[int] = []

    def last() -> None:
        calls.append(1)
        scheduler.call_last(last if len(calls) < 3 else scheduler.stop)

    Sink().activate()
    scheduler.call_last(last)
    run(scheduler)
    assert len(calls) == 3


def test_a_call_last_that_fails_is_logged(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    stepped.start(Sink())
    stepped.scheduler.call_last(lambda: 1 / 0)
    stepped.scheduler.call_last(lambda: said.append("next"))
    stepped()
    assert said == ["next"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_call_soon_from_many_threads(scheduler: Scheduler) -> None:
    calls: list[int] = []
    here = threading.get_ident()

    def called() -> None:
        assert threading.get_ident() == here
        calls.append(1)
        if len(calls) == 8 * 500:
            scheduler.stop()

    def give() -> None:
        for _ in range(500):
            scheduler.call_soon(called)

    Sink().activate()
    threads = [threading.Thread(target=give) for _ in range(8)]
    for thread in threads:
        thread.start()
    run(scheduler)
    for thread in threads:
        thread.join()
    assert len(calls) == 8 * 500


def test_timers_ring_in_order_and_cancelled_ones_do_not(stepped: Stepped, clock: Clock) -> None:
    said: list[int] = []
    stepped.start(Sink())
    for n in (3, 1, 2):
        stepped.scheduler.call_later(n, lambda n=n: said.append(n))
    for _ in range(5000):
        stepped.scheduler.call_later(1, lambda: said.append(99)).cancel()
    for now in (0.9, 1.0, 1.1, 3.0):
        clock.now = now
        stepped(3)
        assert said == list(range(1, int(now) + 1))


def test_a_call_that_fails_is_logged_and_the_next_one_is_made(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    def fails() -> None:
        raise KeyError("callback")

    stepped.start(Sink())
    stepped.scheduler.call_soon(fails)
    stepped.scheduler.call_soon(lambda: said.append("soon"))
    stepped.scheduler.call_later(0, fails)
    stepped.scheduler.call_later(0, lambda: said.append("later"))
    stepped.poller.watch(5, READ, lambda events: fails())
    stepped.poller.watch(6, READ, lambda events: said.append("ready"))
    stepped.poller.ready = [(5, READ), (6, READ), (7, READ)]
    stepped(3)
    assert sorted(said) == ["later", "ready", "soon"]
    assert [record.exc_info is not None for record in failures(caplog)] == [True] * 3


def test_a_callback_that_is_a_components_method_fails_that_component(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(Sink):
        def ready(self, events: int) -> None:
            raise KeyError("mine")

    part, partner = Fails(), Sink()
    part.link((part, "signal"), (partner, "control"))
    stepped.start(part, partner)
    stepped.poller.watch(5, READ, part.ready)
    stepped(2)
    stepped.poller.ready = [(5, READ)]
    stepped.finish()
    assert [type(message) for message in partner.told] == [shutdownMicroprocess]
    assert part.name in failures(caplog)[0].getMessage()


# What may be yielded.


def test_new_components_are_activated(scheduler: Scheduler) -> None:
    ran: list[str] = []

    def child(self: Runs) -> Iterator[int]:
        ran.append("child")
        yield 1

    def main(self: Runs) -> Iterator[Any]:
        yield newComponent(Runs(child), Runs(child))

    Runs(main).activate()
    run(scheduler)
    assert ran == ["child", "child"]


def test_what_is_no_component_is_refused_where_it_was_yielded(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    caught: list[BaseException] = []

    def main(self: Runs) -> Iterator[Any]:
        for wrong in (newComponent(7), WaitComplete(7)):  # type: ignore[arg-type]
            try:
                yield wrong
            except (AttributeError, TypeError) as error:
                caught.append(error)
        yield 1

    Runs(main).activate()
    run(scheduler)
    assert [type(error) for error in caught] == [AttributeError, TypeError]
    assert failures(caplog) == []


@pytest.mark.parametrize("odd", ["text", 0, -1, 3.5, (), object()])
def test_other_things_may_be_yielded_and_mean_a_turn(stepped: Stepped, odd: object) -> None:
    part = Runs(lambda self: iter([odd, odd]))
    stepped.start(part)
    stepped.finish()
    assert part._isStopped()


def test_wait_complete_nested_and_with_pauses(stepped: Stepped) -> None:
    said: list[Any] = []

    def innermost(self: Runs) -> Iterator[int]:
        while not self.dataReady("inbox"):
            self.pause()
            yield 1
        said.append(self.recv("inbox"))
        self.pause()  # its last breath is not to hold those who wait

    def inner(self: Runs) -> Iterator[Any]:
        yield WaitComplete(innermost(self))
        said.append("inner")
        self.pause()

    def main(self: Runs) -> Iterator[Any]:
        yield 1
        yield WaitComplete(inner(self))
        said.append("outer")
        yield WaitComplete(iter([1, 1]))
        said.append("end")

    part = Runs(main)
    stepped.start(part)
    stepped(8)
    assert said == []
    assert stepped.scheduler.isThreadPaused(part)
    part._deliver("message", "inbox")
    stepped.finish()
    assert said == ["message", "inner", "outer", "end"]


def test_wait_complete_with_an_exception(stepped: Stepped) -> None:
    said: list[Any] = []

    def inner(self: Runs) -> Iterator[int]:
        yield 1
        raise KeyError("inner")

    def main(self: Runs) -> Iterator[Any]:
        try:
            yield WaitComplete(inner(self))
        except KeyError as error:
            said.append(error.args)
        yield 1
        said.append("goes on")

    stepped.start(Runs(main))
    stepped.finish()
    assert said == [("inner",), "goes on"]


def test_new_components_may_come_from_inside_a_wait_complete(scheduler: Scheduler) -> None:
    ran: list[str] = []

    def child(self: Runs) -> Iterator[int]:
        ran.append("child")
        yield 1

    def inner(self: Runs) -> Iterator[Any]:
        yield newComponent(Runs(child))

    Runs(lambda self: iter([WaitComplete(inner(self))])).activate()
    run(scheduler)
    assert ran == ["child"]


def test_reactivate_wakes_the_one_that_it_names(stepped: Stepped) -> None:
    sink = Sink()
    stepped.start(sink)
    stepped(2)
    sink.inboxes["control"].storage.notify = lambda: None  # nothing else is to wake it
    sink._deliver("told", "control")
    stepped(2)
    assert stepped.scheduler.isThreadPaused(sink)
    stepped.start(microprocess(iter([1]), reactivate(sink)))  # type: ignore[call-arg]
    stepped.finish()
    assert sink.told == ["told"]


def test_a_microprocess_can_take_others_with_it(stepped: Stepped) -> None:
    sinks = [Sink() for _ in range(3)]
    stepped.start(*sinks)
    stepped(2)
    last = microprocess(iter([1]), shutdownMicroprocess(*sinks))  # type: ignore[call-arg]
    stepped.start(last)
    stepped.finish()
    assert all(sink._isStopped() for sink in sinks)


# Holding.


def endless(self: Runs) -> Iterator[int]:
    n = 0
    while True:
        self.send(n, "outbox")
        n += 1
        yield 1


def test_who_is_held_has_no_turn_until_it_is_released(stepped: Stepped) -> None:
    source, sink = Runs(endless), Sink()
    source.link((source, "outbox"), (sink, "inbox"))
    stepped.start(source, sink)
    stepped(4)
    stepped.scheduler.hold(source)
    stepped(2)
    got = len(sink.got)
    for wake in (source.unpause, sink.unpause):
        wake()
        stepped(3)
    assert len(sink.got) == got
    assert not stepped.scheduler.isThreadPaused(source)
    stepped.scheduler.release(source)
    stepped(5)
    assert len(sink.got) > got
    assert sink.got == list(range(len(sink.got)))


def test_all_held_is_idle(stepped: Stepped) -> None:
    source = Runs(endless)
    stepped.start(source)
    stepped(2)
    stepped.scheduler.hold(source)
    stepped(2)
    assert stepped.poller.waits[-1] is None


def test_holding_and_releasing_in_one_cycle_changes_nothing(stepped: Stepped) -> None:
    turns: list[int] = []

    def main(self: Runs) -> Iterator[int]:
        for n in range(10):
            turns.append(n)
            yield 1

    part = Runs(main)
    stepped.start(part)
    stepped()
    stepped.scheduler.hold(part)
    stepped.scheduler.release(part)
    stepped(3)
    assert turns == [0, 1, 2]


def test_a_wake_while_it_is_held_is_kept(stepped: Stepped) -> None:
    sink = Sink()
    stepped.start(sink)
    stepped(2)
    stepped.scheduler.hold(sink)
    sink._deliver("message", "inbox")
    stepped(3)
    assert sink.got == []
    stepped.scheduler.release(sink)
    stepped(3)
    assert sink.got == ["message"]


def test_who_is_held_can_fail(stepped: Stepped) -> None:
    source = Runs(endless)
    stepped.start(source)
    stepped(2)
    stepped.scheduler.hold(source)
    stepped(2)
    stepped.scheduler.fail(source, KeyError())
    stepped.finish()
    assert source._isStopped()


def test_who_is_not_known_cannot_be_held(stepped: Stepped) -> None:
    part = Runs(lambda self: iter([1]))
    stepped.scheduler.hold(part)
    stepped.scheduler.release(part)
    stepped.start(part)
    stepped.finish()
    assert part._isStopped()


# Failures.


def test_a_thousand_that_raise_among_a_thousand_that_work(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[int] = []

    def works(n: int) -> Any:
        def main(self: Runs) -> Iterator[int]:
            for _ in range(n % 7):
                yield 1
            finished.append(n)

        return main

    def fails(n: int) -> Any:
        def main(self: Runs) -> Iterator[int]:
            for _ in range(n % 5):
                yield 1
            raise [ValueError, RuntimeError, KeyError, AssertionError][n % 4](f"number {n}")

        return main

    bad, partners = [Runs(fails(n)) for n in range(1000)], [Sink() for _ in range(1000)]
    for part, partner in zip(bad, partners, strict=True):
        part.link((part, "signal"), (partner, "control"))
    good = [Runs(works(n)) for n in range(1000)]
    for trio in zip(bad, good, partners, strict=True):
        stepped.start(*trio)
    stepped.finish()
    assert sorted(finished) == list(range(1000))
    for part, partner in zip(bad, partners, strict=True):
        (message,) = partner.told
        assert isinstance(message, shutdownMicroprocess)
        assert message.microprocesses() == (part,)
    records = failures(caplog)
    assert len(records) == 1000
    assert {record.getMessage() for record in records} == {
        f"component {part.name} failed and was closed down" for part in bad
    }
    assert all(record.exc_info and record.exc_info[2] is not None for record in records)


@pytest.mark.parametrize(
    "error", [RuntimeError, RecursionError, MemoryError, GeneratorExit, asyncio.CancelledError]
)
def test_no_kind_of_error_ends_the_others(
    stepped: Stepped, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def main(self: Runs) -> Iterator[int]:
        yield 1
        raise error("odd")

    worker = Runs(lambda self: iter([1] * 5))
    stepped.start(Runs(main), worker)
    stepped.finish()
    assert worker._isStopped()
    assert len(failures(caplog)) == 1


def test_a_main_without_yield_fails_alone(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Runs(lambda self: iter([1] * 5))
    stepped.start(Runs(lambda self: None), worker)  # type: ignore[arg-type, return-value]
    stepped.finish()
    assert worker._isStopped()
    assert "has it no yield in it" in str(failures(caplog)[0].exc_info[1])  # type: ignore[index]


def test_a_stop_iteration_that_escapes_is_an_end(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    """Before PEP 479 it was how a generator around another one ended; Axon takes it so, too."""

    def main(self: Runs) -> Iterator[int]:
        yield 1
        next(iter(()))

    stepped.start(Runs(main))
    stepped.finish()
    assert failures(caplog) == []


def test_a_partner_whose_box_is_full_does_not_matter(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    def main(self: Runs) -> Iterator[int]:
        yield 1
        raise KeyError

    part, partner = Runs(main), Sink()
    part.link((part, "signal"), (partner, "control"))
    partner.setInboxSize("control", 1)
    partner.inboxes["control"].storage.notify = lambda: None
    stepped.start(part)
    partner._deliver("full", "control")
    stepped.finish()
    assert len(failures(caplog)) == 1


def test_a_generator_that_refuses_to_end_is_left(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    refuse = [True]

    def main(self: Runs) -> Iterator[int]:
        while refuse:
            try:
                yield 1
            except GeneratorExit:
                continue

    part, worker = Runs(main), Runs(lambda self: iter([1] * 9))
    stepped.start(part, worker)
    stepped(3)
    part.stop()
    stepped.finish()
    refuse.clear()  # so that it does not refuse the collector
    assert worker._isStopped()
    assert [record.getMessage() for record in failures(caplog)] == [
        f"component {part.name}: its generator's end failed"
    ]


@pytest.mark.parametrize("where", ["finally", "stop", "_closeDownMicroprocess", "callback"])
def test_a_failure_while_it_is_closed_down_is_contained(
    stepped: Stepped, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    class Part(component):
        def main(self) -> Iterator[int]:
            try:
                yield 1
                yield 1
            finally:
                if where == "finally":
                    raise KeyError(where)

        def stop(self) -> None:
            super().stop()
            if where == "stop":
                raise KeyError(where)

        def _closeDownMicroprocess(self) -> object:
            if where == "_closeDownMicroprocess":
                raise KeyError(where)
            return super()._closeDownMicroprocess()

    def callback() -> None:
        raise KeyError(where)

    part, worker = Part(), Runs(lambda self: iter([1] * 9))
    if where == "callback":
        part._callOnCloseDown.append(callback)
    stepped.start(part, worker)
    stepped.finish()
    assert worker._isStopped()
    assert part not in stepped.scheduler.listAllThreads()
    assert len(failures(caplog)) == 1


def test_the_parent_is_woken_when_a_child_fails(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Runs) -> Iterator[int]:
        yield 1
        yield 1
        raise KeyError

    child = Runs(fails)

    def main(self: Runs) -> Iterator[int]:
        self.addChildren(child)
        while not child._isStopped():
            self.pause()
            yield 1

    stepped.start(Runs(main), child)
    stepped.finish()
    assert len(failures(caplog)) == 1


# Ends.


def test_stop_from_another_thread_while_it_sleeps(scheduler: Scheduler) -> None:
    sinks = [Sink().activate() for _ in range(3)]
    thread = threading.Timer(0.01, scheduler.stop)
    thread.start()
    run(scheduler)
    thread.join()
    assert all(sink._isStopped() for sink in sinks)
    assert scheduler.listAllThreads() == []


def test_stop_from_inside_gives_nobody_another_turn(scheduler: Scheduler) -> None:
    turns: list[str] = []
    ended: list[str] = []

    def main(self: Runs) -> Iterator[int]:
        try:
            while True:
                turns.append("turn")
                if len(turns) == 10:
                    scheduler.stop()
                yield 1
        finally:
            ended.append("end")

    for _ in range(3):
        Runs(main).activate()
    run(scheduler)
    assert len(turns) in (10, 11, 12)  # the cycle is gone through
    assert len(ended) == 3


def test_after_a_stop_it_can_be_used_again(scheduler: Scheduler) -> None:
    Sink().activate()
    scheduler.call_later(0, scheduler.stop)
    run(scheduler)
    part = Runs(lambda self: iter([1])).activate()
    run(scheduler)
    assert part._isStopped()


@pytest.mark.parametrize("when", ["in the cycle", "after it"])
def test_stop_ends_what_was_activated_a_moment_ago(scheduler: Scheduler, when: str) -> None:
    class Late(Sink):
        stopped = 0

        def stop(self) -> None:
            self.stopped += 1
            super().stop()

    late = Late()

    def stop() -> None:
        scheduler.stop()
        late.activate()

    Sink().activate()
    (scheduler.call_soon if when == "in the cycle" else partial(scheduler.call_later, 0))(stop)
    run(scheduler)
    assert late.stopped == 1


def test_after_a_stop_nothing_is_called_any_more(scheduler: Scheduler) -> None:
    called: list[str] = []

    def stop() -> None:
        scheduler.stop()
        scheduler.call_soon(lambda: called.append("soon"))
        scheduler.call_later(0, lambda: called.append("later"))

    Sink().activate()
    scheduler.call_soon(stop)
    run(scheduler)
    Runs(lambda self: iter([1] * 1000)).activate()
    run(scheduler)
    assert called == []


def test_stop_goes_on_when_one_fails_to_end(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[int] = []

    def body(n: int) -> Any:
        def main(self: Runs) -> Iterator[int]:
            try:
                while True:
                    yield 1
            finally:
                ended.append(n)
                raise KeyError(n)

        return main

    for n in range(3):
        Runs(body(n)).activate()
    after_cycles(scheduler, 5, scheduler.stop)
    run(scheduler)
    assert ended == [0, 1, 2]
    assert len(failures(caplog)) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_leaves_a_whole_run_queue(
    scheduler: Scheduler, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    finished: list[int] = []

    def body(n: int) -> Any:
        def main(self: Runs) -> Iterator[int]:
            for turn in range(3):
                if (n, turn) == (50, 1):
                    raise error
                yield 1
            finished.append(n)

        return main

    for n in range(100):
        Runs(body(n)).activate()
    with pytest.raises(error):
        scheduler.runThreads()
    assert len(scheduler.listAllThreads()) == 99
    run(scheduler)
    assert sorted(finished) == [n for n in range(100) if n != 50]
    assert failures(caplog) == []


@pytest.mark.parametrize("where", ["call", "timer", "descriptor"])
def test_ctrl_c_in_a_callback_leaves_too(stepped: Stepped, where: str) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    stepped.start(Sink())
    stepped(2)
    if where == "call":
        stepped.scheduler.call_soon(interrupt)
    elif where == "timer":
        stepped.scheduler.call_later(0, interrupt)
    else:
        stepped.poller.watch(5, READ, interrupt)
        stepped.poller.ready = [(5, READ)]
    with pytest.raises(KeyboardInterrupt):
        stepped(2)
    assert len(stepped.scheduler.listAllThreads()) == 1


# Stock components with threads.


class Doubles(threadedcomponent):
    def main(self) -> None:
        while not self.dataReady("control"):
            self.double()
            if not self.anyReady():
                self.pause()
        self.double()  # what came between the two looks
        self.send(self.recv("control"), "signal")

    def double(self) -> None:
        while self.dataReady("inbox"):
            self.send(self.recv("inbox") * 2, "outbox")


def feed(*messages: object) -> Runs:
    def main(self: Runs) -> Iterator[int]:
        for message in messages:
            self.send(message, "outbox")
            yield 1
        self.send(producerFinished(self), "signal")

    return Runs(main)


def chain(*parts: component) -> None:
    for source, sink in itertools.pairwise(parts):
        parts[-1].link((source, "outbox"), (sink, "inbox"))
        parts[-1].link((source, "signal"), (sink, "control"))


def test_threaded_components_run_unchanged(scheduler: Scheduler) -> None:
    sinks = [Sink() for _ in range(5)]
    for sink in sinks:
        parts = (feed(*range(100)), Doubles(), sink)
        chain(*parts)
        for part in parts:
            part.activate()
    run(scheduler)
    for sink in sinks:
        assert sink.got == [2 * n for n in range(100)]
        assert isinstance(sink.told[0], producerFinished)


def test_threaded_components_that_end_at_once_do_not_hang(scheduler: Scheduler) -> None:
    class Short(threadedcomponent):
        def main(self) -> None:
            self.send("done", "outbox")
            self.send(producerFinished(), "signal")

    sinks = []
    for _ in range(100):
        short, sink = Short(), Sink()
        chain(short, sink)
        short.activate()
        sink.activate()
        sinks.append(sink)
    run(scheduler)
    assert [sink.got for sink in sinks] == [["done"]] * 100


def test_a_thread_may_take_its_time_to_die(scheduler: Scheduler) -> None:
    """It wakes its component before it is dead, for the last time."""

    class Lingers(threadedcomponent):
        def main(self) -> None:
            self.send(producerFinished(), "signal")

        def _threadmain(self) -> None:
            super()._threadmain()
            threading.Event().wait(0.01)

    lingers, sink = Lingers(), Sink()
    chain(lingers, sink)
    lingers.activate()
    sink.activate()
    run(scheduler, seconds=5)
    assert lingers._isStopped()


def test_a_threaded_component_that_fails_is_reported(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(threadedcomponent):
        def main(self) -> None:
            raise KeyError("in the thread")

    part, sink = Fails(), Sink()
    chain(part, sink)
    part.activate()
    sink.activate()
    run(scheduler)
    assert isinstance(sink.told[0], shutdownMicroprocess)
    assert part.name in failures(caplog)[0].getMessage()


def test_threaded_adaptive_components_make_boxes_and_links(scheduler: Scheduler) -> None:
    sink = Sink()

    class Adapts(threadedadaptivecommscomponent):
        def main(self) -> None:
            box = self.addOutbox("extra")
            link = self.link((self, box), (sink, "inbox"))
            for n in range(10):
                self.send(n, box)
            self.sync()
            self.unlink(thelinkage=link)
            self.deleteOutbox(box)
            inbox = self.addInbox("more")
            self.deleteInbox(inbox)
            self.send(producerFinished(), "signal")

    part = Adapts()
    part.activate()
    # A threaded component's own link() is the thread's business here.
    sink.link((part, "signal"), (sink, "control"))
    sink.activate()
    run(scheduler)
    assert sink.got == list(range(10))


def test_adaptive_components_run_unchanged(scheduler: Scheduler) -> None:
    sink = Sink()

    class Adapts(AdaptiveCommsComponent):
        def main(self) -> Iterator[int]:
            box = self.addOutbox("extra")
            link = self.link((self, box), (sink, "inbox"))
            self.send("adapted", box)
            yield 1
            self.unlink(thelinkage=link)
            self.deleteOutbox(box)
            self.send(producerFinished(), "signal")

    part = Adapts()
    part.link((part, "signal"), (sink, "control"))
    part.activate()
    sink.activate()
    run(scheduler)
    assert sink.got == ["adapted"]


# Stock Kamaelia.


def test_pipeline_graphline_and_backplane(scheduler: Scheduler) -> None:
    from Kamaelia.Chassis.Graphline import Graphline
    from Kamaelia.Chassis.Pipeline import Pipeline
    from Kamaelia.Util.Backplane import Backplane, PublishTo, SubscribeTo
    from Kamaelia.Util.PureTransformer import PureTransformer

    heard: list[object] = []

    class Hears(component):
        def main(self) -> Iterator[int]:
            while True:
                while self.dataReady("inbox"):
                    heard.append(self.recv("inbox"))
                    if len(heard) == 3:
                        scheduler.stop()
                self.pause()
                yield 1

    def says(self: Runs) -> Iterator[int]:
        for n in range(3):
            yield from sleep(0.001)  # type: ignore[misc]
            self.send(n, "outbox")

    Backplane("news").activate()
    Pipeline(SubscribeTo("news"), Hears()).activate()
    Graphline(
        SOURCE=Runs(says),
        MIDDLE=PureTransformer(lambda n: n + 1),
        SINK=Pipeline(PureTransformer(str), PublishTo("news")),
        linkages={
            ("SOURCE", "outbox"): ("MIDDLE", "inbox"),
            ("MIDDLE", "outbox"): ("SINK", "inbox"),
        },
    ).activate()
    run(scheduler)
    assert heard == ["1", "2", "3"]


def test_chargen_stops_when_its_sink_is_full(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    """A stock producer that looks at nothing fails by noSpaceInBox, and alone."""
    from Kamaelia.Util.Chargen import Chargen

    chargen, sink = Chargen(), Sink()
    sink.setInboxSize("inbox", 5)
    chain(chargen, sink)
    chargen.activate()
    run(scheduler)
    assert len(sink.inboxes["inbox"]) == 5
    (record,) = failures(caplog)
    assert record.exc_info is not None and record.exc_info[0] is noSpaceInBox


def test_introspector_sees_everybody(scheduler: Scheduler) -> None:
    from Axon.Introspector import Introspector

    seen: list[Any] = []
    part = Introspector()

    def main(self: Runs) -> Iterator[int]:
        while not self.dataReady("inbox"):
            self.pause()
            yield 1
        seen.append(self.recv("inbox"))
        scheduler.stop()

    listener = Runs(main)
    chain(part, listener)
    part.activate()
    listener.activate()
    run(scheduler)
    assert seen


def test_axons_background_runs_it_in_a_thread() -> None:
    """Its thread ends with the last component, as on Axon's own scheduler: whoever activates
    nothing but Handles now and then keeps one component that does not end."""
    printed = in_new_python(
        """
        import queue, sys, time, warnings
        warnings.simplefilter("ignore")
        import kroute
        from Axon.background import background
        from Axon.Component import component
        from Axon.Handle import Handle
        from kroute.scheduler import get_scheduler

        class Echo(component):
            def main(self):
                while not self.dataReady("control"):
                    while self.dataReady("inbox"):
                        self.send(self.recv("inbox") + 1, "outbox")
                    self.pause()
                    yield 1

        thread = background()
        thread.start()
        time.sleep(0.01)  # it waits for its first component
        assert thread.is_alive()
        handle = Handle(Echo()).activate()
        for n in range(3):
            handle.put(n, "inbox")
            while True:
                try:
                    print(handle.get("outbox"))
                    break
                except queue.Empty:
                    time.sleep(0.001)
        handle.put("end", "control")
        thread.join()
        print("ended")
        """
    )
    assert printed.split()[-4:] == ["1", "2", "3", "ended"]


def test_a_component_knows_its_scheduler_from_its_first_turn(scheduler: Scheduler) -> None:
    """Axon tells it only after it has asked for that turn; another thread may be that late."""
    seen: list[object] = []

    def main(self: Runs) -> Iterator[int]:
        seen.append(self.scheduler)
        yield 1

    part = Runs(main)
    activated = part.activate
    part.scheduler = None  # type: ignore[assignment]
    activated(Scheduler=scheduler)
    part.scheduler = None  # type: ignore[assignment]
    run(scheduler)
    assert seen == [scheduler]
