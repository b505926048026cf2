"""family, end: components that somebody else wrote, from outside.

A stock component may take no notice of its "control" box, and its thread, if it has one, none of
anything. What is done here does not ask it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from Axon.Component import component
from Axon.ThreadedComponent import threadedcomponent

from ..scheduler import ReactiveComponent, Scheduler

__all__ = ["end", "family", "hold", "release"]


def family(part: component) -> list[component]:
    """A component and its children, as a chassis has them, theirs included."""
    found = [part]
    for member in found:
        found.extend(child for child in member.children if child not in found)
    return found


def hold(part: component, home: Scheduler) -> list[component]:
    """Give a component and its children no time slice until `release`; returns those held.

    A ReactiveComponent acts on messages alone: it rests when those that send to it do.
    """
    held = [member for member in family(part) if not isinstance(member, ReactiveComponent)]
    for member in held:
        home.hold(member)
    return held


def release(held: list[component], home: Scheduler) -> None:
    """Let those go on that `hold` returned, and forget them."""
    for member in held:
        home.release(member)
    held.clear()


def end(part: component, home: Scheduler) -> None:
    """End a component and its children where they stand."""
    for member in family(part):
        if isinstance(member, threadedcomponent):
            _end_thread(member)
        member.stop()
        home.release(member)


class _Ended(Exception):
    """Raised in a thread whose component was ended."""


def _end_thread(member: threadedcomponent) -> None:
    """Have the thread of a component end as soon as it does anything with a box.

    Nothing can end it from outside, and Axon would let it go on for nobody. Axon hands what is
    raised in it to the component's microprocess, which is no more, so that is cut, too.
    """

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise _Ended

    thread: Any = member
    for name in ("send", "recv", "dataReady", "pause"):
        setattr(thread, name, refuse)
    thread._do_threadsafe = lambda *_: None
    thread.threadWakeUp.set()
