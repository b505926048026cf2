"""Inbox, Outbox: Axon's boxes, small. Messages, Passage: what an inbox keeps its messages in.

They do what `Axon.Box.postbox` does over a `realsink` or a `nullsink`, can be linked to those, and
have the same attributes. But a list is made only when there is something for it or somebody asks
for it, and methods are looked up instead of kept. A connection has nine boxes: Axon's own take 7
KiB of memory, these 1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import Axon.Box
from Axon.AxonExceptions import BoxAlreadyLinkedToDestination, noSpaceInBox
from Axon.Box import nullsink

__all__ = ["Inbox", "Messages", "Notify", "Outbox", "Passage"]

Notify = Callable[[], object]
"""Called when a message has come or has been collected."""

_append, _pop = list.append, list.pop


class Messages(list[Any]):
    """What an inbox keeps its messages in: Axon's `realsink`. notify: called for each."""

    __slots__ = ("_traced", "_woken", "notify", "size")

    def __init__(self, notify: Notify) -> None:
        self.notify = notify
        self.size: int | None = None
        self._traced: tuple[Any, Any] | None = None
        self._woken: Iterable[Notify] = ()

    @property
    def wakeOnPop(self) -> list[Notify]:
        """Who is called when a message is collected."""
        if not isinstance(self._woken, list):
            self._woken = []
        return self._woken

    @property
    def showtransit(self) -> Any:
        """Whether messages are printed as they come."""
        return self._traced and self._traced[0]

    @property
    def tag(self) -> Any:
        """What is printed with them."""
        return self._traced and self._traced[1]

    def setShowTransit(self, showtransit: Any, tag: Any) -> None:
        """Print each message that comes, or do not."""
        self._traced = (showtransit, tag)

    def append(self, message: Any) -> None:
        """Take a message, and say so. Raises noSpaceInBox."""
        if self._traced is not None or Axon.Box.ShowAllTransits:
            self._trace(message)
        if self.size is not None and len(self) >= self.size:
            raise noSpaceInBox(len(self), self.size)
        _append(self, message)
        self.notify()

    def _trace(self, message: Any) -> None:
        if self.showtransit or Axon.Box.ShowAllTransits:
            print("Delivery via [", self.tag, "] of ", repr(message))

    def pop(self, index: Any = -1, /) -> Any:
        """Give a message away, and say so. Raises IndexError."""
        message = _pop(self, index)
        for woken in self._woken:
            woken()
        return message


class Passage(Messages):
    """The storage of an inbox whose messages go straight to a function of its component."""

    __slots__ = ("append",)

    append: Any

    def __init__(self, notify: Notify, take: Callable[[Any], None]) -> None:
        super().__init__(notify)
        self.append = take

    def keep(self, message: Any) -> None:
        """Keep a message, as a storage that is none of these does, and have `react()` called.
        Raises noSpaceInBox where the box is full."""
        Messages.append(self, message)


class _Box:
    """What inboxes and outboxes have in common: Axon's `postbox`.

    target: the box that this one is linked to, or None. sink: what keeps the messages at the end
    of the links.
    """

    __slots__ = ("_notified", "_sources", "_storage", "sink", "target")

    def __init__(self, storage: Any) -> None:
        self._storage = self.sink = storage
        self.target: Any = None
        self._sources: Any = ()
        self._notified: Iterable[Notify] = ()

    @property
    def storage(self) -> Any:
        """What keeps the messages while this box is linked to no other."""
        return self._storage

    @property
    def sources(self) -> Any:
        """The boxes that are linked to this one."""
        if self._sources == ():
            self._sources = []
        return self._sources

    @sources.setter
    def sources(self, sources: Any) -> None:
        self._sources = sources

    @property
    def myNotifyOnPop(self) -> list[Notify]:
        """Who is called when a message is collected that was sent through this box."""
        if not isinstance(self._notified, list):
            self._notified = []
        return self._notified

    def append(self, message: Any) -> None:
        """Send a message. Raises noSpaceInBox."""
        self.sink.append(message)

    def pop(self, index: Any) -> Any:
        """Collect a message. Raises IndexError."""
        return self.sink.pop(index)

    def __len__(self) -> int:
        return len(self.sink)

    def __repr__(self) -> str:
        return f"{id(self)}{self.sink.__class__!r}{self.sink!r}"

    def local_len(self) -> int:
        """How many messages are kept here, and not where the links end."""
        return len(self._storage)

    def addsource(self, newsource: Any) -> None:
        """Have a box linked to this one. Raises BoxAlreadyLinkedToDestination."""
        if newsource.target is not None:
            raise BoxAlreadyLinkedToDestination(self, self.target, newsource)
        self.sources.append(newsource)
        newsource._retarget(self)
        self._addnotifys(newsource.getnotifys())

    def removesource(self, oldsource: Any) -> None:
        """Have it linked no more."""
        self.sources.remove(oldsource)
        oldsource._retarget(newtarget=None)
        self._removenotifys(oldsource.getnotifys())

    def getnotifys(self) -> list[Notify]:
        """Who is called when a message is collected that came through this box."""
        return [*self._notified, *self._storage.wakeOnPop]

    def _addnotifys(self, newnotifys: list[Notify]) -> None:
        if newnotifys:
            self.storage.wakeOnPop.extend(newnotifys)
            if self.target is not None:
                self.target._addnotifys(newnotifys)

    def _removenotifys(self, oldnotifys: list[Notify]) -> None:
        for notify in oldnotifys:
            self.storage.wakeOnPop.remove(notify)
        if oldnotifys and self.target is not None:
            self.target._removenotifys(oldnotifys)

    def _retarget(self, newtarget: Any = None) -> None:
        storage = self._storage
        self.target = newtarget
        self.sink = sink = storage if newtarget is None else newtarget.sink
        if newtarget is not None:
            while len(storage):
                sink.append(storage.pop(0))
        for source in self._sources:
            source._retarget(newtarget=self)

    def setSize(self, size: int | None) -> int | None:
        """How many messages it may keep; None: any number."""
        self.storage.size = size
        return size

    def getSize(self) -> int | None:
        """What `setSize` has said."""
        size: int | None = self._storage.size
        return size

    def setShowTransit(self, showtransit: Any = False, tag: Any = None) -> None:
        """Print each message that is kept here, or do not."""
        self.storage.setShowTransit(showtransit, tag)

    def isFull(self) -> bool:
        """Whether there is no room where the links end."""
        return self.sink.size is not None and len(self.sink) >= self.sink.size


class Inbox(_Box):
    """A box for `Messages`, which are kept in `storage`."""

    __slots__ = ()


class _Nowhere(nullsink):
    """Where the messages of all those outboxes go that are linked to nothing."""

    def append(self, data: Any) -> None:
        self.showtransit = Axon.Box.ShowAllTransits
        super().append(data)


_NOWHERE = _Nowhere()


class Outbox(_Box):
    """A box that brings messages to where it is linked to."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_NOWHERE)

    @property
    def storage(self) -> Any:
        """As it may be changed, it is one of its own from here on."""
        if self._storage is _NOWHERE:
            self._storage = nullsink()
            self._retarget(self.target)
        return self._storage
