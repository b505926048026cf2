"""What the tests of sockets share: both ends of a connection, protocols, and a server."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any, TypeVar

from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess

from kroute.net import Address, ConnectedSocket, Listener, bind
from kroute.scheduler import Scheduler
from tests.waiting import PATIENCE, wait_until

T = TypeVar("T")


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection: a server's, non-blocking, and a client's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    ours.setblocking(False)
    client.settimeout(PATIENCE)
    return ours, client


class Still(component):
    """A protocol that does nothing but what a test makes it do."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False

    def main(self) -> Iterator[int]:
        while not self.ended:
            self.pause()
            yield 1

    def end(self) -> None:
        self.ended = True
        self.unpause()

    def got(self, box: str = "inbox") -> list[Any]:
        return list(self.Inbox(box))


class Chargen(component):
    """Kamaelia's, with bytes: endless, looks at nothing, not even at "control"."""

    MESSAGE = b"Hello World" * 5000

    def __init__(self, **argd: Any) -> None:
        super().__init__(**argd)
        self.sent = 0

    def main(self) -> Iterator[int]:
        while True:
            self.send(self.MESSAGE, "outbox")
            self.sent += 1
            yield 1


class Wire:
    """A ConnectedSocket and its protocol on one end, a client's socket at the other."""

    def __init__(self, scheduler: Scheduler, protocol: component) -> None:
        self.scheduler = scheduler
        self.protocol: Any = protocol
        ours, self.client = tcp_pair()
        self.connection = ConnectedSocket(ours, protocol)
        self.connection.link_fixed()
        self.connection.activate(Scheduler=scheduler)
        protocol.activate(Scheduler=scheduler)
        self._main = scheduler.main(canblock=False)
        self.step(3)

    def close(self) -> None:
        self._main.close()
        self.client.close()

    def step(self, cycles: int = 1) -> None:
        for _ in range(cycles):
            next(self._main, None)

    def until(self, condition: Callable[[], T]) -> T:
        """Step until something holds, and return it."""
        return condition() or wait_until(lambda: self.step() or condition(), between=0.0001)

    def settle(self) -> None:
        """Step until nothing can be expected any more."""
        for _ in range(30):
            self.step()
            sleep(0.0001)

    @property
    def over(self) -> bool:
        return self.connection not in self.scheduler.listAllThreads()

    def read(self, size: int) -> bytes:
        """What the client gets, up to the end or `size` bytes, while the scheduler goes on."""
        got = bytearray()
        self.client.setblocking(False)

        def more() -> bool:
            with contextlib.suppress(BlockingIOError):
                while len(got) < size:
                    data = self.client.recv(min(65536, size - len(got)))
                    if not data:
                        return True
                    got.extend(data)
            return len(got) >= size

        self.until(more)
        return bytes(got)

    def ended(self) -> str:
        """How the client sees the connection's end: "end" or "reset"."""
        try:
            assert self.read(1) == b""
        except ConnectionResetError:
            return "reset"
        return "end"

    def finish(self) -> None:
        """The protocol says that it has sent all."""
        self.protocol.send(producerFinished(self.protocol), "signal")

    def shut_down(self) -> None:
        """The protocol asks for an end at once."""
        self.protocol.send(shutdownMicroprocess(self.protocol), "signal")


class Server:
    """A Listener whose scheduler runs in a thread; the test is the client."""

    def __init__(
        self,
        scheduler: Scheduler,
        protocol: Callable[..., component],
        host: str = "127.0.0.1",
        sock: socket.socket | None = None,
        **argd: Any,
    ) -> None:
        self.scheduler = scheduler
        self.host = host
        self.listener = Listener(sock or bind(Address(host, 0)), protocol, **argd)
        self.port = self.listener.port
        self.listener.activate(Scheduler=scheduler)
        self._thread = threading.Thread(target=scheduler.runThreads)
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call in the scheduler's thread."""
        result: list[T] = []
        done = threading.Event()

        def call() -> None:
            try:
                result.append(function(*args))
            finally:
                done.set()

        self.scheduler.call_soon(call)
        assert done.wait(PATIENCE)
        return result[0]

    def tell(self, message: object) -> None:
        self.call(self.listener._deliver, message, "control")

    def until(self, condition: Callable[[], T]) -> T:
        """Ask in the scheduler's thread until something holds."""
        return wait_until(lambda: self.call(condition))

    @property
    def open(self) -> int:
        return self.call(lambda: len(self.listener.connections))

    def join(self) -> None:
        """Wait until the scheduler has nothing left to run."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.scheduler.stop()
        self.join()


def all_of(sock: socket.socket) -> bytes:
    """What comes until the end."""
    got = bytearray()
    while data := sock.recv(65536):
        got.extend(data)
    return bytes(got)


def exactly(sock: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        data = sock.recv(min(65536, size - len(got)))
        assert data, f"ended after {len(got)} of {size} bytes"
        got.extend(data)
    return bytes(got)


def after_cycles(scheduler: Scheduler, cycles: int, callback: Callable[[], object]) -> None:
    """Call back when the scheduler has gone through some cycles, however long they take."""
    if cycles:
        scheduler.call_soon(lambda: after_cycles(scheduler, cycles - 1, callback))
    else:
        callback()
