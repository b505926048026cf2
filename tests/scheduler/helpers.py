"""What the scheduler's tests share: a poller without descriptors, and small components."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator, Iterator
from typing import Any

from Axon.Component import component
from Axon.Microprocess import microprocess

from kroute.scheduler import Poller, Scheduler
from tests.waiting import PATIENCE


class FakePoller(Poller):
    """Waits for nothing. `waits`: the time-outs it was asked for; `ready`: what it finds next."""

    def __init__(self) -> None:
        self.callbacks = {}
        self.waits: list[float | None] = []
        self.ready: list[tuple[int, int]] = []
        self.wakes = 0
        self.on_poll: Callable[[], object] = lambda: None

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        self.waits.append(timeout)
        self.on_poll()
        ready, self.ready = self.ready, []
        return ready

    def wake(self) -> None:
        self.wakes += 1

    def _set(self, fd: int, events: int, known: bool) -> None:
        self.asked = (fd, events, known)

    def _unset(self, fd: int) -> None:
        self.asked = (fd, 0, True)


class Clock:
    """`now` is what it says, whenever it is asked."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Stepped:
    """A scheduler with a FakePoller, stepped by hand. `self()` is one cycle."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.poller: Any = scheduler.poller
        self._main = scheduler.main(canblock=True)

    def __call__(self, cycles: int = 1) -> None:
        for _ in range(cycles):
            next(self._main)

    def finish(self) -> None:
        """Go on until no microprocess is left."""
        for cycle, _ in enumerate(self._main):
            assert cycle < 10_000, "it goes on and on"

    def start(self, *parts: microprocess) -> None:
        for part in parts:
            part.activate(Scheduler=self.scheduler)


class Runs(component):
    """A component whose main() is a function of itself."""

    def __init__(self, body: Callable[[Any], Iterator[Any]], **argd: Any) -> None:
        super().__init__(**argd)
        self.body = body

    def main(self) -> Iterator[Any]:
        return self.body(self)


class Sink(component):
    """Keeps what comes into its boxes; ends when told so on "control"."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []
        self.told: list[Any] = []

    def main(self) -> Iterator[int]:
        while not self.told:
            while self.dataReady("inbox"):
                self.got.append(self.recv("inbox"))
            while self.dataReady("control"):
                self.told.append(self.recv("control"))
            if not self.told:
                self.pause()
            yield 1


def run(scheduler: Scheduler, seconds: float = 20) -> None:
    """Run until no component is left; fail if that takes `seconds`."""
    late = []

    def give_up() -> None:
        late.extend(part.name for part in scheduler.listAllThreads())
        scheduler.stop()

    guard = scheduler.call_later(seconds, give_up)
    scheduler.runThreads()
    guard.cancel()
    assert not late


def in_new_python(program: str, timeout: float = PATIENCE) -> str:
    """What a program prints in a process of its own; nothing is to go to its error output."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def returning(value: Any, *yields: Any) -> Generator[Any, None, Any]:
    """A generator that yields `yields` and returns `value`."""
    yield from yields
    return value


def after_cycles(scheduler: Scheduler, cycles: int, callback: Callable[[], object]) -> None:
    """Call back when the scheduler has gone through some cycles, however long they take."""
    if cycles:
        scheduler.call_soon(lambda: after_cycles(scheduler, cycles - 1, callback))
    else:
        callback()
