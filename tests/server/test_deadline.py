"""Deadline: moved all the time, reached when nobody moves it."""

from __future__ import annotations

from kroute.server.deadline import Deadline

from .harness import World


def test_is_reached_in_its_time_and_once(world: World) -> None:
    reached: list[int] = []
    deadline = Deadline(world.scheduler, lambda: reached.append(1))
    deadline.set(5)
    world.elapse(4.9)
    assert reached == []
    world.elapse(6)
    assert reached == [1]
    world.elapse()
    assert reached == [1]
    assert not world.scheduler.timers


def test_moving_it_costs_no_timer(world: World) -> None:
    reached: list[int] = []
    deadline = Deadline(world.scheduler, lambda: reached.append(1))
    for _ in range(1000):
        deadline.set(5)
    assert len(world.scheduler.timers) == 1
    deadline.set(50)
    world.elapse(49)
    assert reached == []
    world.elapse(51)
    assert reached == [1]


def test_it_can_be_moved_nearer(world: World) -> None:
    reached: list[int] = []
    deadline = Deadline(world.scheduler, lambda: reached.append(1))
    deadline.set(50)
    deadline.set(5)
    assert len(world.scheduler.timers) == 1
    world.elapse(6)
    assert reached == [1]


def test_cleared_it_is_not_reached_and_can_be_set_again(world: World) -> None:
    reached: list[int] = []
    deadline = Deadline(world.scheduler, lambda: reached.append(1))
    deadline.set(5)
    deadline.clear()
    world.elapse()
    assert reached == []
    deadline.set(5)
    deadline.close()
    assert not world.scheduler.timers


def test_thousands_are_due_together(world: World) -> None:
    deadlines = [Deadline(world.scheduler, lambda: None) for _ in range(1000)]
    for deadline in deadlines:
        deadline.set(5)
    times = {entry[0] for entry in world.scheduler.timers._heap}
    assert len(times) <= 2  # the second may end while they are set
