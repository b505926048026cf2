"""`ReactiveComponent`: acts when a message arrives, in the sender's time slice."""

from __future__ import annotations

import itertools

import Axon.Component
import Axon.Scheduler
import pytest
from Axon.AxonExceptions import noSpaceInBox
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Axon.Microprocess import microprocess

from kroute.scheduler import Link, ReactiveComponent, Scheduler

from .helpers import Runs, Sink, Stepped, after_cycles, run


class Passes(ReactiveComponent):
    """Sends on what comes; ends with "control"."""

    def __init__(self) -> None:
        super().__init__()
        self.life: list[str] = []

    def on_start(self) -> None:
        self.life.append("start")

    def on_end(self) -> None:
        self.life.append("end")

    def react(self) -> None:
        self.life.append("react")
        while self.dataReady("inbox"):
            self.send(self.recv("inbox"), "outbox")
        if self.dataReady("control"):
            self.send(self.recv("control"), "signal")
            self.finish()


def chained(stepped: Stepped, *parts: component) -> None:
    for source, sink in itertools.pairwise(parts):
        sink.link((source, "outbox"), (sink, "inbox"))
        sink.link((source, "signal"), (sink, "control"))
    stepped.start(*parts)
    stepped(2)


def test_its_life(stepped: Stepped) -> None:
    part = Passes()
    chained(stepped, part)
    assert part.life == ["start", "react"]
    assert stepped.scheduler.isThreadPaused(part)
    part._deliver(producerFinished(), "control")
    assert part.life == ["start", "react", "react"]
    stepped.finish()
    assert part.life == ["start", "react", "react", "end"]
    assert part.home is stepped.scheduler


def test_a_message_goes_through_a_chain_in_one_go(stepped: Stepped) -> None:
    parts, sink = [Passes() for _ in range(10)], Sink()
    chained(stepped, *parts, sink)
    parts[0]._deliver("message", "inbox")
    assert sink.inboxes["inbox"] is not None
    assert list(sink.inboxes["inbox"].storage) == ["message"]
    stepped(2)
    assert sink.got == ["message"]


def test_what_came_before_its_first_time_slice_is_found_in_it(stepped: Stepped) -> None:
    part, sink = Passes(), Sink()
    part._deliver("early", "inbox")
    assert part.life == []
    chained(stepped, part, sink)
    stepped(2)
    assert sink.got == ["early"]


def test_what_arrives_while_it_reacts_makes_it_react_again(stepped: Stepped) -> None:
    """Two that answer each other: neither is entered twice, and nothing is left lying."""

    class Counts(ReactiveComponent):
        depth = deepest = 0

        def react(self) -> None:
            self.depth += 1
            self.deepest = max(self.depth, self.deepest)
            if self.dataReady("inbox"):  # one only: the next one is for the next call
                n = self.recv("inbox")
                if n:
                    self.send(n - 1, "outbox")
            self.depth -= 1

    one, two = Counts(), Counts()
    one.link((two, "outbox"), (one, "inbox"))
    chained(stepped, one, two)
    one._deliver(1001, "inbox")
    assert (one.anyReady(), two.anyReady()) == (False, False)
    assert (one.deepest, two.deepest) == (1, 1)


def test_messages_may_be_taken_at_once(stepped: Stepped) -> None:
    """And from within one another; what has to wait is kept, as in any inbox of that size."""

    class Takes(Passes):
        def __init__(self) -> None:
            super().__init__()
            self.taken: list[int] = []
            self.kept = self.take_at_once("inbox", self.take)

        def take(self, message: int) -> None:
            if self._reacting or self._finished:
                self.kept.keep(message)
                return
            if message < 4:
                self._deliver(message + 1)
            self.taken.append(message)

    source, part, sink = Sink(), Takes(), Sink()
    chained_by_hand = [((source, "outbox"), (part, "inbox")), ((part, "outbox"), (sink, "inbox"))]
    for begin, end in chained_by_hand:
        source.link(begin, end)
    source.send(0, "outbox")
    assert len(part.inboxes["inbox"]) == 1
    stepped.start(source, part, sink)
    stepped(3)
    assert (part.taken, sink.got) == ([], [0])  # by `react`
    source.send(2, "outbox")
    assert part.taken == [4, 3, 2]
    assert not part.dataReady("inbox")
    part.finish()
    source.send(5, "outbox")
    assert part.taken == [4, 3, 2]
    assert part.dataReady("inbox")
    part.setInboxSize("inbox", 1)
    with pytest.raises(noSpaceInBox):
        source.send(6, "outbox")


def test_what_it_leaves_in_its_inbox_does_not_make_it_spin(stepped: Stepped) -> None:
    class Leaves(ReactiveComponent):
        calls = 0

        def react(self) -> None:
            self.calls += 1

    part = Leaves()
    chained(stepped, part)
    for _ in range(3):
        part._deliver("left", "inbox")
    stepped(5)
    assert part.calls == 4  # the first time slice's, and one for each
    assert stepped.poller.waits[-1] is None


