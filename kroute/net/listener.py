"""Listener: accepts connections and puts a protocol component behind each.

The part of Kamaelia's ServerCore and TCPServer, for one listening socket.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from ..scheduler import READ, ReactiveComponent
from .address import BACKLOG
from .capacity import Capacity
from .connection import CAN_SEND_FILES, ConnectedSocket
from .tls import TLS, Handshake, Refusal, TLSSocket

__all__ = ["Listener", "ProtocolFactory"]

log = logging.getLogger("kroute.net")

ProtocolFactory = Callable[..., component]
"""ServerCore's contract: called with the keywords peer, peerport, localip and localport, it makes
the component whose inbox gets the bytes of one connection and whose outbox sends to it. On Unix
sockets, which have no addresses, they are "" and 0."""

UNSENT = 256 * 1024
"""Bytes that the kernel holds for a client beside those that are on their way to it. (64 KiB to 1
MiB were measured: large files come as fast with as without.)"""

OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener(ReactiveComponent):
    """Accepts connections on a listening socket, each with a component of `protocol` behind it.

    sock: listening, non-blocking (see `bind`); it belongs to the component from now on.
    protocol: a protocol factory as for Kamaelia's ServerCore.
    max_connections: while so many are open, the next ones wait in the kernel's backlog; a
    `Capacity` is one for several listeners. tls: if given, connections are encrypted. stall: see
    ConnectedSocket.
    """

    Inboxes = {
        "inbox": "not used",
        "control": "producerFinished: accept those that wait and no more, end with the last "
        "connection; shutdownMicroprocess: close everything",
    }
    Outboxes = {
        "outbox": "not used",
        "signal": "producerFinished, at the end",
    }

    ACCEPT_AT_ONCE = 64
    """Connections accepted before others have their turn."""

    RETRY = 0.5
    """Seconds until the next try after the system had no descriptor left."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: ProtocolFactory,
        max_connections: int | Capacity = 10_000,
        tls: TLS | None = None,
        stall: float | None = None,
    ) -> None:
        super().__init__()
        self.sock = sock
        self.protocol = protocol
        if isinstance(max_connections, int):
            max_connections = Capacity(max_connections)
        self.capacity = max_connections
        self.tls = tls
        self.stall = stall
        # With the protocol of each; a handshake has none, and is told of an end itself.
        self.connections: dict[ConnectedSocket | Handshake, component] = {}
        self._accepting = False
        self.port = _place(sock.getsockname())[1]
        _bound_output(sock)

    def on_start(self) -> None:
        self._accept_more()

    def _accept_more(self) -> None:
        if not self._accepting and self.sock.fileno() >= 0:
            self._accepting = True
            self.home.poller.watch(self.sock.fileno(), READ, self._ready)

    def _accept_no_more(self) -> None:
        if self._accepting:
            self._accepting = False
            self.home.poller.unwatch(self.sock.fileno())

    def on_end(self) -> None:
        self._close()
        self.send(producerFinished(self), "signal")

    def stop(self) -> None:
        super().stop()
        if not self._accepting:  # perhaps it never ran, and there is no `on_end` to come
            self.sock.close()

    def _close(self) -> None:
        self._accept_no_more()
        self.sock.close()

    def react(self) -> None:
        """Obey "control"."""
        while self.dataReady("inbox"):
            self.recv("inbox")
        while self.dataReady("control"):
            message = self.recv("control")
            if isinstance(message, shutdownMicroprocess):
                self._close()
                for connection in list(self.connections):
                    connection._deliver(message, "control")
                self.finish()
            elif isinstance(message, producerFinished) and self.sock.fileno() >= 0:
                if self._accepting:
                    self._accept(BACKLOG)  # or closing resets those that wait
                self._close()
                for protocol in list(self.connections.values()):
                    protocol._deliver(message, "control")
                if not self.connections:
                    self.finish()

    def _ready(self, events: int) -> None:
        """The poller's callback: accept what is there."""
        self._accept(self.ACCEPT_AT_ONCE)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            if self.capacity.full:
                self._accept_no_more()
                self.capacity.wait(self._accept_more)
                return
            try:
                sock, peer = self.sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in OUT_OF_DESCRIPTORS:
                    log.error("cannot accept a connection: %s", error.strerror)
                    self._accept_no_more()
                    self.capacity.wait(self._accept_more)
                    self.home.call_later(self.RETRY, self._accept_more)
                    return
                continue  # that client gave up before it was its turn
            self._connected(sock, peer)

    def _connected(self, sock: socket.socket, peer: Any) -> None:
        """A client is there: begin with what comes first."""
        try:
            sock.setblocking(False)
            if isinstance(peer, tuple):  # TCP
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            local = sock.getsockname()
        except OSError:
            sock.close()  # the client is gone already
            return
        (peer, peerport), (localip, localport) = _place(peer), _place(local)
        make = partial(
            self.protocol, peer=peer, peerport=peerport, localip=localip, localport=localport
        )
        if self.tls is None:
            self._open(sock, make)
            return
        handshake = Handshake(sock, self.tls.context, peer, partial(self._shaken, make=make))
        self._add(handshake, handshake)

    def _shaken(self, sock: socket.socket | TLSSocket, make: Callable[[], component]) -> None:
        """A handshake is done, or the client does not want one."""
        if isinstance(sock, TLSSocket):
            self._open(sock, make)
        elif self.tls is not None:
            self._open(sock, partial(Refusal, self.tls.refusal))

    def _open(self, sock: socket.socket | TLSSocket, make: Callable[[], component]) -> None:
        """Make and wire the two components of a connection."""
        try:
            protocol = make()
            if hasattr(protocol, "can_send_files"):
                protocol.can_send_files = CAN_SEND_FILES and not isinstance(sock, TLSSocket)
            connection = ConnectedSocket(sock, protocol, self.stall)
            connection.link_fixed()
        except Exception as error:
            sock.close()
            log.error("no protocol component from %r", self.protocol, exc_info=error)
            return
        self._add(connection, protocol)
        protocol.activate(Scheduler=self.home)

    def _add(self, connection: ConnectedSocket | Handshake, protocol: component) -> None:
        self.connections[connection] = protocol
        self.capacity.take()
        connection._callOnCloseDown.append(partial(self._disconnected, connection))
        connection.activate(Scheduler=self.home)

    def _disconnected(self, connection: ConnectedSocket | Handshake) -> None:
        if self.connections.pop(connection, None) is not None:
            self.capacity.give_back()
        if not self.connections and self.sock.fileno() < 0:
            self.finish()


def _bound_output(sock: socket.socket) -> None:
    """Have the kernel take no more than UNSENT bytes ahead of what it sends, on each connection
    that is accepted: it would take several megabytes for a client that reads nothing, and copying
    that for many clients takes the time of the others, too. (On Unix sockets it does not.)"""
    if sock.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


def _place(name: object) -> tuple[str, int]:
    """(host, port) of what accept() and getsockname() call an address."""
    return (name[0], name[1]) if isinstance(name, tuple) else ("", 0)


__kamaelia_components__ = (Listener,)
