"""The event-driven Axon scheduler: run queue, timers, poller, threads, and what waits on them.

Scheduler, get_scheduler, take_over: the scheduler and its place as Axon's default.
ReactiveComponent, Link: a component that acts on a message when it arrives, and its links.
Coroutine, Waiting, sleep, in_thread: generators that wait without blocking others.
READ, WRITE, Poller, open_poller, Timer, ThreadPool, ThreadsBusy: what the scheduler stands on.
"""

from .box import Passage
from .component import Link, ReactiveComponent
from .coroutine import Coroutine, Waiting
from .poller import HANG_UP, READ, WRITE, EpollPoller, Poller, PortablePoller, open_poller
from .scheduler import Scheduler, get_scheduler
from .takeover import take_over
from .threads import ThreadPool, ThreadsBusy
from .timers import Timer, Timers
from .waiting import in_thread, sleep

__all__ = [
    "HANG_UP",
    "READ",
    "WRITE",
    "Coroutine",
    "EpollPoller",
    "Link",
    "Passage",
    "Poller",
    "PortablePoller",
    "ReactiveComponent",
    "Scheduler",
    "ThreadPool",
    "ThreadsBusy",
    "Timer",
    "Timers",
    "Waiting",
    "get_scheduler",
    "in_thread",
    "open_poller",
    "sleep",
    "take_over",
]
