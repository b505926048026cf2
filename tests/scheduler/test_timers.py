"""`Timers`: what is to be called later, soonest first."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from kroute.scheduler import Timers


def ring(timers: Timers, now: float) -> int:
    """Call all that is due; how many calls that were."""
    calls = 0
    while (callback := timers.pop_due(now)) is not None:
        callback()
        calls += 1
    return calls


def test_nothing_is_due_when_there_is_nothing() -> None:
    timers = Timers()
    assert (timers.next_due(), timers.pop_due(1e9), len(timers)) == (None, None, 0)


def test_due_ones_come_in_order_of_time_and_then_of_adding() -> None:
    timers, said = Timers(), []
    for when, word in [(3, "c"), (1, "a"), (3, "d"), (2, "b"), (4, "later")]:
        timers.add(when, lambda word=word: said.append(word))
    assert timers.next_due() == 1
    assert ring(timers, 3) == 4
    assert said == ["a", "b", "c", "d"]
    assert (len(timers), timers.next_due()) == (1, 4)


def test_a_time_that_is_just_reached_is_due() -> None:
    timers, said = Timers(), []
    timers.add(5.0, lambda: said.append(1))
    assert ring(timers, 4.999999) == 0
    assert ring(timers, 5.0) == 1


def test_a_cancelled_timer_is_not_called() -> None:
    timers, said = Timers(), []
    timer = timers.add(1, lambda: said.append("no"))
    timers.add(2, lambda: said.append("yes"))
    timer.cancel()
    timer.cancel()
    assert (len(timers), timers.next_due()) == (1, 2)
    ring(timers, 9)
    assert said == ["yes"]


def test_a_timer_can_cancel_another_that_is_due_at_the_same_moment() -> None:
    timers, said = Timers(), []
    timers.add(1, lambda: second.cancel())
    second = timers.add(1, lambda: said.append("no"))
    ring(timers, 1)
    assert (said, len(timers)) == ([], 0)


def test_cancelling_one_that_was_called_is_harmless() -> None:
    timers = Timers()
    timer = timers.add(1, lambda: None)
    ring(timers, 1)
    timer.cancel()
    timers.add(2, lambda: None)
    assert len(timers) == 1


def test_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    keep = [timers.add(when, lambda: None) for when in range(10)]
    for when in range(100_000):
        timers.add(1000 + when, lambda: None).cancel()
    assert len(timers) == len(keep)
    assert len(timers._heap) < 200


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300),
    st.integers(0, 50),
    st.randoms(use_true_random=False),
)
def test_every_timer_is_called_once_or_was_cancelled(
    entries: list[tuple[int, bool]], now: int, chance: random.Random
) -> None:
    timers, called = Timers(), []
    made = [
        (timers.add(when, lambda n=n: called.append(n)), cancel)
        for n, (when, cancel) in enumerate(entries)
    ]
    chance.shuffle(made)
    for timer, cancel in made:
        if cancel:
            timer.cancel()
    ring(timers, now)
    left = [(when, n) for n, (when, cancel) in enumerate(entries) if not cancel]
    assert called == [n for when, n in sorted(left) if when <= now]
    assert len(timers) == sum(when > now for when, _ in left)


class Called:
    """A member of a crowd."""

    def __init__(self, again: Callable[[Called], object] = lambda _: None) -> None:
        self.second: int | None = None
        self.calls = 0
        self._again = again

    def __call__(self) -> None:
        self.second = None
        self.calls += 1
        self._again(self)


def test_a_crowd_takes_one_timer() -> None:
    timers, crowd = Timers(), [Called() for _ in range(1000)]
    for member in crowd:
        timers.join(5, member)
    assert (len(timers), timers.next_due()) == (1, 5)
    ring(timers, 4.9)
    assert sum(member.calls for member in crowd) == 0
    ring(timers, 5)
    assert [member.calls for member in crowd] == [1] * 1000
    assert (len(timers), timers.next_due()) == (0, None)


def test_who_has_left_a_crowd_is_not_called() -> None:
    timers, crowd = Timers(), [Called() for _ in range(4)]
    for member in crowd:
        timers.join(5, member)
    timers.leave(crowd[0])
    timers.leave(crowd[1])
    timers.join(3, crowd[1])  # it is called earlier, and only then
    timers.leave(crowd[2])
    timers.join(5, crowd[2])
    for now in (3, 5, 9):
        ring(timers, now)
    assert [member.calls for member in crowd] == [0, 1, 1, 1]


def test_a_crowd_ends_with_its_last_member() -> None:
    timers, one, two = Timers(), Called(), Called()
    for member in (one, two):
        timers.join(5, member)
        timers.leave(member)
        timers.leave(member)
    assert (len(timers), timers.next_due()) == (0, None)
    timers.join(5, one)
    assert (len(timers), timers.next_due()) == (1, 5)


def test_a_member_may_join_again_or_send_another_away_as_it_is_called() -> None:
    timers = Timers()
    other = Called()
    one = Called(lambda member: (timers.leave(other), timers.join(7, member)))
    timers.join(5, other)
    timers.join(5, one)  # the last one is the first to be called
    ring(timers, 5)
    assert (one.calls, other.calls, timers.next_due()) == (1, 0, 7)


def test_those_that_left_a_crowd_do_not_pile_up() -> None:
    timers, stays = Timers(), Called()
    timers.join(5, stays)
    for _ in range(10_000):
        member = Called()
        timers.join(5, member)
        timers.leave(member)
    assert len(timers._crowds[5].members) < 200
    ring(timers, 5)
    assert stays.calls == 1
