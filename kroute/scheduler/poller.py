"""Poller, open_poller: what is ready, asked of the operating system.

A poller maps file descriptors to callbacks and waits for the first of them, for a time-out or for
`wake()`, whichever comes first. It knows nothing of components; the scheduler owns one and is the
only caller of everything but `wake()`.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
from collections.abc import Callable

__all__ = [
    "HANG_UP",
    "READ",
    "WRITE",
    "Callback",
    "EpollPoller",
    "Poller",
    "PortablePoller",
    "open_poller",
]

READ = 1
WRITE = 4
HANG_UP = 0x2000
"""Event bits, with epoll's own values (EPOLLIN, EPOLLOUT, EPOLLRDHUP), so that nothing is
translated there. HANG_UP: the other side has ended, whether or not what it sent has been read; a
portable poller cannot tell."""

Callback = Callable[[int], object]
"""Called with the event bits that are ready. An error or a hang-up may come as a bit of epoll's
own, asked for or not, so whatever is not WRITE is to be taken for READ: reading finds out."""


class Poller:
    """What both pollers share: the table of callbacks and the cross-thread wake-up.

    `callbacks` maps a descriptor to its callback. The wake-up is an eventfd where there is one
    (Linux) and a socket pair elsewhere.
    """

    def __init__(self) -> None:
        self.callbacks: dict[int, Callback] = {}
        self._pair: tuple[socket.socket, socket.socket] | None = None
        if hasattr(os, "eventfd"):
            self._wake_read = self._wake_write = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._token = (1).to_bytes(8, "little")
        else:
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
            self._wake_read, self._wake_write = (end.fileno() for end in self._pair)
            self._token = b"\0"

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Call `callback` whenever one of `events` holds for `fd` (level-triggered), from now on.

        Watching a descriptor again changes its events and callback.
        """
        self._set(fd, events, fd in self.callbacks)
        self.callbacks[fd] = callback

    def unwatch(self, fd: int) -> None:
        """Forget `fd`; nothing happens if it is not known. To be called before it is closed."""
        if self.callbacks.pop(fd, None) is not None:
            self._unset(fd)

    def wake(self) -> None:
        """End a running or the next `poll` at once. The only method for other threads."""
        try:
            os.write(self._wake_write, self._token)
        except OSError:
            # A full counter or buffer means that a wake-up is under way already; a closed poller
            # has nobody left to wake.
            return

    def _woken(self, events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)  # what is left of a socket pair's tokens wakes again

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        """Wait at most `timeout` seconds (None: for ever); return (descriptor, events) pairs."""
        raise NotImplementedError

    def _set(self, fd: int, events: int, known: bool) -> None:
        raise NotImplementedError

    def _unset(self, fd: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Give the descriptors back. The poller is of no use afterwards."""
        self.callbacks.clear()
        wake_read = self._wake_read
        self._wake_read = self._wake_write = -1  # the number may soon be somebody else's
        if self._pair is None:
            os.close(wake_read)
        else:
            for end in self._pair:
                end.close()


def _passed(events: int) -> None:
    """The callback of an event that has done its work by ending `poll`."""


class EpollPoller(Poller):
    """epoll(7), used directly: the selectors module costs 2 µs an event on top of it."""

    MAX_EVENTS = 256

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        if self._pair is None:
            # Each write to it is told once, and it need not be read: one system call less for
            # each answer of another thread. Its counter would be full after 2**64 of them.
            self.watch(self._wake_read, READ | select.EPOLLET, _passed)
        else:
            self.watch(self._wake_read, READ, self._woken)

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        return self._epoll.poll(timeout, self.MAX_EVENTS)

    def _set(self, fd: int, events: int, known: bool) -> None:
        if known:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)

    def _unset(self, fd: int) -> None:
        # A descriptor that was closed first has left the epoll set by itself.
        with contextlib.suppress(OSError):
            self._epoll.unregister(fd)

    def close(self) -> None:
        super().close()
        self._epoll.close()


class PortablePoller(Poller):
    """The best the selectors module has, where there is no epoll."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = selectors.DefaultSelector()
        self.watch(self._wake_read, READ, self._woken)

    def poll(self, timeout: float | None) -> list[tuple[int, int]]:
        return [
            (key.fd, self._translate(mask, selectors.EVENT_READ, READ)
             | self._translate(mask, selectors.EVENT_WRITE, WRITE))
            for key, mask in self._selector.select(timeout)
        ]  # fmt: skip

    @staticmethod
    def _translate(mask: int, theirs: int, ours: int) -> int:
        return ours if mask & theirs else 0

    def _set(self, fd: int, events: int, known: bool) -> None:
        mask = self._translate(events, READ, selectors.EVENT_READ) | self._translate(
            events, WRITE, selectors.EVENT_WRITE
        )
        # The selectors module has no word for "known, but nothing wanted": such a descriptor is
        # left out of its set. `callbacks` still has it.
        if fd in self._selector.get_map():
            if mask:
                self._selector.modify(fd, mask)
            else:
                self._selector.unregister(fd)
        elif mask:
            self._selector.register(fd, mask)

    def _unset(self, fd: int) -> None:
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._selector.unregister(fd)

    def close(self) -> None:
        super().close()
        self._selector.close()


def open_poller() -> Poller:
    """The poller for this machine: epoll on Linux, otherwise what `selectors` finds."""
    return EpollPoller() if hasattr(select, "epoll") else PortablePoller()
