"""`Inbox` and `Outbox`: they do what Axon's boxes do, among themselves and together with those."""

from __future__ import annotations

import itertools
from typing import Any

import Axon.Box
import pytest
from Axon.AxonExceptions import BoxAlreadyLinkedToDestination, noSpaceInBox
from Axon.Box import makeInbox, makeOutbox
from hypothesis import given
from hypothesis import strategies as st

from kroute.scheduler.box import Inbox, Messages, Outbox

BOXES = 4
"""Of each direction, in a `Board`."""

Move = tuple[Any, ...]


class Board:
    """Inboxes and outboxes to link and to send through. light: which of them are ours."""

    def __init__(self, light: tuple[bool, ...]) -> None:
        self.log: list[Any] = []
        ours = itertools.cycle(light)
        self.inboxes = [self._inbox(number, next(ours)) for number in range(BOXES)]
        self.outboxes = [self._outbox(number, next(ours)) for number in range(BOXES)]
        self.links: list[tuple[Any, Any]] = []

    def _inbox(self, number: int, ours: bool) -> Any:
        def notify() -> None:
            self.log.append(("came", number))

        return Inbox(Messages(notify)) if ours else makeInbox(notify)

    def _outbox(self, number: int, ours: bool) -> Any:
        def notify() -> None:
            self.log.append(("collected", number))

        box = Outbox() if ours else makeOutbox(None)
        box.myNotifyOnPop.append(notify)
        return box

    def do(self, move: Move) -> None:
        """Make a move, and note what came of it."""
        name, *arguments = move
        try:
            result = getattr(self, name)(*arguments)
        except (IndexError, ValueError, noSpaceInBox, BoxAlreadyLinkedToDestination) as error:
            result = type(error)
        self.log.append((move, result))
        self.log.extend(
            (len(box), box.local_len(), len(box.storage), box.isFull(), box.getSize())
            for box in (*self.inboxes, *self.outboxes)
        )

    def send(self, outbox: int, message: int) -> None:
        self.outboxes[outbox].append(message)

    def deliver(self, inbox: int, message: int) -> None:
        self.inboxes[inbox].append(message)

    def collect(self, inbox: int) -> Any:
        return self.inboxes[inbox].pop(0)

    def collect_sent(self, outbox: int) -> Any:
        return self.outboxes[outbox].pop(0)

    def size(self, inbox: int, size: int | None) -> Any:
        return self.inboxes[inbox].setSize(size)

    def link(self, outbox: int, inbox: int) -> None:
        self._link(self.outboxes[outbox], self.inboxes[inbox])

    def pass_in(self, outer: int, inner: int) -> None:
        if outer < inner:  # in a circle it would go on for ever
            self._link(self.inboxes[outer], self.inboxes[inner])

    def pass_out(self, inner: int, outer: int) -> None:
        if inner < outer:
            self._link(self.outboxes[inner], self.outboxes[outer])

    def _link(self, source: Any, sink: Any) -> None:
        sink.addsource(source)
        self.links.append((source, sink))

    def unlink(self, number: int) -> None:
        source, sink = self.links.pop(number)
        sink.removesource(source)


box = st.integers(0, BOXES - 1)
moves = st.one_of(
    st.tuples(st.sampled_from(("send", "deliver")), box, st.integers()),
    st.tuples(st.sampled_from(("collect", "collect_sent")), box),
    st.tuples(st.sampled_from(("link", "link", "pass_in", "pass_out")), box, box),
    st.tuples(st.just("unlink"), st.integers(0, 2)),
    st.tuples(st.just("size"), box, st.none() | st.integers(1, 2)),
)


@given(st.lists(moves, max_size=30))
def test_they_do_what_axons_do(game: list[Move]) -> None:
    boards = [Board((False,)), Board((True,)), Board((True, False)), Board((False, False, True))]
    for move in game:
        for board in boards:
            board.do(move)
    axons, *others = boards
    for other in others:
        assert other.log == axons.log


@pytest.mark.parametrize(
    ("ours", "axons"),
    [(Inbox(Messages(print)), makeInbox(print)), (Outbox(), makeOutbox(None))],
    ids=["inbox", "outbox"],
)
def test_they_have_what_axons_have(ours: Any, axons: Any) -> None:
    assert {name for name in dir(axons) if name[0] != "_"} <= set(dir(ours))
    assert {name for name in dir(axons.storage) if name[0] != "_"} <= set(dir(ours.storage))
    for name in ("sources", "myNotifyOnPop", "target"):
        assert getattr(ours, name) == getattr(axons, name)
    for name in ("size", "wakeOnPop", "tag"):
        assert getattr(ours.storage, name) == getattr(axons.storage, name)


def test_a_list_that_was_asked_for_is_kept() -> None:
    inbox, outbox = Inbox(Messages(print)), Outbox()
    for made in (
        lambda: inbox.sources,
        lambda: inbox.storage.wakeOnPop,
        lambda: outbox.myNotifyOnPop,
        lambda: outbox.storage.wakeOnPop,
    ):
        made().append(None)
        assert made() == [None]
    assert Outbox().storage.wakeOnPop == []  # and is nobody else's


def test_what_passes_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    inbox, outbox = Inbox(Messages(lambda: None)), Outbox()
    for each in (inbox, outbox):
        each.append("unseen")
        each.setShowTransit(True, "a tag")
        each.append("seen")
        each.setShowTransit(False)
        each.append("unseen")
    delivered, discarded = capsys.readouterr().out.splitlines()
    assert delivered == "Delivery via [ a tag ] of  'seen'"
    assert discarded.startswith("Discarding Delivery via [ a tag")


def test_all_that_passes_can_be_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, outbox = Inbox(Messages(lambda: None)), Outbox()
    monkeypatch.setattr(Axon.Box, "ShowAllTransits", True)
    for each in (inbox, outbox):
        each.append("seen")
    monkeypatch.undo()
    outbox.append("unseen")
    assert capsys.readouterr().out.count("seen") == 2
