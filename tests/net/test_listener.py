"""`Listener`: accepts connections and puts a protocol component behind each."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import random
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Chassis.ConnectedServer import ServerCore
from Kamaelia.Internet.ConnectedSocketAdapter import ConnectedSocketAdapter
from Kamaelia.Protocol.EchoProtocol import EchoProtocol

from kroute.net import Address, Capacity, ConnectedSocket, Listener, bind
from kroute.net.listener import UNSENT
from kroute.scheduler import PortablePoller, Scheduler
from tests.waiting import PATIENCE, wait_until

from .helpers import Chargen, Server, Still, after_cycles, all_of, exactly

Serve = Callable[..., Server]


def echo(**where: object) -> component:
    return EchoProtocol()


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_stock_protocol_answers(serve: Serve) -> None:
    server = serve(echo)
    with server.connect() as client:
        for message in (b"one", b"two"):
            client.sendall(message)
            assert exactly(client, 3) == message
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    server.until(lambda: not server.listener.connections)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_factory_is_told_both_ends(serve: Serve, host: str) -> None:
    said: list[dict[str, Any]] = []

    def factory(**where: Any) -> component:
        said.append(where)
        return EchoProtocol()

    server = serve(factory, host)
    with server.connect() as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        assert said == [
            {
                "peer": host,
                "peerport": client.getsockname()[1],
                "localip": host,
                "localport": server.port,
            }
        ]


def test_many_at_a_time(serve: Serve) -> None:
    server = serve(echo)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(200)]
        for n, client in enumerate(clients):
            client.sendall(b"%4d" % n)
        for n, client in enumerate(clients):
            assert exactly(client, 4) == b"%4d" % n
        assert server.open == 200
    server.until(lambda: not server.listener.connections)


def test_without_epoll_it_is_the_same(scheduler: Scheduler, serve: Serve) -> None:
    scheduler.poller.close()
    scheduler.poller = PortablePoller()
    made: list[component] = []

    def factory(**where: object) -> component:
        made.append(EchoProtocol() if made else Chargen())
        return made[-1]

    server = serve(factory)
    with server.connect() as endless, server.connect() as echoes:
        for _ in range(3):
            echoes.sendall(b"x")
            assert echoes.recv(1) == b"x"
            exactly(endless, 5_000_000)
    server.until(lambda: not server.listener.connections)


def test_large_echoes_of_many_clients_stay_apart(serve: Serve) -> None:
    server = serve(echo)
    failed: list[object] = []

    def client(n: int) -> None:
        want = bytes([n]) * 3_000_000
        with server.connect() as sock:
            sender = threading.Thread(target=sock.sendall, args=(want,))
            sender.start()
            if exactly(sock, len(want)) != want:
                failed.append(n)
            sender.join()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_opened_and_closed_by_the_thousand(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """In every rude way there is; nothing is left of them."""
    server = serve(echo)
    chance = random.Random(7)
    gc.collect()  # what is left of other tests is not to go while descriptors are counted
    descriptors = len(os.listdir("/dev/fd"))
    for n in range(2000):
        with server.connect() as client:
            how = n % 5
            if how > 0:
                client.sendall(b"x" * chance.choice([1, 10, 100_000]))
            if how > 1:
                client.recv(chance.choice([1, 70_000]))
            if how == 3:
                client.shutdown(socket.SHUT_WR)
            if how == 4:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.until(lambda: not server.listener.connections)
    server.until(lambda: server.scheduler.listAllThreads() == [server.listener])
    assert len(os.listdir("/dev/fd")) <= descriptors  # threads of other tests end when they like
    assert server.call(lambda: len(server.scheduler.poller.callbacks)) == 2
    assert server.call(lambda: len(server.scheduler.timers)) == 0
    gc.collect()
    assert [thing for thing in gc.get_objects() if isinstance(thing, ConnectedSocket)] == []
    assert errors(caplog) == []


def test_a_client_that_does_not_read_does_not_hinder_the_others(serve: Serve) -> None:
    protocols: list[Chargen] = []

    def factory(localport: int, **where: object) -> component:
        protocols.append(Chargen())
        return protocols[-1]

    server = serve(factory)
    with server.connect() as idle, server.connect() as reads:
        idle.setblocking(False)
        exactly(reads, 20_000_000)
        assert server.call(lambda: [len(c._outgoing) < 10 for c in server.listener.connections])


# A factory that gives no protocol.


class NoControl(component):
    Inboxes = {"inbox": "bytes"}

    def main(self) -> Iterator[int]:
        yield 1


@pytest.mark.parametrize(
    "factory",
    [
        lambda **where: None,
        lambda **where: "text",
        lambda **where: os.stat("/no/such/file"),
        lambda: None,
        lambda **where: NoControl(),
        lambda **where: 1 / 0,
    ],
    ids=["None", "text", "OSError", "arguments", "no control", "ZeroDivisionError"],
)
def test_a_factory_that_fails_costs_one_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture, factory: Any
) -> None:
    good = [False]

    def sometimes(**where: object) -> Any:
        return EchoProtocol() if good[0] else factory(**where)

    server = serve(sometimes)
    for _ in range(2):
        with server.connect() as client:
            assert client.recv(1) == b""
    good[0] = True
    with server.connect() as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    records = errors(caplog)
    assert len(records) == 2
    assert "no protocol component from <function" in records[0].getMessage()
    assert records[0].exc_info is not None


def test_a_factory_that_gives_the_same_component_twice(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    only = EchoProtocol()
    server = serve(lambda **where: only)
    with server.connect() as first, server.connect() as second:
        assert second.recv(1) == b""
        first.sendall(b"x")
        assert first.recv(1) == b"x"
    assert len(errors(caplog)) == 1


def test_protocols_that_fail_among_such_that_work(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(component):
        def main(self) -> Iterator[int]:
            while not self.dataReady("inbox"):
                self.pause()
                yield 1
            raise KeyError("protocol")

    made: list[component] = []

    def factory(**where: object) -> component:
        made.append(Fails() if len(made) % 2 else EchoProtocol())
        return made[-1]

    server = serve(factory)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"x")
        for n, client in enumerate(clients):
            if n % 2:
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
            else:
                assert client.recv(1) == b"x"
        server.until(lambda: len(server.listener.connections) == 50)
    assert len(errors(caplog)) == 50


# Limits.


def test_more_connections_than_allowed_wait_their_turn(serve: Serve) -> None:
    server = serve(echo, max_connections=2)
    first, second, third = (server.connect() for _ in range(3))
    with first, second, third:
        one_waits(first, second, third)
        assert server.open == 2
        one_comes(first, third)


def one_waits(first: socket.socket, second: socket.socket, third: socket.socket) -> None:
    third.sendall(b"3")
    for client in (first, second):
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    third.settimeout(0.02)
    with pytest.raises(TimeoutError):
        third.recv(1)


def one_comes(first: socket.socket, third: socket.socket) -> None:
    first.close()
    third.settimeout(PATIENCE)
    assert third.recv(1) == b"3"


def test_two_listeners_can_share_a_capacity(serve: Serve) -> None:
    capacity = Capacity(2)
    server = serve(echo, max_connections=capacity)
    other = Listener(bind(Address("127.0.0.1", 0)), echo, capacity)
    server.call(lambda: other.activate(Scheduler=server.scheduler))
    first = server.connect()
    second, third = (socket.create_connection(("127.0.0.1", other.port)) for _ in range(2))
    with first, second, third:
        one_waits(first, second, third)
        one_comes(first, third)  # a connection of the one makes room for the other
    server.until(lambda: not capacity.taken)


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="not on this system")
def test_the_kernel_holds_little_for_a_client_that_does_not_read(serve: Serve) -> None:
    server = serve(lambda **where: Chargen())
    with server.connect():
        (connection,) = server.until(lambda: list(server.listener.connections))
        option = (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert server.call(lambda: connection.sock.getsockopt(*option)) == UNSENT


class Poor:
    """A listening socket of a system that has no descriptor left, `times` times."""

    def __init__(self, sock: socket.socket, number: int, times: int) -> None:
        self._sock = sock
        self._number = number
        self.times = times

    def accept(self) -> tuple[socket.socket, Any]:
        if self.times:
            self.times -= 1
            raise OSError(self._number, os.strerror(self._number))
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_descriptors_it_tries_again_later(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    monkeypatch.setattr(Listener, "RETRY", 0.002)
    server = serve(echo)
    server.call(lambda: setattr(server.listener, "sock", Poor(server.listener.sock, number, 2)))
    with server.connect() as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    assert [record.getMessage() for record in errors(caplog)] == [
        f"cannot accept a connection: {os.strerror(number)}"
    ] * 2


def test_without_descriptors_it_does_not_spin(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Listener, "RETRY", 0.01)
    server = serve(echo)
    poor = Poor(server.listener.sock, errno.EMFILE, 1_000_000)
    server.call(lambda: setattr(server.listener, "sock", poor))
    began = monotonic()
    with server.connect() as client:
        client.sendall(b"x")
        wait_until(lambda: errors(caplog), "a try")
        sleep(0.03)
        tries = len(errors(caplog))
        assert tries <= (monotonic() - began) / Listener.RETRY + 2
        poor.times = 0
        assert client.recv(1) == b"x"


def test_a_client_that_gave_up_in_the_queue_is_passed_over(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(echo)
    server.call(
        lambda: setattr(server.listener, "sock", Poor(server.listener.sock, errno.ECONNABORTED, 3))
    )
    with server.connect() as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    assert errors(caplog) == []


def test_a_process_that_has_no_descriptor_left_serves_those_that_it_has() -> None:
    """With the kernel's own limit, in a process of its own."""
    program = """
        import resource, warnings
        warnings.simplefilter("ignore")
        from Kamaelia.Protocol.EchoProtocol import EchoProtocol
        from kroute.net import Address, Listener, bind
        from kroute.scheduler import get_scheduler
        Listener.RETRY = 0.01
        listener = Listener(bind(Address("127.0.0.1", 0)), lambda **where: EchoProtocol())
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        print(listener.port, flush=True)
        listener.activate()
        get_scheduler().runThreads()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            where = ("127.0.0.1", int(server.stdout.readline()))
            with contextlib.ExitStack() as stack:
                clients = []
                for n in range(30):
                    client = stack.enter_context(socket.create_connection(where, PATIENCE))
                    client.sendall(b"%2d" % n)
                    clients.append(client)
                for n, client in enumerate(clients):
                    assert exactly(client, 2) == b"%2d" % n
                    client.close()
        finally:
            server.kill()
        assert "Too many open files" in server.stderr.read()


# Ends.


def test_producer_finished_lets_connections_come_to_their_end(serve: Serve) -> None:
    protocols: list[Still] = []

    def factory(**where: object) -> component:
        protocols.append(Still())
        return protocols[-1]

    server = serve(factory)
    with server.connect() as client:
        server.until(lambda: protocols)
        server.tell(producerFinished())
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        (message,) = server.call(lambda: protocols[0].got("control"))
        assert isinstance(message, producerFinished)
        server.call(protocols[0].send, b"last", "outbox")
        server.call(protocols[0].end)
        assert all_of(client) == b"last"
    server.join()
    assert server.listener._isStopped()


def test_who_has_connected_by_the_end_is_not_reset(serve: Serve) -> None:
    protocols: list[Still] = []

    def factory(**where: object) -> component:
        protocols.append(Still())
        return protocols[-1]

    server = serve(factory)

    def connect_and_end() -> list[socket.socket]:
        clients = [server.connect() for _ in range(100)]  # more than are accepted at once
        for client in clients:
            client.sendall(b"x")
        server.listener._deliver(producerFinished(), "control")
        return clients

    with contextlib.ExitStack() as closing:
        clients = [closing.enter_context(client) for client in server.call(connect_and_end)]
        assert len(protocols) == len(clients)
        for protocol in protocols:
            assert server.until(lambda protocol=protocol: protocol.got("inbox")) == [b"x"]
            server.call(protocol.send, b"answer", "outbox")
            server.call(protocol.end)
        assert {all_of(client) for client in clients} == {b"answer"}
    server.join()


def test_producer_finished_without_connections_is_the_end(serve: Serve) -> None:
    server = serve(echo)
    server.tell(producerFinished())
    server.join()


def test_shutdown_is_the_end_of_all_at_once(serve: Serve) -> None:
    server = serve(echo)
    with server.connect() as one, server.connect() as other:
        for client in (one, other):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        server.tell(shutdownMicroprocess())
        for client in (one, other):
            with pytest.raises(ConnectionResetError):
                client.recv(1)
    server.join()


def test_shutdown_after_producer_finished_cuts_what_is_left(serve: Serve) -> None:
    server = serve(lambda **where: Still())
    with server.connect() as client:
        server.until(lambda: server.listener.connections)
        server.tell(producerFinished())
        server.tell(shutdownMicroprocess())
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    server.until(lambda: server.listener._isStopped())


@pytest.mark.parametrize("how", [producerFinished, shutdownMicroprocess])
def test_its_end_is_told_once(scheduler: Scheduler, how: Any) -> None:
    listener, watcher = Listener(bind(Address("127.0.0.1", 0)), echo), Still()
    listener.link((listener, "signal"), (watcher, "control"))
    listener.activate()
    after_cycles(scheduler, 5, lambda: listener._deliver(how(), "control"))
    scheduler.runThreads()
    (message,) = watcher.got("control")
    assert type(message) is producerFinished
    assert listener.sock.fileno() == -1


def test_what_comes_into_its_inbox_is_thrown_away(scheduler: Scheduler) -> None:
    listener = Listener(bind(Address("127.0.0.1", 0)), echo).activate()
    for n in range(5):
        listener._deliver(n, "inbox")
    after_cycles(scheduler, 5, lambda: listener._deliver(producerFinished(), "control"))
    scheduler.runThreads()
    assert listener.anyReady() is False


@pytest.mark.parametrize("ran", [True, False])
def test_stop_of_the_scheduler_closes_its_socket(scheduler: Scheduler, ran: bool) -> None:
    listener = Listener(bind(Address("127.0.0.1", 0)), echo)
    if ran:
        listener.activate()
        after_cycles(scheduler, 5, scheduler.stop)
    else:
        scheduler.call_soon(listener.activate)
        scheduler.call_soon(scheduler.stop)
    scheduler.runThreads()
    assert listener.sock.fileno() == -1


# Idle.


def test_a_hundred_idle_connections_wake_nobody(serve: Serve) -> None:
    server = serve(echo)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(100)]
        for client in clients:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        waits: list[float | None] = []
        poll = server.scheduler.poller.poll

        def counted(timeout: float | None) -> list[tuple[int, int]]:
            waits.append(timeout)
            return poll(timeout)

        server.scheduler.poller.poll = counted  # type: ignore[method-assign]
        assert server.open == 100
        sleep(0.04)
        assert len(waits) <= 3
        assert waits[-1] is None


# Kamaelia's own server, on this scheduler.


class Core:
    """A ServerCore on a port of the system's choice, in a thread."""

    def __init__(self, scheduler: Scheduler, protocol: Callable[..., component]) -> None:
        self.core = ServerCore(protocol=protocol, port=0).activate()
        self.scheduler = scheduler
        self.port = 0
        started = threading.Event()

        def look() -> None:
            server = self.core.server
            if server is None or server.listener is None:
                scheduler.call_later(0.001, look)
            else:
                self.port = server.listener.getsockname()[1]
                started.set()

        scheduler.call_soon(look)
        self._thread = threading.Thread(target=scheduler.runThreads)
        self._thread.start()
        assert started.wait(PATIENCE)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def close(self) -> None:
        self.scheduler.stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def core(scheduler: Scheduler) -> Iterator[Core]:
    made = Core(scheduler, echo)
    yield made
    made.close()


def test_kamaelias_server_serves(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with core.connect() as one, core.connect() as other:
            one.sendall(b"one")
            other.sendall(b"other")
            assert exactly(other, 5) == b"other"
            assert exactly(one, 3) == b"one"
    assert errors(caplog) == []
    assert issubclass(core.core.TCPS.CSA, ConnectedSocketAdapter)
