"""`Task`: how a microprocess is stepped, whatever it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.Microprocess import microprocess

from kroute.scheduler import Scheduler
from kroute.scheduler.task import Task

from .helpers import FakePoller, Runs


def steps(task: Task) -> list[Any]:
    seen = []
    while True:
        try:
            seen.append(task.step())
        except StopIteration:
            return seen


def task_of(part: microprocess, **argd: Any) -> Task:
    part.activate(Scheduler=Scheduler(FakePoller()), **argd)
    return Task(part)


def test_main_is_stepped_directly() -> None:
    assert steps(task_of(Runs(lambda self: iter([1, "two", 3])))) == [1, "two", 3]


def test_main_is_called_in_the_first_step_and_not_before() -> None:
    called = []

    def body(self: Runs) -> Iterator[int]:
        called.append(self)
        yield 1

    task = task_of(Runs(body))
    assert called == []
    task.step()
    assert called == [task.mprocess]


def test_another_main_method_can_be_named() -> None:
    class Two(component):
        def other(self) -> Iterator[str]:
            yield "other"

    assert steps(task_of(Two(), mainmethod="other")) == ["other"]


def test_a_generator_can_be_given_to_a_microprocess() -> None:
    assert steps(task_of(microprocess(iter(["given"])))) == ["given"]  # type: ignore[call-arg]


def test_who_overrides_next_is_stepped_by_it() -> None:
    class Counts(microprocess):
        count = 0

        def next(self) -> int:
            self.count += 1
            if self.count > 3:
                raise StopIteration
            return self.count

    assert steps(task_of(Counts())) == [1, 2, 3]


def test_who_overrides_is_stopped_is_asked() -> None:
    class Tired(component):
        def _isStopped(self) -> bool:
            return True

        def main(self) -> Iterator[int]:
            raise AssertionError("it is not to run")
            yield

    # Axon's own wrapper looks before each step, and gives None instead.
    assert steps(task_of(Tired())) == [None]


def test_axons_default_main_calls_its_three_methods() -> None:
    class Old(component):
        left = 3

        def initialiseComponent(self) -> str:
            return "begin"

        def mainBody(self) -> int:
            self.left -= 1
            return self.left

        def closeDownComponent(self) -> str:
            return "end"

    assert steps(task_of(Old())) == ["begin", 2, 1, "end"]


def test_a_main_without_yield_is_named() -> None:
    class Plain(component):
        def main(self) -> Any:
            return 7

    with pytest.raises(TypeError, match=r"main\(\) of .*Plain.* gave 7, not a generator"):
        task_of(Plain()).step()


def test_what_was_never_activated_is_named() -> None:
    with pytest.raises(TypeError, match=r"Runs.* has no generator to run; was it activated"):
        Task(Runs(lambda self: iter([1]))).step()


def test_a_microprocess_that_has_a_close_method_of_its_own_keeps_it() -> None:
    class File(microprocess):
        closed = False

        def next(self) -> int:
            return 1

        def close(self) -> None:
            self.closed = True

    part = File()
    task = task_of(part)
    task.step()
    task.close()
    assert not part.closed