def test_it_has_no_turn_when_its_messages_are_collected(
    stepped: Stepped, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, sink = Passes(), Sink()
    chained(stepped, part, sink)
    woken: list[object] = []
    wake = stepped.scheduler.wakeThread

    def watched(mprocess: microprocess, canActivate: bool = False) -> None:
        woken.append(mprocess)
        wake(mprocess, canActivate)

    monkeypatch.setattr(stepped.scheduler, "wakeThread", watched)
    part._deliver("message", "inbox")
    stepped(3)
    assert (sink.got, woken) == (["message"], [sink])


@pytest.mark.parametrize("where", ["on_start", "react", "on_end"])
def test_a_failure_closes_it_down_and_never_reaches_the_sender(
    stepped: Stepped, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    class Fails(Passes):
        pass

    def fail(self: Passes) -> None:
        self.life.append("fail")
        raise KeyError(where)

    setattr(Fails, where, fail)
    sent: list[str] = []

    def sender(self: Runs) -> object:
        for _ in range(5):
            yield 1
        self.send("message", "outbox")
        self.send(producerFinished(), "signal")
        sent.append("both")

    source, part, sink = Runs(sender), Fails(), Sink()  # type: ignore[arg-type]
    chained(stepped, source, part, sink)
    stepped.finish()
    assert sent == ["both"]
    assert part.life.count("fail") == 1
    assert part.life[-1] == ("fail" if where == "on_end" else "end")
    assert isinstance(sink.told[-1], shutdownMicroprocess) or where == "on_end"
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert part.name in record.getMessage()
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == repr(where)


def test_after_a_failure_it_does_not_react(
    stepped: Stepped, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(Passes):
        def react(self) -> None:
            super().react()
            if len(self.life) > 3:
                raise KeyError

    part = Fails()
    chained(stepped, part)
    for _ in range(5):
        part._deliver("message", "inbox")
    stepped.finish()
    assert part.life == ["start", "react", "react", "react", "end"]
    assert len(caplog.records) == 1


def test_after_its_end_it_does_not_react(stepped: Stepped) -> None:
    part = Passes()
    chained(stepped, part)
    part._deliver(producerFinished(), "control")
    stepped.finish()
    before = list(part.life)
    part._deliver("late", "inbox")
    assert part.life == before


def test_stop_of_the_scheduler_calls_on_end(scheduler: Scheduler) -> None:
    part = Passes().activate()
    after_cycles(scheduler, 5, scheduler.stop)
    run(scheduler)
    assert part.life == ["start", "react", "end"]


def test_axons_own_scheduler_is_refused() -> None:
    """It could not contain failures, and has no poller."""
    saved = Axon.Scheduler.scheduler.run
    own = Axon.Scheduler.scheduler()
    assert Axon.Scheduler.scheduler.run is saved
    part = Passes().activate(Scheduler=own)
    with pytest.raises(RuntimeError, match="runs on kroute's scheduler, not on"):
        next(part)
    assert part.life == []


def test_react_is_for_the_subclass() -> None:
    with pytest.raises(NotImplementedError):
        ReactiveComponent().react()


def test_it_has_what_axons_constructors_make() -> None:
    class Plain(component):
        pass

    plain, ours = Plain(), Passes()
    for name, value in vars(plain).items():
        same = (type(value), dict) if name in ("inboxes", "outboxes") else (type(value),)
        assert isinstance(getattr(ours, name), same), name
    for name in ("init", "closeDownValue", "tracker", "children", "scheduler", "_callOnCloseDown"):
        assert getattr(ours, name) == getattr(plain, name)
    assert ours.name == f"{Passes.__module__}.Passes_{ours.id}"
    assert list(ours.inboxes) == list(plain.inboxes)
    assert ours.children is ours.children
    assert str(ours).startswith(f"Component {ours.name} [ inboxes : ")


def test_what_it_is_given_by_keyword_is_its_own() -> None:
    class Given(Passes):
        def __init__(self, **argd: object) -> None:
            ReactiveComponent.__init__(self, **argd)

    part = Given(name="a name", other=1)
    assert (part.name, part.other) == ("a name", 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize("flag", ["TraceAllSends", "TraceAllRecvs"])
def test_what_it_sends_and_receives_can_be_traced(
    stepped: Stepped,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flag: str,
) -> None:
    monkeypatch.setattr(Axon.Component, flag, True)
    part = Passes()
    monkeypatch.undo()
    chained(stepped, part, Sink())
    part._deliver("message", "inbox")
    assert capsys.readouterr().out.startswith({"S": "SEND: ", "R": "RECV: "}[flag[8]])


class Linked(Passes):
    """With links that it makes itself."""

    def __init__(self, to: component) -> None:
        super().__init__()
        self.to = to
        self.link_fixed()

    def fixed_links(self) -> list[Link]:
        return [((self, "outbox"), (self.to, "inbox")), ((self, "signal"), (self.to, "control"))]


def test_fixed_links_are_as_others_are(stepped: Stepped) -> None:
    sink, also = Sink(), Sink()
    part = Linked(sink)
    stepped.start(part, sink)
    stepped(2)
    part._deliver("message", "inbox")
    stepped(2)
    assert sink.got == ["message"]
    found = [(each.sourcePair(), each.sinkPair()) for each in part.postoffice.linkages]
    assert found == part.fixed_links()
    part.unlink(thecomponent=sink)
    assert part.postoffice.linkages == []
    part.link((part, "outbox"), (also, "inbox"))
    part._deliver("another", "inbox")
    assert list(also.inboxes["inbox"].storage) == ["another"]


@pytest.mark.parametrize("looked_at", [False, True])
def test_fixed_links_end_with_their_component(stepped: Stepped, looked_at: bool) -> None:
    sink = Sink()
    part = Linked(sink)
    if looked_at:
        assert len(part.postoffice.linkages) == 2
    assert len(sink.inboxes["inbox"].sources) == 1
    stepped.start(part)
    stepped(2)
    part.finish()
    stepped.finish()
    assert sink.inboxes["inbox"].sources == sink.inboxes["control"].sources == []
    assert part.outboxes["outbox"].target is None
