"""`Coroutine` and `Waiting`: generators that wait without blocking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from Axon.Ipc import WaitComplete

from kroute.scheduler import Coroutine, Waiting

from .helpers import returning


def drive(generator: Iterator[Any]) -> list[Any]:
    """All that a generator yields, with its `WaitComplete`s obeyed."""
    coroutine, seen = Coroutine(generator), []
    while True:
        try:
            result = coroutine.step()
        except StopIteration:
            return seen
        if isinstance(result, WaitComplete):
            coroutine.wait_complete(result)
        else:
            seen.append(result)


def test_steps_are_the_generators_own() -> None:
    assert drive(iter([1, 2])) == [1, 2]
    assert drive(returning(None, "a", "b")) == ["a", "b"]


def test_the_inner_one_runs_to_its_end_and_then_the_outer_one_goes_on() -> None:
    def outer() -> Iterator[Any]:
        yield "before"
        yield WaitComplete(returning(None, "in"))
        yield "after"

    assert drive(outer()) == ["before", "in", None, "after"]


@pytest.mark.parametrize("depth", [1, 2, 50])
def test_waiting_can_be_nested(depth: int) -> None:
    def level(n: int) -> Iterator[Any]:
        yield n
        if n < depth:
            yield WaitComplete(level(n + 1))
        yield -n

    want = [*range(depth + 1), *(-n for n in range(depth, -1, -1))]
    assert [seen for seen in drive(level(0)) if seen is not None] == want


def test_a_failure_is_raised_where_the_outer_one_waits() -> None:
    def inner() -> Iterator[Any]:
        yield "in"
        raise KeyError("inner")

    def middle() -> Iterator[Any]:
        yield WaitComplete(inner())

    def outer() -> Iterator[Any]:
        try:
            yield WaitComplete(middle())
        except KeyError as error:
            yield error.args

    assert drive(outer()) == ["in", ("inner",)]


def test_a_failure_that_nobody_catches_ends_all_of_them() -> None:
    ended = []

    def inner() -> Iterator[Any]:
        yield "in"
        raise KeyError("inner")

    def outer() -> Iterator[Any]:
        try:
            yield WaitComplete(inner())
        finally:
            ended.append("outer")

    with pytest.raises(KeyError, match="inner"):
        drive(outer())
    assert ended == ["outer"]


def test_an_outer_one_may_end_by_what_it_catches() -> None:
    def inner() -> Iterator[Any]:
        raise KeyError
        yield

    def outer() -> Iterator[Any]:
        with pytest.raises(KeyError):
            yield WaitComplete(inner())

    assert drive(outer()) == []


def test_throw_raises_where_the_innermost_one_stands() -> None:
    caught = []

    def inner() -> Iterator[Any]:
        try:
            yield "in"
        except ValueError as error:
            caught.append(error)
            yield "recovered"

    def outer() -> Iterator[Any]:
        yield WaitComplete(inner())
        yield "after"

    coroutine = Coroutine(outer())
    coroutine.wait_complete(coroutine.step())
    assert coroutine.step() == "in"
    error = ValueError()
    assert coroutine.throw(error) == "recovered"
    assert (caught, coroutine.depth) == ([error], 1)
    assert coroutine.step() is None
    assert (coroutine.step(), coroutine.depth) == ("after", 0)


def test_throw_goes_through_what_is_no_generator() -> None:
    with pytest.raises(ValueError):
        Coroutine(iter([1, 2])).throw(ValueError())


@pytest.mark.parametrize("wrong", [None, 7, "text", print, [1]])
def test_wait_complete_takes_generators_only(wrong: object) -> None:
    coroutine = Coroutine(iter([1]))
    with pytest.raises(TypeError, match="takes a generator, not"):
        coroutine.wait_complete(WaitComplete(wrong))
    with pytest.raises(TypeError):
        coroutine.wait_complete(WaitComplete())
    assert (coroutine.depth, coroutine.step()) == (0, 1)


def test_close_runs_every_finally_innermost_first() -> None:
    ended = []

    def level(n: int) -> Iterator[Any]:
        try:
            if n < 2:
                yield WaitComplete(level(n + 1))
            yield n
        finally:
            ended.append(n)

    coroutine = Coroutine(outermost := level(0))  # named: the collector closes generators, too
    while isinstance(result := coroutine.step(), WaitComplete):
        coroutine.wait_complete(result)
    coroutine.close()
    assert ended == [2, 1, 0]
    coroutine.close()
    assert next(outermost, "over") == "over"


def test_close_closes_the_others_when_one_fails() -> None:
    ended = []

    def inner() -> Iterator[Any]:
        try:
            yield 1
        finally:
            raise KeyError("inner")

    def outer() -> Iterator[Any]:
        try:
            yield WaitComplete(inner())
        finally:
            ended.append("outer")

    coroutine = Coroutine(outermost := outer())
    coroutine.wait_complete(coroutine.step())
    coroutine.step()
    with pytest.raises(KeyError, match="inner"):
        coroutine.close()
    assert ended == ["outer"]
    assert next(outermost, "over") == "over"


def test_close_leaves_alone_what_is_no_generator() -> None:
    class Resource:
        closed = False

        def __next__(self) -> int:
            return 1

        def close(self) -> None:
            self.closed = True

    resource: Any = Resource()
    coroutine = Coroutine(resource)
    assert coroutine.step() == 1
    coroutine.close()
    assert not resource.closed


class Once(Waiting):
    started = 0

    def start(self) -> None:
        self.started += 1


def test_waiting_starts_once_and_resumes_the_last_who_asked() -> None:
    waiting, resumed = Once(), []
    waiting.begin(lambda: resumed.append("first"))
    waiting.begin(lambda: resumed.append("second"))
    assert (waiting.started, waiting.done) == (1, False)
    waiting.finish()
    assert (waiting.done, resumed) == (True, ["second"])


def test_a_cancelled_waiting_resumes_nobody() -> None:
    waiting, resumed = Once(), []
    waiting.begin(lambda: resumed.append("no"))
    waiting.cancel()
    waiting.finish()
    assert (waiting.done, resumed) == (True, [])


def test_waiting_says_nothing_of_what_it_waits_for() -> None:
    with pytest.raises(NotImplementedError):
        Waiting().begin(print)
