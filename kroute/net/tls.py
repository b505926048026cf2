"""TLS: what makes a Listener speak it. Handshake, TLSSocket, Refusal: how it does. tls_context:
from files.

There is a connection, with a protocol behind it, once the handshake is done. It carries bytes as
any other: a TLSSocket has those methods of a socket that ConnectedSocket asks for.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import NamedTuple

from Axon.Ipc import producerFinished

from ..scheduler import READ, WRITE, ReactiveComponent, Timer
from .address import BindError

__all__ = ["TLS", "Handshake", "Refusal", "TLSSocket", "tls_context"]

log = logging.getLogger("kroute.net")

HANDSHAKE_RECORD = b"\x16"
"""The first byte of whoever speaks TLS (RFC 8446, section 5.1)."""


class TLS(NamedTuple):
    """What a Listener needs to speak TLS.

    context: with a certificate. refusal: sent to clients that do not speak TLS.
    """

    context: ssl.SSLContext
    refusal: bytes = b""


def tls_context(
    certfile: str, keyfile: str | None = None, protocols: Sequence[str] = ()
) -> ssl.SSLContext:
    """A server's context, for TLS 1.2 and later, from files in PEM form.

    certfile: the certificate and those it is signed with. keyfile: its key, if not in there too;
    of an encrypted one the password is asked for on the terminal. protocols: offered by ALPN (RFC
    7301). Raises BindError where the files are not what they should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # work for us that costs the client nothing
    if protocols:
        context.set_alpn_protocols(list(protocols))
    try:
        for file in filter(None, (certfile, keyfile)):
            with open(file, "rb"):
                pass  # for an error that names the file: load_cert_chain's does not
        context.load_cert_chain(certfile, keyfile)
    except ssl.SSLError as error:
        files = f"{certfile} and {keyfile}" if keyfile else certfile
        why = (error.reason or "not a certificate and a key in PEM form").lower().replace("_", " ")
        raise BindError(f"cannot speak TLS with {files}: {why}") from error
    except OSError as error:
        raise BindError(f"cannot speak TLS with {error.filename}: {error.strerror}") from error
    return context


class TLSSocket:
    """A non-blocking socket whose handshake is done, with the methods of a plain one.

    OpenSSL reads no further than to the end of the record that it was asked for. So nothing is
    ready that the poller does not see, as long as `recv` has room for a record. An end without
    close_notify is an error: somebody may have cut the connection (RFC 8446, section 6.1).
    """

    AT_ONCE = 65536
    """Bytes encrypted in one call. OpenSSL keeps what the kernel has not taken of them, and wants
    to be called again with the same bytes, or the same and more."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._sock = sock
        self._over = False
        self.fileno = sock.fileno
        self.setsockopt = sock.setsockopt
        self.close = sock.close

    def recv(self, size: int) -> bytes:
        if self._over:  # only to be thrown away
            return socket.socket.recv(self._sock, size)
        try:
            return self._sock.recv(size)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        if len(data) == 0:
            return 0  # no record without anything in it
        if len(data) > self.AT_ONCE:
            data = memoryview(data)[: self.AT_ONCE]
        try:
            return self._sock.send(data)
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None

    def sendmsg(self, messages: Sequence[bytes | memoryview]) -> int:
        if len(messages[0]) >= self.AT_ONCE:
            return self.send(messages[0])
        together = bytearray()
        for message in messages:
            together += memoryview(message)[: self.AT_ONCE - len(together)]
            if len(together) == self.AT_ONCE:
                break
        return self.send(together)

    def shutdown(self, how: int) -> None:
        """Send close_notify, then close our direction of the connection."""
        try:
            self._sock.unwrap()
        except ssl.SSLWantWriteError:
            raise BlockingIOError from None
        except ssl.SSLError:
            pass  # ours is sent; theirs may never come
        self._over = True
        socket.socket.shutdown(self._sock, how)


class Handshake(ReactiveComponent):
    """Has a client's TLS handshake, whatever time the client takes for it, up to SECONDS.

    sock: connected, non-blocking; it belongs to the component until it is handed over.
    peer: the client, for the log.
    done: called with a TLSSocket, or the socket itself if the client does not speak TLS. It is
    not called if the handshake fails.
    """

    Inboxes = {"inbox": "not used", "control": "anything: close the connection"}
    Outboxes = {"outbox": "not used", "signal": "not used"}

    SECONDS = 10.0

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        peer: str,
        done: Callable[[socket.socket | TLSSocket], None],
    ) -> None:
        super().__init__()
        self.sock: socket.socket | None = sock
        self._fd = sock.fileno()
        self._context = context
        self._peer = peer
        self._done = done
        self._timer: Timer | None = None

    def on_start(self) -> None:
        self._timer = self.home.call_later(self.SECONDS, self._timed_out)
        self._watch(READ)

    def on_end(self) -> None:
        sock = self._let_go()
        if sock is not None:
            sock.close()

    def stop(self) -> None:
        super().stop()
        if self._timer is None and self.sock is not None:  # it never ran: no `on_end` to come
            self.sock.close()

    def react(self) -> None:
        if self.dataReady("control"):
            self.finish()

    def _watch(self, events: int) -> None:
        self.home.poller.watch(self._fd, events, self._ready)

    def _let_go(self) -> socket.socket | None:
        sock, self.sock = self.sock, None
        if sock is not None:
            self.home.poller.unwatch(self._fd)
        if self._timer is not None:
            self._timer.cancel()
        return sock

    def _timed_out(self) -> None:
        if not self._finished:
            self._fail(f"it took longer than {self.SECONDS:g} s")

    def _fail(self, why: object) -> None:
        log.info("the TLS handshake with %s failed: %s", self._peer, why)
        self.finish()

    def _ready(self, events: int) -> None:
        """The poller's callback: go on with the handshake."""
        if self._finished:  # it has failed, and has not had the turn yet in which it ends
            return
        try:
            sock = self._begun()
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(READ)
        except ssl.SSLWantWriteError:
            self._watch(WRITE)
        except OSError as error:
            self._fail(error)
        else:
            self._let_go()
            self._done(TLSSocket(sock) if isinstance(sock, ssl.SSLSocket) else sock)
            self.finish()

    def _begun(self) -> socket.socket:
        """The socket: for TLS, if that is how the client began."""
        sock = self.sock
        assert sock is not None
        if not isinstance(sock, ssl.SSLSocket):
            first = sock.recv(1, socket.MSG_PEEK)
            if not first:
                raise ConnectionAbortedError("the client closed the connection")
            if first == HANDSHAKE_RECORD:
                self.sock = sock = self._context.wrap_socket(
                    sock,
                    server_side=True,
                    do_handshake_on_connect=False,
                    suppress_ragged_eofs=False,
                )
        return sock


class Refusal(ReactiveComponent):
    """A protocol that has one thing to say, whatever it is asked."""

    Inboxes = {"inbox": "bytes, thrown away", "control": "not used"}
    Outboxes = {"outbox": "the bytes to send", "signal": "producerFinished"}

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def on_start(self) -> None:
        self.send(self._data, "outbox")
        self.send(producerFinished(self), "signal")
        self.finish()

    def react(self) -> None:
        """Nothing that comes makes a difference."""


__kamaelia_components__ = (Handshake, Refusal)
