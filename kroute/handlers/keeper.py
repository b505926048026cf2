"""Keeper: keeps a component running; Supervision, Restarts: how often it is started again."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from Axon.Component import component
from Axon.Ipc import shutdownMicroprocess

from ..routing import RouteError
from ..scheduler import ReactiveComponent, Timer
from .asking import Unavailable
from .ending import end
from .making import options_of

__all__ = ["Keeper", "Restarts", "Supervision", "restarts_of"]

log = logging.getLogger("kroute.handlers")


@dataclass(frozen=True)
class Supervision:
    """When a component that has ended is started again.

    restart: "never", when it has failed ("on_failure"), or "always". max_restarts, within: so
    often in so many seconds; after that it is left alone until the first of them is so long ago.
    """

    restart: Literal["never", "on_failure", "always"] = "never"
    max_restarts: int = 5
    within: float = 60.0

    def __post_init__(self) -> None:
        if self.restart not in ("never", "on_failure", "always"):
            raise ValueError(f"restart is 'never', 'on_failure' or 'always', not {self.restart!r}")
        if self.max_restarts < 1 or self.within <= 0:
            raise ValueError("max_restarts and within are positive")

    def wants(self, failed: bool) -> bool:
        """Whether one that has ended is to be started again."""
        return self.restart == "always" or (failed and self.restart == "on_failure")


class Restarts:
    """The restarts of late, and whether there may be another one."""

    def __init__(self, supervision: Supervision) -> None:
        self.supervision = supervision
        self._times: deque[float] = deque()

    def left(self, now: float) -> int:
        """How many more there may be at this time."""
        while self._times and now - self._times[0] >= self.supervision.within:
            self._times.popleft()
        return self.supervision.max_restarts - len(self._times)

    def note(self, now: float) -> None:
        """There was one."""
        self._times.append(now)

    def again(self, what: object) -> bool:
        """Whether another component may go on with `what`, after one that failed; it is noted and
        logged, if so."""
        now = monotonic()
        if not self.supervision.wants(failed=True) or self.left(now) <= 0:
            return False
        self.note(now)
        log.warning("%s: another component goes on (%s times left)", what, self.left(now))
        return True

    def refuse(self, now: float) -> None:
        """Raises Unavailable where there were too many."""
        if self.left(now) <= 0:
            wait = self._times[0] + self.supervision.within - now
            raise Unavailable("This fails too often; try again later.", math.ceil(wait))


def restarts_of(path: str, restart: str, max_restarts: int, within: float) -> Restarts:
    """The restarts of components of which each has one client. Raises RouteError for options that
    cannot be."""
    if restart == "always":
        problem = "a component for each client has done its work when it ends: 'on_failure'"
        raise RouteError(problem, path=path)
    options = {"restart": restart, "max_restarts": max_restarts, "within": within}
    return Restarts(options_of(Supervision, path, options))


class Keeper(ReactiveComponent):
    """Starts a component, and starts it again when it has ended, as its supervision says.

    make: makes the component. part: the one that runs, None if there is none. What becomes of its
    "outbox" is for subclasses and others to say. grace: seconds that it has for its own end.
    """

    Inboxes = {
        "inbox": "not used",
        "control": "what the component says at its end",
    }
    Outboxes = {
        "outbox": "not used",
        "signal": "shutdownMicroprocess: the component is not needed any more",
    }

    def __init__(
        self, make: Callable[[], component], supervision: Supervision, grace: float
    ) -> None:
        super().__init__()
        self.part: component | None = None
        self.restarts = Restarts(supervision)
        self._make = make
        self._grace = grace
        self._grace_timer: Timer | None = None
        self._failed = False
        self._given_up = False
        self._dismissed = False

    # The component.

    @property
    def who(self) -> str:
        """The component's name."""
        return "a component that has ended" if self.part is None else self.part.name

    def begin(self) -> None:
        """Start the component. Raises what making it raises."""
        self._failed = False
        part = self._make()
        self.wire(part)
        if "signal" in part.outboxes and part.outboxes["signal"].target is None:
            self.link((part, "signal"), (self, "control"))
        if "control" in part.inboxes:
            self.link((self, "signal"), (part, "control"))
        part._callOnCloseDown.append(self._part_ended)
        if part._microprocess__thread is None:
            part.activate(Scheduler=self.home)
        self.part = part

    def wire(self, part: component) -> None:
        """Link its other boxes. For subclasses."""

    def dismiss(self) -> None:
        """The component is not needed any more, nor is the keeper."""
        if self._dismissed:
            return
        self._dismissed = True
        if self.part is None:
            self.finish()
        else:
            self.send(shutdownMicroprocess(self), "signal")
            self._grace_timer = self.home.call_later(self._grace, self.finish)

    def _part_ended(self) -> None:
        part, self.part = self.part, None
        if self._finished or part is None:
            return
        self._arrived()  # what it said last
        self.unlink(thecomponent=part)
        supervision = self.restarts.supervision
        if self._dismissed:
            self.finish()
        elif not supervision.wants(self._failed):
            self.lost()
        elif (left := self.restarts.left(monotonic())) > 0:
            self.restarts.note(monotonic())
            log.warning("%s has ended; it is started again (%s times left)", part.name, left - 1)
            self.home.call_soon(self._begin_again)
        else:
            log.error(
                "%s has ended for the %sth time in %g seconds; it is not started again",
                part.name,
                supervision.max_restarts + 1,
                supervision.within,
            )
            self._given_up = True
            self.lost()

    def _begin_again(self) -> None:
        if self._finished or self._dismissed:
            return
        try:
            self.begin()
        except Exception as error:
            log.error("%r failed", self._make, exc_info=error)
            self.lost()

    def begin_after_all(self) -> None:
        """Start a component that had failed too often, if it was not of late. Raises Unavailable
        where it was, or where the component has ended for another reason."""
        if not self._given_up:
            raise Unavailable("This does not run.")
        now = monotonic()
        self.restarts.refuse(now)
        self.restarts.note(now)
        self._given_up = False
        self.begin()

    def lost(self) -> None:
        """The component has ended and is not started again. For subclasses."""

    # The keeper.

    def react(self) -> None:
        """Listen to how the component ends."""
        while self.dataReady("inbox"):
            self.recv("inbox")
        self.hear()

    def hear(self) -> bool:
        """Work off "control"; returns whether the component said that this is its end."""
        said = False
        while self.dataReady("control"):
            said = True
            if isinstance(self.recv("control"), shutdownMicroprocess) and not self._dismissed:
                self._failed = True
        return said

    def on_end(self) -> None:
        if self._grace_timer is not None:
            self._grace_timer.cancel()
        part, self.part = self.part, None
        if part is not None:
            end(part, self.home)


__kamaelia_components__ = (Keeper,)
