"""ConnectedSocket: one connection as a component, bytes in and bytes out.

The part of Kamaelia's ConnectedSocketAdapter, on an event-driven scheduler.
"""

from __future__ import annotations

import socket
from typing import Any

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.IPC import socketShutdown

from ..scheduler import READ, WRITE, ReactiveComponent, Timer

__all__ = ["ConnectedSocket"]


class ConnectedSocket(ReactiveComponent):
    """Sends what arrives in "inbox" through a socket and what the socket receives to "outbox".

    A message stays in "inbox" until the kernel has taken all of it. So whoever sent it learns how
    fast the other side reads from Axon's own signs: the box's length, and the notification that
    its outbox gets when a message is collected. In the same way nothing more is read from the
    socket while the box that "outbox" goes to is full.

    sock: connected; it belongs to the component from now on.
    protocol: the component that it is for. When that ends, the connection is closed.
    """

    Inboxes = {
        "inbox": "bytes to send",
        "control": "producerFinished: send what is left, then close; shutdownMicroprocess: close",
    }
    Outboxes = {
        "outbox": "bytes received",
        "signal": "one socketShutdown when the other side sends no more, or the connection is lost",
    }

    READ_SIZE = 65536
    GATHER = 64
    """Messages handed to the kernel in one call."""

    LINGER = 2.0
    """Seconds in which the other side may notice that we closed, before it is cut off."""

    GRACE = 5.0
    """Seconds that the protocol has for its last words after the other side has ended."""

    def __init__(self, sock: socket.socket, protocol: component) -> None:
        super().__init__()
        self.sock = sock
        self.protocol = protocol
        self._fd = sock.fileno()
        self._events = -1  # what the poller watches for; -1: it does not know us
        self._offset = 0  # of the first message in "inbox": how much of it is sent already
        self._blocked = False
        self._closing = False
        self._eof = False
        self._told = False
        self._timer: Timer | None = None
        self._outgoing: Any = self.inboxes["inbox"].storage
        self._incoming = self.outboxes["outbox"]
        self._incoming.myNotifyOnPop.append(self._collected)

    # The component's life.

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

    def react(self) -> None:
        """Send what can be sent; close when asked to."""
        while self.dataReady("control"):
            message = self.recv("control")
            if isinstance(message, producerFinished):
                self._closing = True
            elif isinstance(message, shutdownMicroprocess):
                self._cut("shut down")
                return
        if not self._blocked:
            self._send()
        if self._closing and not self._outgoing and not self._finished:
            self._close_gently()

    # Out.

    def _send(self) -> None:
        """Hand messages to the kernel until there are none or it takes no more."""
        messages = self._outgoing
        try:
            while messages:
                if len(messages) == 1 and not self._offset:
                    sent = self.sock.send(messages[0])
                else:
                    head = memoryview(messages[0])[self._offset :]
                    sent = self.sock.sendmsg([head, *messages[1 : self.GATHER]])
                self._took(sent)
        except BlockingIOError:
            self._blocked = True
            self._watch(self._events | WRITE)
        except OSError as error:
            self._cut(str(error))
        except TypeError as error:
            raise TypeError(
                f"{self.protocol.name} sent {type(messages[0]).__name__} to its connection; "
                "a connection carries bytes"
            ) from error

    def _took(self, sent: int) -> None:
        """Collect the messages of which the kernel has now taken the last byte."""
        messages = self._outgoing
        sent += self._offset
        while messages and sent >= len(messages[0]):
            sent -= len(messages[0])
            messages.pop(0)
        self._offset = sent

    # In.

    def _ready(self, events: int) -> None:
        """The poller's callback."""
        if events & WRITE:
            self._blocked = False
            self._watch(self._events & ~WRITE)
            self._arrived()
        if events & ~WRITE and not self._finished:
            if self._events & READ:
                self._receive()
            elif events & ~READ:  # an error or a hang-up while nothing was to be read
                self._cut("connection lost")

    def _receive(self) -> None:
        try:
            data = self.sock.recv(self.READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._cut(str(error))
            return
        if self._closing:  # lingering: whatever still comes is for nobody
            if not data:
                self._cut("closed")
        elif data:
            self.send(data, "outbox")
            if self._incoming.isFull():
                self._watch(self._events & ~READ)
        else:
            self._ended()

    def _collected(self) -> None:
        """Somebody took a message out of the box that we fill."""
        if not self._events & READ and not self._eof and self._fd >= 0 and not self._finished:
            self._watch(self._events | READ)

    def _ended(self) -> None:
        """The other side sends no more. As in Kamaelia, half a connection is none: the protocol
        is told so and may send the rest of what it has."""
        self._eof = True
        self._watch(self._events & ~READ)
        self._later(self.GRACE)
        self._tell("closed by the other side")

    # Closing.

    def _close_gently(self) -> None:
        """Close, but so that the other side gets what was sent last.

        A socket that is closed with unread input in it sends a reset, which can overtake the
        answer (RFC 9112, section 9.6). So only our direction is closed, and what comes is thrown
        away until the other side closes too or LINGER is over.
        """
        if self._eof:
            self._cut("closed")
            return
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._cut(str(error))
            return
        self._watch(READ)
        self._later(self.LINGER)

    def _later(self, seconds: float) -> None:
        """Cut the connection in `seconds`, if it is still there."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.home.call_later(seconds, lambda: self._cut("timed out"))

    def _cut(self, why: str) -> None:
        """Close the socket now; what was not sent yet is lost."""
        if self._fd < 0:
            return
        self.home.poller.unwatch(self._fd)
        self._fd = -1
        self.sock.close()
        if self._timer is not None:
            self._timer.cancel()
        del self._outgoing[:]
        self.finish()
        self._tell(why)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            self.send(socketShutdown(self, why), "signal")

    def _watch(self, events: int) -> None:
        if self._fd >= 0 and events != self._events:
            self._events = events
            self.home.poller.watch(self._fd, events, self._ready)


__kamaelia_components__ = (ConnectedSocket,)
