"""handle: components in the hands of a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import Axon.Scheduler
import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.Util.Chargen import Chargen
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute import handle
from kroute.handlers.handles import _Side
from kroute.scheduler import Scheduler
from tests.waiting import PATIENCE, wait_until


@pytest.fixture(autouse=True)
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    """Axon's default scheduler as long as the test runs. Nobody runs it, unless a handle does."""
    own = Scheduler()
    monkeypatch.setattr(Axon.Scheduler.scheduler, "run", own)
    yield own
    own.stop()
    wait_until(lambda: not own._running)
    own.runThreads()
    own.poller.close()


class Keeper(component):
    """Keeps what comes, one message in each time slice."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []
        self.last: Any = None

    def main(self) -> Iterator[int]:
        while True:
            if self.dataReady("inbox"):
                self.kept.append(self.recv("inbox"))
            elif self.dataReady("control"):
                self.last = self.recv("control")
                return
            else:
                self.pause()
            yield 1


class Deaf(component):
    def main(self) -> Iterator[int]:
        while True:
            self.pause()
            yield 1


def test_messages_to_and_from_a_stock_component() -> None:
    with handle(PureTransformer(str.upper)) as h:
        h.put("one")
        h.put("two")
        assert h.get(timeout=PATIENCE) == "ONE"
        assert h.get(timeout=PATIENCE) == "TWO"


def test_all_that_was_put_arrives_before_the_end(scheduler: Scheduler) -> None:
    part = Keeper()
    with handle(part) as h:
        for number in range(500):
            h.put(number)
    wait_until(lambda: not scheduler._running)
    assert part.kept == list(range(500))
    assert isinstance(part.last, producerFinished)


def test_an_exception_shuts_the_component_down(scheduler: Scheduler) -> None:
    part = Keeper()
    with pytest.raises(ZeroDivisionError), handle(part):
        raise ZeroDivisionError
    wait_until(lambda: not scheduler._running)
    assert isinstance(part.last, shutdownMicroprocess)


def test_waiting_ends_with_the_time_out() -> None:
    with handle(Deaf(), size=2) as h:
        with pytest.raises(TimeoutError, match=r"nothing came within 0\.01"):
            h.get(timeout=0.01)
        for number in range(2 + 4):  # its own two, and what waits in the inbox
            h.put(number, timeout=PATIENCE)
        with pytest.raises(TimeoutError, match="there was no room"):
            h.put(6, timeout=0.01)


def test_a_producer_without_end_is_held() -> None:
    part = Chargen()
    with handle(part, size=10) as h:
        wait_until(lambda: len(h._come) == 10)
        for _ in range(100):
            assert h.get(timeout=PATIENCE) == "Hello World"
        assert len(h._come) <= 10


def test_what_it_sent_can_be_read_when_all_have_ended(scheduler: Scheduler) -> None:
    with handle(Pipeline(PureTransformer(str.title), PureTransformer(str.strip))) as h:
        h.put(" last words ")
        h.close()
        wait_until(lambda: not scheduler._running)
        assert scheduler.listAllThreads() == []
        assert h.get() == "Last Words"
        assert isinstance(h.get(box="signal"), producerFinished)
        with pytest.raises(EOFError):
            h.get()
        with pytest.raises(BrokenPipeError):
            h.put("more")


def test_there_is_a_next_one_when_all_have_ended(scheduler: Scheduler) -> None:
    for word in "one", "two", "three":
        with handle(PureTransformer(str.upper)) as h:
            h.put(word)
            assert h.get(timeout=PATIENCE) == word.upper()
        wait_until(lambda: not scheduler._running)


def test_a_component_that_has_ended_already() -> None:
    part = Keeper()
    part.stop()
    with handle(part) as h, pytest.raises(EOFError):
        h.get()


def test_a_component_that_runs_for_others_goes_on(scheduler: Scheduler) -> None:
    part = PureTransformer(str.upper)
    with handle(Deaf()):
        scheduler.call_soon(part.activate)
        wait_until(lambda: part in scheduler.listAllThreads())
        for word in "one", "two":
            with handle(part) as h:
                h.put(word)
                assert h.get(timeout=PATIENCE) == word.upper()
            wait_until(
                lambda: [type(each) for each in scheduler.listAllThreads()].count(_Side) == 1
            )
        assert part in scheduler.listAllThreads()
        assert not part.inboxes["inbox"].storage.wakeOnPop
        assert part._callOnCloseDown == []


def test_a_component_that_does_not_end_is_ended(scheduler: Scheduler) -> None:
    with handle(Chargen(), size=4, grace=0.01):
        pass
    wait_until(lambda: not scheduler._running)


# As a file.


def test_it_is_a_file() -> None:
    with handle(Pipeline(PureTransformer(bytes.upper), PureTransformer(bytes.decode))) as h:
        assert h.write(b"one\ntw") == 6
        h.write(b"o\nthree")
        h.flush()
        h.close()
        h.close()
        assert h.readline() == b"ONE\n"
        assert h.read(2) == b"TW"
        assert h.read(0) == b""
        assert list(h) == [b"O\n", b"THREE"]
        assert h.read() == h.readline() == b""


def test_what_came_before_a_time_out_is_not_lost() -> None:
    with handle(PureTransformer(bytes.upper)) as h:
        h.write(b"begun")
        with pytest.raises(TimeoutError):
            h.readline(timeout=0.02)
        h.write(b" and ended\n")
        assert h.readline(timeout=PATIENCE) == b"BEGUN AND ENDED\n"


def test_several_threads_at_once() -> None:
    with handle(PureTransformer(lambda number: number), size=8) as h:
        writers = [
            threading.Thread(target=lambda: [h.put(1, timeout=PATIENCE) for _ in range(200)])
            for _ in range(4)
        ]
        for writer in writers:
            writer.start()
        assert sum(h.get(timeout=PATIENCE) for _ in range(800)) == 800
        for writer in writers:
            writer.join()
