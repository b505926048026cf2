"""ReactiveComponent: a component that acts on a message when it arrives.

Passage: the storage of an inbox that hands on what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from Axon.Box import postbox, realsink
from Axon.Component import component
from Axon.debug import debug

from .scheduler import Scheduler

__all__ = ["Passage", "ReactiveComponent"]

_quiet = debug()
_quiet.useConfig()


class ReactiveComponent(component):
    """A component that does not wait for a time slice: `react()` is called as a message arrives.

    An inbox calls its `notify` whenever something is put into it; Axon's components have their
    scheduler woken by that and look at the box in the next cycle. Here `notify` calls `react()`,
    in the time slice of the sender, so that a message goes through a chain of such components in
    one go. Everything else is as for any component: boxes, linkages, activation, a place in the
    scheduler's list, an end.

    Subclasses write `react()`, which works off what is in the inboxes, and call `finish()` when
    they have done their work. `react()` is never entered twice at a time: it is called again for
    what arrives while it runs. It is not called before the component had its first time slice.
    What it raises closes the component down and never reaches the sender. `home` is the scheduler
    it runs on, also after it was stopped.
    """

    home: Scheduler

    def __init__(self, **argd: Any) -> None:
        # Axon gives a component a debugger with a copy of the configuration of its own, unless it
        # has one: half of what making a component costs.
        self.debugger = _quiet
        super().__init__(**argd)
        self._reacting = True  # until the first time slice
        self._missed = False  # something arrived while it was reacting
        self._finished = False
        for box in self.inboxes.values():
            box.storage.notify = self._arrived
        for box in self.outboxes.values():
            # Axon wakes a component when somebody collects a message from it. Here that would be
            # a time slice for nothing; who wants to know adds a method of its own.
            box.myNotifyOnPop.clear()

    def take_at_once(self, boxname: str, take: Callable[[Any], None]) -> Passage:
        """Have each message to an inbox given to `take`, instead of kept until `react()` asks.

        For what is done with a message at once and for itself alone. `take` is entered whenever a
        message comes, also before the first time slice, after the end, and before it has returned;
        it has the passage that is returned `keep` what has to wait, and what it raises reaches the
        sender. Only in `__init__`, before anything is linked to the box.
        """
        passage = Passage(self._arrived, take)
        self.inboxes[boxname] = postbox(passage)
        return passage

    def react(self) -> None:
        """Work off the messages in the inboxes. Called when one has arrived."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Called in the first time slice, before any `react()`."""

    def on_end(self) -> None:
        """Called once when the component ends, for whatever reason."""

    def finish(self) -> None:
        """End the component, in its next time slice."""
        self._finished = True
        self.unpause()

    def _arrived(self) -> None:
        if self._reacting:
            self._missed = True
            return
        if self._finished:
            return
        self._reacting = self._missed = True
        try:
            while self._missed and not self._finished:
                self._missed = False
                self.react()
        except Exception as error:
            self._give_up(error)
        finally:
            self._reacting = False

    def _give_up(self, error: Exception) -> None:
        """Close the component down for `error`, which it raised outside its time slice."""
        self._finished = True
        self.home.fail(self, error)

    def main(self) -> Iterator[int]:
        """Sleep, and end when `finish()` was called.

        Raises RuntimeError on a scheduler that is not kroute's: it could not contain failures.
        """
        if not isinstance(self.scheduler, Scheduler):
            raise RuntimeError(
                f"{self.name} runs on kroute's scheduler, not on {self.scheduler!r}"
            )
        self.home = self.scheduler
        try:
            self.on_start()
            self._reacting = False
            self._arrived()
            while not self._finished:
                self.pause()
                yield 1
        finally:
            self._finished = True
            self.on_end()


class Passage(realsink):
    """The storage of an inbox whose messages go straight to a function of its component."""

    def __init__(self, notify: Callable[[], None], take: Callable[[Any], None]) -> None:
        super().__init__(notify)
        # Boxes that are linked to this one fetch the method once, and call it for each message.
        self.__dict__["append"] = take

    def keep(self, message: Any) -> None:
        """Keep a message, as a storage that is none of these does, and have `react()` called.
        Raises noSpaceInBox where the box is full."""
        realsink.append(self, message)
