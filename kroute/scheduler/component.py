"""ReactiveComponent: a component that acts on a message when it arrives.

Link: from an outbox to an inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import Axon.Component
from Axon.Component import component
from Axon.CoordinatingAssistantTracker import coordinatingassistanttracker
from Axon.debug import debug
from Axon.idGen import idGen
from Axon.Linkage import linkage
from Axon.Microprocess import _nullscheduler
from Axon.Postoffice import postoffice

from .box import Inbox, Messages, Outbox, Passage
from .scheduler import Scheduler

__all__ = ["Link", "ReactiveComponent"]

Link = tuple[tuple[component, str], tuple[component, str]]
"""From an outbox to an inbox."""

_quiet = debug()
_quiet.useConfig()
_ids = idGen()


class _Made:
    """An attribute that is made, and from then on kept, when somebody asks for it first."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, part: ReactiveComponent | None, kind: type) -> Any:
        if part is None:
            return self
        made = self._make(part)
        setattr(part, self._name, made)
        return made


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

    There are thousands of them, two for each connection, so they take little memory. What Axon's
    constructors make for each component, at once, is made here when it is needed.
    """

    __slots__ = (
        "_call_on_close_down", "_finished", "_fixed", "_microprocess__stopped",
        "_microprocess__thread", "_missed", "_office", "_reacting", "home", "id", "inboxes",
        "outboxes", "scheduler",
    )  # fmt: skip

    home: Scheduler

    # As Axon's constructors set them. Its debugger is one for all, which looks at no file again.
    init = 1
    closeDownValue = 0
    debugger = _quiet
    tracker = _Made(lambda part: coordinatingassistanttracker.getcat())
    name = _Made(lambda part: _ids.idToString(part, part.id))
    children = _Made(lambda part: [])

    def __init__(self, **argd: Any) -> None:
        # Not `super().__init__()`, which takes most of the memory and of the time of a component.
        self.id = _ids.numId()
        self._microprocess__stopped = False
        self._microprocess__thread: Any = None
        self.scheduler = _nullscheduler
        for name, value in argd.items():
            setattr(self, name, value)
        arrived = self._arrived
        self.inboxes = _by_name(self.Inboxes, lambda: Inbox(Messages(arrived)))
        # Axon wakes a component when somebody collects a message from it. Here that would be a
        # time slice for nothing; who wants to know adds a method of its own.
        self.outboxes = _by_name(self.Outboxes, Outbox)
        self._call_on_close_down: list[Callable[[], object]] | None = None
        self._office: postoffice | None = None
        self._fixed = False
        self._reacting = True  # until the first time slice
        self._missed = False  # something arrived while it was reacting
        self._finished = False
        if Axon.Component.TraceAllSends:
            vars(self).update(_o_send=self.send, send=self._debug_send)
        if Axon.Component.TraceAllRecvs:
            vars(self).update(_o_recv=self.recv, recv=self._debug_recv)

    # What Axon asks of a component.

    @property
    def _callOnCloseDown(self) -> list[Callable[[], object]]:
        if self._call_on_close_down is None:
            self._call_on_close_down = []
        return self._call_on_close_down

    @property
    def postoffice(self) -> postoffice:
        """It has the linkages that this component made."""
        if self._office is None:
            self._office = office = postoffice(f"component :{self.name}")
            if self._fixed:
                for (source, outbox), (sink, inbox) in self.fixed_links():
                    office.linkages.append(linkage(source, sink, outbox, inbox))
        return self._office

    def _closeDownMicroprocess(self) -> None:
        for callback in self._call_on_close_down or ():
            callback()
        if self._office is not None:
            self._office.unlinkAll()
        elif self._fixed:
            self._fixed = False
            for (source, outbox), (sink, inbox) in self.fixed_links():
                sink.inboxes[inbox].removesource(source.outboxes[outbox])

    def _microprocessGenerator(
        self, someobject: object, mainmethod: str = "main"
    ) -> Iterator[Any]:
        # The flag that Axon's generator looks at between the steps is looked at by the scheduler.
        steps: Iterator[Any] = getattr(someobject, mainmethod)()
        return steps

    # What subclasses use.

    def fixed_links(self) -> Iterable[Link]:
        """The links that `link_fixed` makes, the same ones whenever it is asked. For subclasses
        of which there are thousands."""
        return ()

    def link_fixed(self) -> None:
        """Make the links of `fixed_links`, as `link` would make them. Their linkages, which tell
        others where they go, are made when somebody looks for them."""
        for (source, outbox), (sink, inbox) in self.fixed_links():
            sink.inboxes[inbox].addsource(source.outboxes[outbox])
        self._fixed = True

    def take_at_once(self, boxname: str, take: Callable[[Any], None]) -> Passage:
        """Have each message to an inbox given to `take`, instead of kept until `react()` asks.

        For what is done with a message at once and for itself alone. `take` is entered whenever a
        message comes, also before the first time slice, after the end, and before it has returned;
        it has the passage that is returned `keep` what has to wait, and what it raises reaches the
        sender. Only in `__init__`, before anything is linked to the box.
        """
        passage = Passage(self._arrived, take)
        self.inboxes[boxname] = Inbox(passage)
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
        return _Life(self)


class _Life(Generator[int, None, None]):
    """The time slices of a ReactiveComponent: the first one, and those after `finish()`.

    A generator function would say it in less words, and take 200 bytes more for each component.
    """

    __slots__ = ("_begun", "_part")

    def __init__(self, part: ReactiveComponent) -> None:
        self._part: ReactiveComponent | None = part
        self._begun = False

    def send(self, value: None, /) -> int:
        part = self._part
        if part is not None and not self._begun:
            self._begin(part)
        if part is None or part._finished:
            self.close()
            raise StopIteration
        part.pause()
        return 1

    def _begin(self, part: ReactiveComponent) -> None:
        if not isinstance(part.scheduler, Scheduler):
            raise RuntimeError(
                f"{part.name} runs on kroute's scheduler, not on {part.scheduler!r}"
            )
        part.home = part.scheduler
        self._begun = True
        try:
            part.on_start()
            part._reacting = False
            part._arrived()
        except BaseException:
            self.close()
            raise

    def throw(self, *error: Any) -> NoReturn:
        self.close()
        raise error[0]

    def close(self) -> None:
        part, self._part = self._part, None
        if part is not None and self._begun:
            part._finished = True
            part.on_end()


@lru_cache(256)
def _holder(names: tuple[str, ...]) -> type:
    """The class of an object with these attributes."""
    return type("Boxes", (), {})


def _by_name(names: Iterable[str], make: Callable[[], object]) -> dict[str, Any]:
    """A dict of boxes: one of attributes, of which those of a class share their keys (PEP 412),
    and which takes half of what another one does."""
    holder = _holder(tuple(names))()
    for name in names:
        setattr(holder, name, make())
    boxes: dict[str, Any] = vars(holder)
    return boxes
