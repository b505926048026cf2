"""ask: from messages alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from Axon.Component import component
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import App, NoAnswer, Question, Unavailable, ask

from ..server.harness import World


class Asker(component):
    """Asks and keeps what came of it."""

    def __init__(self, part: component, message: Any, **options: Any) -> None:
        super().__init__()
        self.got: Any = None
        self._ask = lambda: ask(part, message, **options)

    def main(self) -> Iterator[Any]:
        try:
            self.got = yield from self._ask()
        except Exception as error:
            self.got = error


@pytest.fixture
def asking(world: World) -> Callable[..., Asker]:
    def start(part: component, message: Any, **options: Any) -> Asker:
        asker = Asker(part, message, **options)
        asker.activate()
        world.settle()
        return asker

    return start


class Lazy(component):
    """Keeps what it is asked. Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def main(self) -> Iterator[int]:
        while not self.dataReady("control"):
            while self.dataReady("inbox"):
                self.asked.append(self.recv("inbox"))
            self.pause()
            yield 1


def test_a_handler_asks_a_stock_component(world: World) -> None:
    upper = PureTransformer(str.upper)
    app = App()

    @app.get("/up/{word}")
    def up(request: Any, word: str) -> Iterator[Any]:
        yield (yield from ask(upper, word))

    client = world.client(app)
    assert client.get("/up/first").text == "FIRST"
    assert client.get("/up/second").text == "SECOND"


def test_a_chassis_can_be_asked(asking: Callable[..., Asker]) -> None:
    both = Pipeline(PureTransformer(str.title), PureTransformer(str.swapcase))
    assert asking(both, "two steps").got == "tWO sTEPS"


def test_each_gets_the_answer_to_his_own_question(world: World) -> None:
    part = PureTransformer(lambda number: number * 2)
    askers = [Asker(part, number) for number in range(50)]
    for asker in askers:
        asker.activate()
    world.settle()
    assert [asker.got for asker in askers] == [number * 2 for number in range(50)]


def test_no_answer_in_time(world: World, asking: Callable[..., Asker]) -> None:
    asker = asking(Lazy(), "?", timeout=5)
    world.elapse(4)
    assert asker.got is None
    world.elapse(6)
    assert isinstance(asker.got, NoAnswer)
    assert asker.got.code == 504


def test_a_late_answer_is_not_taken_for_that_to_the_next_question(
    world: World, asking: Callable[..., Asker]
) -> None:
    part = Lazy()
    asking(part, "first", timeout=1)
    world.elapse(2)
    second = asking(part, "second", timeout=None)
    assert part.asked == ["first"]
    part.send("to the first", "outbox")
    world.settle()
    assert second.got is None and part.asked == ["first", "second"]
    part.send("to the second", "outbox")
    world.settle()
    assert second.got == "to the second"


def test_an_answer_that_never_comes_stops_the_line_only_so_long(
    world: World, asking: Callable[..., Asker]
) -> None:
    part = Lazy()
    asking(part, "first", timeout=1)
    world.elapse(1.5)
    asking(part, "second", timeout=None)
    assert part.asked == ["first"]
    world.elapse(1.5)
    assert part.asked == ["first", "second"]


def test_an_answer_that_nobody_asked_for_is_dropped(
    world: World, asking: Callable[..., Asker]
) -> None:
    part = PureTransformer(lambda number: number)
    assert asking(part, 1).got == 1
    part.send("by the way", "outbox")
    assert asking(part, 2).got == 2


def test_a_component_that_ends_answers_nobody(world: World, asking: Callable[..., Asker]) -> None:
    part = Lazy()
    askers = [asking(part, "?"), asking(part, "??")]
    part.inboxes["control"].append("end")
    world.settle()
    for asker in [*askers, asking(part, "too late")]:
        assert isinstance(asker.got, Unavailable)
        assert (asker.got.code, asker.got.headers["Retry-After"]) == (503, "1")


def test_what_it_sends_last_is_an_answer_all_the_same(asking: Callable[..., Asker]) -> None:
    class Once(component):
        def main(self) -> Iterator[int]:
            while not self.dataReady("inbox"):
                self.pause()
                yield 1
            self.send(f"once: {self.recv('inbox')}", "outbox")

    assert asking(Once(), "more?").got == "once: more?"


def test_so_many_wait_and_no_more(world: World, asking: Callable[..., Asker]) -> None:
    part = Lazy()
    askers = [asking(part, number) for number in range(102)]
    assert [type(asker.got) for asker in askers] == [type(None)] * 101 + [Unavailable]


@pytest.mark.parametrize("outbox", ["outbox", None])
def test_a_full_box(world: World, asking: Callable[..., Asker], outbox: str | None) -> None:
    part = Lazy()
    part.setInboxSize("inbox", 1)
    part.inboxes["inbox"].append("full")
    part.activate()
    part.pause()
    part.inboxes["inbox"].storage.notify = lambda: None
    world.settle()
    part.inboxes["inbox"].append("full again")
    assert isinstance(asking(part, "?", outbox=outbox).got, Unavailable)


def test_an_outbox_that_is_linked_already(world: World, asking: Callable[..., Asker]) -> None:
    part, other = Lazy(), Lazy()
    part.link((part, "outbox"), (other, "inbox"))
    got = asking(part, "?").got
    assert isinstance(got, ValueError) and "is linked to something else" in str(got)


# Components that answer to each question themselves.


def test_questions_are_answered_in_any_order(world: World, asking: Callable[..., Asker]) -> None:
    part = Lazy()
    askers = [asking(part, number, outbox=None) for number in range(3)]
    assert [each.message for each in part.asked] == [0, 1, 2]
    assert all(isinstance(each, Question) for each in part.asked)
    for question in reversed(part.asked):
        question.answer(question.message + 10)
        question.answer("a second time")
    world.settle()
    assert [asker.got for asker in askers] == [10, 11, 12]


def test_a_question_that_fails(world: World, asking: Callable[..., Asker]) -> None:
    part = Lazy()
    asker = asking(part, "?", outbox=None)
    part.asked[0].fail(KeyError("?"))
    world.settle()
    assert isinstance(asker.got, KeyError)


def test_questions_that_nobody_answers(world: World, asking: Callable[..., Asker]) -> None:
    part = Lazy()
    first = asking(part, "?", outbox=None, timeout=1)
    world.elapse(2)
    assert isinstance(first.got, NoAnswer)
    askers = [asking(part, "?", outbox=None, timeout=None) for _ in range(101)]
    assert isinstance(askers[-1].got, Unavailable)
    part.inboxes["control"].append("end")
    world.settle()
    assert {type(asker.got) for asker in askers} == {Unavailable}


def test_who_asks_may_be_closed(world: World) -> None:
    part = Lazy()
    app = App()

    @app.get("/")
    def front(request: Any) -> Iterator[Any]:
        yield (yield from ask(part, request.query_string, timeout=None))

    first, second = world.client(app), world.client(app)
    for number, client in enumerate([first, second]):
        client.wire.send(b"GET /?%d HTTP/1.1\r\nHost: x\r\n\r\n" % number, "outbox")
        world.settle()
    first.hang_up()
    part.send("to nobody", "outbox")
    world.settle()
    part.send("to the second", "outbox")
    world.settle()
    assert second.answers()[0].text == "to the second"
