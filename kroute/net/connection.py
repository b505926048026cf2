"""ConnectedSocket: one connection as a component, bytes in and bytes out.

The part of Kamaelia's ConnectedSocketAdapter, on an event-driven scheduler.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from errno import EIO
from typing import Any, Protocol

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.IPC import socketShutdown

from ..scheduler import HANG_UP, READ, WRITE, Link, ReactiveComponent, Timer
from .tls import TLSSocket

__all__ = ["CAN_SEND_FILES", "ConnectedSocket", "FileMessage", "GatheredMessage"]

log = logging.getLogger("kroute.net")

_append = list.append

CAN_SEND_FILES = sys.platform == "linux"
"""Whether the kernel copies from a file to a socket as `_send_file` asks it to: sendfile(2) is
another one on each system."""

READ_SIZE = 65536
"""Bytes read at once at first."""

READ_MORE = 262144
"""Bytes read at once after that many came, for a protocol that takes one message at a time."""

GATHER = 64
"""Messages handed to the kernel in one call."""

SMALL = 16384
"""Bytes of a message that may wait for others before it is handed to the kernel."""

NO_LINGER = struct.pack("ii", 1, 0)
"""For SO_LINGER: close() throws away what the kernel has not sent yet, and sends a reset."""


class FileMessage(Protocol):
    """A message that the kernel takes from a file: `head`, and after that `count` bytes of `fd`
    from `offset` on. Its length is that of both."""

    head: bytes
    fd: int
    offset: int
    count: int

    def __len__(self) -> int: ...


class GatheredMessage(Protocol):
    """A message of several `buffers`, that goes out as if they were joined. Its length is that of
    all of them."""

    buffers: Sequence[bytes]

    def __len__(self) -> int: ...


class ConnectedSocket(ReactiveComponent):
    """Sends what arrives in "inbox" through a socket and what the socket receives to "outbox".

    A message stays in "inbox" until the kernel has taken all of it. So whoever sent it learns how
    fast the other side reads from Axon's own signs: the box's length, and the notification that
    its outbox gets when a message is collected. Stock components do not look there, so the
    scheduler holds the protocol, with its children, while the kernel takes no more. In the same
    way nothing more is read from the socket while the box that "outbox" goes to is full, or holds
    READ_AHEAD messages where it has no size of its own.

    What is cut off with something unsent, or by a shutdownMicroprocess, ends with a reset: the
    other side can tell it from an orderly end.

    sock: connected, non-blocking, plain or TLS; it belongs to the component from now on. stall:
    seconds in which the other side has to take something of what we send, and after its end the
    protocol something of what came before.
    protocol: the component that it is for. When that ends, the connection is closed. A
    ReactiveComponent is never held; it looks at its boxes itself.
    """

    Inboxes = {
        "inbox": "bytes to send; on a plain connection also a FileMessage or GatheredMessage",
        "control": "producerFinished: send what is left, then close; "
        "shutdownMicroprocess: close now",
    }
    Outboxes = {
        "outbox": "bytes received",
        "signal": "one socketShutdown, when the other side sends no more or the connection ends",
    }

    __slots__ = (
        "_blocked", "_closing", "_control", "_eof", "_events", "_fd", "_gathering", "_held",
        "_incoming", "_lingering", "_offset", "_outgoing", "_read_size", "_timer", "_told",
        "protocol", "sock", "stall",
    )  # fmt: skip

    FILE_TURN = 1024 * 1024
    """Bytes of a file that are sent before others have their turn."""

    READ_AHEAD = 16
    """Messages that wait for a protocol whose inbox has no size."""

    STALL = 60.0

    LINGER = 2.0
    """Seconds in which the other side may notice that we closed, before it is cut off."""

    GRACE = 5.0
    """Seconds that the protocol has for its last words after the other side has ended."""

    def __init__(
        self,
        sock: socket.socket | TLSSocket,
        protocol: component,
        stall: float | None = None,
    ) -> None:
        super().__init__()
        self.sock = sock
        self.stall = self.STALL if stall is None else stall
        self.protocol = protocol
        self._fd = sock.fileno()
        self._events = -1  # what the poller watches for; -1: it does not know us
        self._offset = 0  # of the first message in "inbox": how much of it is sent already
        self._read_size = READ_SIZE
        self._blocked = False
        self._gathering = False
        self._closing = False
        self._lingering = False
        self._eof = False
        self._told = False
        self._timer: Timer | None = None
        self._held: list[component] = []
        self._outgoing = self.take_at_once("inbox", self._take)
        self._control: Any = self.inboxes["control"].storage
        self._incoming = self.outboxes["outbox"]
        self._incoming.myNotifyOnPop.append(self._collected)

    # The component's life.

    def fixed_links(self) -> Iterable[Link]:
        protocol = self.protocol
        return (
            ((protocol, "outbox"), (self, "inbox")),
            ((protocol, "signal"), (self, "control")),
            ((self, "outbox"), (protocol, "inbox")),
            ((self, "signal"), (protocol, "control")),
        )

    def on_start(self) -> None:
        # As a parent is woken by its children's end.
        self.protocol._callOnCloseDown.append(self._protocol_ended)
        self._watch(READ)

    def _protocol_ended(self) -> None:
        if not self._finished:
            self._closing = True
            self._arrived()

    def on_end(self) -> None:
        self._cut("closed")

    def stop(self) -> None:
        super().stop()
        if self._events < 0:  # it never ran, so there is no `on_end` to come
            self.sock.close()

    def react(self) -> None:
        """Send what can be sent; close when asked to."""
        while self._control:
            message = self.recv("control")
            if isinstance(message, producerFinished):
                self._closing = True
            elif isinstance(message, shutdownMicroprocess):
                self._cut("shut down", reset=True)
                return
        if self._lingering:
            del self._outgoing[:]  # sent after the end
            return
        if not self._blocked:
            self._send()
        self._after_sending()

    def _after_sending(self) -> None:
        if self._blocked:
            self._hold()
        elif self._held:
            self._release()
        if self._closing and not (self._outgoing or self._blocked or self._finished):
            self._close_gently()

    # Out.

    def _take(self, message: bytes | FileMessage) -> None:
        """A message to send has come. A small one is sent later, together with what others send.

        A message that goes out wakes up whoever waits for it, often on another processor, where
        its answer then is in the way of the next message: a busy server that sends each one as it
        comes has half of its time taken by that. So small ones go when all that is ready now has
        been seen to; that is at once where there is nothing else.
        """
        messages = self._outgoing
        if (
            type(message) is not bytes
            or len(message) > SMALL
            or self._reacting
            or self._blocked
            or self._closing
            or self._finished
            or len(messages) + 1 >= GATHER
        ):
            messages.keep(message)
            return
        _append(messages, message)
        if not self._gathering:
            self._gathering = True
            self.home.call_last(self._send_gathered)

    def _send_gathered(self) -> None:
        self._gathering = False
        if self._outgoing and not (self._blocked or self._lingering or self._finished):
            # As in `react`: who hears that a message is collected may send the next, or the end.
            self._reacting = True
            try:
                self._send()
                if self._blocked or self._held or self._closing:
                    self._after_sending()
            finally:
                self._reacting = False
            if self._missed:
                self._arrived()

    def _send(self) -> None:
        """Hand messages to the kernel until there are none or it takes no more."""
        messages = self._outgoing
        try:
            while messages:
                message = messages[0]
                if type(message) is bytes and len(messages) == 1 and not self._offset:
                    sent = self.sock.send(message)
                    if sent == len(message):
                        messages.pop(0)
                    else:
                        self._took(sent)
                elif type(message) is not bytes and hasattr(message, "fd"):
                    self._send_file(message)
                    if self._blocked:
                        return
                else:
                    self._send_together()
        except BlockingIOError:
            self._block()
        except OSError as error:
            self._cut(str(error))
        except TypeError as error:
            kinds = {
                type(message).__name__
                for message in messages[:GATHER]
                if not isinstance(message, (bytes, bytearray, memoryview))
                and not hasattr(message, "buffers")
            }
            raise TypeError(
                f"{self.protocol.name} sent {' and '.join(sorted(kinds))} to its connection; "
                "a connection carries bytes"
            ) from error

    def _send_together(self) -> None:
        """Have the kernel take what it does of the messages before the next file."""
        buffers: list[bytes | memoryview] = []
        count = 0
        for message in self._outgoing[:GATHER]:
            if type(message) is bytes:
                buffers.append(message)
            elif hasattr(message, "fd"):
                break
            else:
                buffers += getattr(message, "buffers", (message,))
            count += 1
        offset, sent = self._offset, 0
        if offset:
            while offset >= len(buffers[sent]):
                offset -= len(buffers[sent])
                sent += 1
            buffers[: sent + 1] = [memoryview(buffers[sent])[offset:]]
        if count < len(self._outgoing) and isinstance(self.sock, socket.socket):
            self._took(self.sock.sendmsg(buffers, (), socket.MSG_MORE))
        else:
            self._took(self.sock.sendmsg(buffers))

    def _send_file(self, message: FileMessage) -> None:
        """Have the kernel send what it takes of a file now; others have their turn before the
        rest. Raises BlockingIOError, and OSError for a file that has become shorter."""
        assert isinstance(self.sock, socket.socket)
        head = message.head
        if self._offset < len(head):
            self._took(self.sock.send(memoryview(head)[self._offset :], socket.MSG_MORE))
        start = self._offset - len(head)
        if start < 0:
            raise BlockingIOError
        left = message.count - start
        at = message.offset + start
        moved = os.sendfile(self._fd, message.fd, at, min(left, self.FILE_TURN))
        if not moved:
            log.warning("a file became shorter while it was sent: it ends at %s", at)
            raise OSError(EIO, "the rest of a file is missing")
        self._took(moved)
        if moved < left:
            if message.count > self.FILE_TURN:
                # Fetched from the disk before it is asked for: sendfile() would wait for that.
                # The first FILE_TURN is there.
                os.posix_fadvise(
                    message.fd, at + moved, min(left, self.FILE_TURN), os.POSIX_FADV_WILLNEED
                )
            self._block()

    def _took(self, sent: int) -> None:
        """Collect the messages of which the kernel has now taken the last byte."""
        messages = self._outgoing
        sent += self._offset
        while messages and sent >= len(messages[0]):
            sent -= len(messages[0])
            messages.pop(0)
        self._offset = sent

    def _block(self) -> None:
        """The kernel takes no more for now."""
        self._blocked = True
        self._watch(self._events | WRITE)
        self._wait()

    def _writable(self) -> None:
        """The kernel takes more."""
        self._blocked = False
        self._watch(self._events & ~WRITE)
        self._wait()
        self._arrived()

    def _hold(self) -> None:
        """Let those who might send more sleep. Asked again for every message that comes all the
        same: a chassis starts its children when it likes."""
        held: list[component] = [self.protocol]
        for part in held:
            held.extend(child for child in part.children if child not in held)
            if not isinstance(part, ReactiveComponent):
                self.home.hold(part)
        self._held = held

    def _release(self) -> None:
        for part in self._held:
            self.home.release(part)
        self._held = []

    # In.

    def _ready(self, events: int) -> None:
        """The poller's callback."""
        if events & WRITE:
            self._writable()
        if events & ~WRITE and not self._finished:
            if self._events & READ:
                self._receive()
            elif events & HANG_UP:
                self._hung_up()
            elif events & ~(READ | WRITE):  # an error or a hang-up while nothing was to be read
                self._cut("connection lost")

    def _receive(self, _events: int = READ) -> None:
        """Also the poller's callback, while there is only something to receive."""
        box = self._incoming.sink
        if box and len(box) >= (box.size or self.READ_AHEAD) and not self._closing:
            self._watch(self._events & ~READ | HANG_UP)
            return
        try:
            data = self.sock.recv(self._read_size)
        except BlockingIOError:
            return
        except OSError as error:
            self._cut(str(error))
            return
        if not data:
            self._ended()
        elif not self._closing:  # what comes after that is for nobody
            if len(data) >= READ_SIZE:
                self._read_size = READ_MORE if box.size == 1 else READ_SIZE
            elif self._read_size != READ_SIZE:
                self._read_size = READ_SIZE
            box.append(data)

    def _hung_up(self) -> None:
        """The other side has ended while we do not read, as a handler is at work: its end is
        behind bytes that nobody asks for. Without this the handler would be at work for nobody.

        Stock protocols are left to collect those bytes first.
        """
        self._watch(self._events & ~HANG_UP)
        if isinstance(self.protocol, ReactiveComponent):
            self._eof = True
            self._tell("closed by the other side")
            self._wait()

    def _collected(self) -> None:
        """Somebody took a message out of the box that we fill."""
        if self._eof:
            self._pass_on_end()
        elif not self._events & READ and not self._finished:
            self._watch((self._events | READ) & ~HANG_UP)

    def _ended(self) -> None:
        """The other side sends no more. As in Kamaelia, half a connection is none: the protocol
        is told so and may send the rest of what it has."""
        if self._lingering:
            self._cut("closed")
            return
        self._eof = True
        self._watch(self._events & ~READ)
        self._pass_on_end()

    def _pass_on_end(self) -> None:
        """Tell the protocol, once it has collected what came before: the stock ones look at
        "control" first and would leave it lying."""
        if not self._told and not self._finished:
            if not len(self._incoming.sink):
                self._tell("closed by the other side")
            self._wait()

    # Closing.

    def _close_gently(self) -> None:
        """Close, but so that the other side gets what was sent last.

        A socket that is closed with unread input in it sends a reset, which can overtake the
        answer (RFC 9112, section 9.6). So only our direction is closed, and what comes is thrown
        away until the other side closes too or LINGER is over.
        """
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:  # TLS says that this is the end, and there is no room for it
            self._block()
            return
        except OSError as error:
            self._cut(str(error))
            return
        self._lingering = True
        self._watch(READ)
        self._later(self.LINGER)

    def _wait(self) -> None:
        """Begin to count the time that the other side, or the protocol, has for its next move."""
        if self._blocked or (self._eof and not self._told):
            self._later(self.stall)
        else:
            self._later(self.GRACE if self._eof else None)

    def _later(self, seconds: float | None) -> None:
        """Cut the connection in `seconds`, and not when that was last asked for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = self.home.call_later(seconds, self._timed_out)

    def _timed_out(self) -> None:
        self._cut("timed out", reset=not self._lingering)

    def _cut(self, why: str, reset: bool = False) -> None:
        """Close the socket now; what was not sent yet is lost, and then the other side is to know.

        reset: the other side is to know anyway.
        """
        if self._fd < 0:
            return
        self.home.poller.unwatch(self._fd)
        self._fd = -1
        if reset or self._outgoing:
            with suppress(OSError):  # the other side is gone already
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.sock.close()
        self._later(None)
        del self._outgoing[:]
        self._release()
        self.finish()
        self._tell(why)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            self.send(socketShutdown(self, why), "signal")

    def _watch(self, events: int) -> None:
        if self._fd >= 0 and events != self._events:
            self._events = events
            ready = self._receive if events == READ else self._ready
            self.home.poller.watch(self._fd, events, ready)


__kamaelia_components__ = (ConnectedSocket,)
