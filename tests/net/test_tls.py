"""TLS: encrypted connections, from the first byte of a handshake to the last of an end."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.IPC import socketShutdown
from Kamaelia.Protocol.EchoProtocol import EchoProtocol

from kroute.net import TLS, Address, BindError, ConnectedSocket, Listener, bind, tls_context
from kroute.net.tls import Handshake
from kroute.scheduler import READ, PortablePoller, Scheduler
from tests.conftest import Certificate
from tests.waiting import PATIENCE, wait_until

from .helpers import Chargen, Server, Still, all_of, exactly, tcp_pair

pytestmark = pytest.mark.needs("openssl")

Serve = Callable[..., Server]

REFUSAL = b"TLS is spoken here"


def echo(**where: object) -> component:
    return EchoProtocol()


class Client:
    """Makes the TLS connections of one server's clients."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self.server = server
        self.context = context

    def connect(self) -> ssl.SSLSocket:
        return self.context.wrap_socket(
            self.server.connect(), server_hostname="localhost", suppress_ragged_eofs=False
        )


@pytest.fixture
def context(certificate: Certificate) -> ssl.SSLContext:
    """A client's."""
    made = ssl.create_default_context(cafile=str(certificate.certfile))
    made.set_alpn_protocols(["h2", "http/1.1"])
    return made


@pytest.fixture
def tls(certificate: Certificate) -> TLS:
    return TLS(tls_context(*map(str, certificate), ["http/1.1"]), REFUSAL)


@pytest.fixture
def secure(serve: Serve, tls: TLS, context: ssl.SSLContext) -> Callable[..., Client]:
    """Starts a server that speaks TLS."""
    return lambda protocol, **argd: Client(serve(protocol, tls=tls, **argd), context)


Secure = Callable[..., Client]


def both_ways(client: ssl.SSLSocket, data: bytes) -> bytes:
    """Send `data`, and receive as much meanwhile. (Two threads may not use one SSLSocket.)"""
    client.setblocking(False)
    got, sent = bytearray(), 0
    give_up = monotonic() + PATIENCE
    while len(got) < len(data):
        assert monotonic() < give_up
        if sent < len(data):
            with contextlib.suppress(ssl.SSLWantWriteError):
                sent += client.send(memoryview(data)[sent : sent + 16384])
        with contextlib.suppress(ssl.SSLWantReadError):
            data_in = client.recv(65536)
            assert data_in, f"ended after {len(got)} of {len(data)} bytes"
            got += data_in
    client.settimeout(PATIENCE)
    return bytes(got)


def told(protocol: Still) -> list[socketShutdown]:
    return [message for message in protocol.got("control") if message is not None]


def stills() -> tuple[list[Still], Callable[..., component]]:
    """The protocols that the factory has made."""
    made: list[Still] = []

    def factory(**where: object) -> component:
        made.append(Still())
        return made[-1]

    return made, factory


# Bytes.


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bytes_come_and_go(
    secure: Secure, context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    context.minimum_version = context.maximum_version = version
    data = bytes(range(256)) * 2000
    with secure(echo).connect() as client:
        assert client.version() == version.name.replace("_", ".")
        assert client.selected_alpn_protocol() == "http/1.1"
        for size in (1, 16383, 16384, 16385, 65536, 65537, len(data)):
            assert both_ways(client, data[:size]) == data[:size]


def test_a_client_without_alpn_is_served(secure: Secure, certificate: Certificate) -> None:
    client = secure(echo)
    client.context = ssl.create_default_context(cafile=str(certificate.certfile))
    with client.connect() as sock:
        assert sock.selected_alpn_protocol() is None
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"


def test_other_pollers_do_as_well(
    scheduler: Scheduler, secure: Secure, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.poller.close()
    scheduler.poller = PortablePoller()
    with secure(echo).connect() as client:
        client.sendall(b"x" * 100_000)
        assert both_ways(client, b"x" * 100_000) == b"x" * 100_000


@pytest.mark.parametrize("count", [1, 2, 3, 500])
@pytest.mark.parametrize("size", [0, 1, 100, 20_000, 65_535, 65_536, 200_000])
def test_messages_are_sent_in_order(secure: Secure, size: int, count: int) -> None:
    count = min(count, 4_000_000 // max(size, 1))
    messages = [struct.pack("I", n).ljust(size, b"x")[:size] for n in range(count)]

    class Sends(component):
        def main(self) -> Iterator[int]:
            for message in messages:
                self.send(message, "outbox")
            yield 1

    with secure(lambda **where: Sends()).connect() as client:
        assert all_of(client) == b"".join(messages)


def test_large_echoes_of_many_clients_stay_apart(secure: Secure) -> None:
    clients = secure(echo)
    failed: list[object] = []

    def run(n: int) -> None:
        want = bytes([n]) * 2_000_000
        with clients.connect() as sock:
            if both_ways(sock, want) != want:
                failed.append(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_client_that_does_not_read_holds_its_protocol(secure: Secure) -> None:
    protocols: list[Chargen] = []

    def factory(localport: int, **where: object) -> component:
        protocols.append(Chargen())
        return protocols[-1]

    clients = secure(factory)
    with clients.connect() as idle, clients.connect() as reads:
        exactly(reads, 20_000_000)
        server = clients.server
        assert server.call(lambda: [len(c._outgoing) < 10 for c in server.listener.connections])
        sent = server.call(lambda: protocols[0].sent)
        exactly(reads, 5_000_000)
        assert server.call(lambda: protocols[0].sent) == sent
        exactly(idle, 10_000_000)


def test_a_protocol_that_does_not_read_holds_its_client(secure: Secure) -> None:
    made, factory = stills()
    clients = secure(factory)
    with clients.connect() as client:
        client.setblocking(False)
        sent = 0

        def waiting() -> int:
            return clients.server.call(lambda: len(made[0].inboxes["inbox"]))

        def held() -> bool:
            nonlocal sent
            before = sent
            with contextlib.suppress(ssl.SSLWantWriteError):
                while True:
                    sent += client.send(bytes(16384))
            return sent == before and waiting() == ConnectedSocket.READ_AHEAD

        clients.server.until(lambda: made)
        wait_until(held, "a client that cannot send on")
        assert waiting() == ConnectedSocket.READ_AHEAD
        client.settimeout(PATIENCE)
        rest = threading.Thread(target=client.sendall, args=(bytes(sent),))
        rest.start()
        got = 0
        while got < 2 * sent:
            got += sum(map(len, clients.server.call(made[0].got)))
        rest.join()
        assert got == 2 * sent


@pytest.mark.parametrize("wrong", ["text", 7, None, ["x"]])
def test_what_is_no_bytes_is_the_fault_of_who_sent_it(
    secure: Secure, caplog: pytest.LogCaptureFixture, wrong: object
) -> None:
    class Sends(component):
        def main(self) -> Iterator[int]:
            self.send(wrong, "outbox")
            yield 1

    with secure(lambda **where: Sends()).connect() as client, pytest.raises(OSError):
        client.recv(1)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info and "a connection carries bytes" in str(record.exc_info[1])


# Handshakes.


class ByHand:
    """A client whose handshake goes as slowly as the test likes."""

    def __init__(self, clients: Client) -> None:
        self.sock = clients.server.connect()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = clients.context.wrap_bio(
            self.incoming, self.outgoing, server_hostname="localhost"
        )

    def step(self) -> bytes:
        """What it would send next."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def hear(self) -> None:
        self.incoming.write(self.sock.recv(65536))


def test_a_handshake_that_comes_byte_by_byte(secure: Secure) -> None:
    clients = secure(echo)
    with clients.connect() as other:
        slow = ByHand(clients)
        with slow.sock:
            slow.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := slow.step():
                for n in range(len(data)):
                    slow.sock.send(data[n : n + 1])
                    if n % 20 == 0:
                        other.sendall(b"x")
                        assert other.recv(1) == b"x"
                if slow.tls.cipher() is None:
                    slow.hear()
            slow.tls.write(b"hello")
            slow.sock.sendall(slow.outgoing.read())
            while True:
                slow.hear()
                with contextlib.suppress(ssl.SSLWantReadError):
                    assert slow.tls.read(5) == b"hello"
                    break


def test_half_a_handshake_of_many_hinders_nobody(
    secure: Secure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handshake, "SECONDS", 3 * PATIENCE)  # who waits for one waits too long
    clients = secure(echo)
    with contextlib.ExitStack() as stack:
        for n in range(200):
            half = ByHand(clients)
            stack.enter_context(half.sock)
            hello = half.step()
            half.sock.sendall(hello[: n * len(hello) // 200])
        with clients.connect() as client:
            for _ in range(50):
                client.sendall(b"x")
                assert client.recv(1) == b"x"
            assert clients.server.open == 201
    server = clients.server
    server.until(lambda: not server.listener.connections)


def test_a_handshake_has_its_time(
    secure: Secure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(Handshake, "SECONDS", 0.02)
    made, factory = stills()
    clients = secure(factory)
    for sent in (0, 1, 100):
        slow = ByHand(clients)
        with slow.sock, contextlib.suppress(ConnectionResetError, BrokenPipeError):
            slow.sock.sendall(slow.step()[:sent])
            assert slow.sock.recv(1) == b""
    clients.server.until(lambda: not clients.server.listener.connections)
    assert made == []
    assert [record.getMessage() for record in caplog.records] == [
        "the TLS handshake with 127.0.0.1 failed: it took longer than 0.02 s"
    ] * 3


def test_the_time_of_a_handshake_is_not_that_of_the_connection(
    secure: Secure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handshake, "SECONDS", PATIENCE)
    clients = secure(echo)
    with clients.connect() as client:
        clients.server.until(lambda: len(clients.server.scheduler.timers) == 0)
        monkeypatch.setattr(
            "kroute.scheduler.scheduler.monotonic", lambda: monotonic() + 2 * PATIENCE
        )
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_handshakes_count_as_connections(secure: Secure) -> None:
    clients = secure(echo, max_connections=2)
    with clients.server.connect() as one, clients.server.connect():
        clients.server.until(lambda: len(clients.server.listener.connections) == 2)
        third = ByHand(clients)
        with third.sock:
            third.sock.sendall(third.step())
            third.sock.settimeout(0.02)
            with pytest.raises(TimeoutError):
                third.sock.recv(1)
            one.close()
            third.sock.settimeout(PATIENCE)
            third.hear()


@pytest.mark.parametrize("how", [producerFinished, shutdownMicroprocess])
def test_an_end_of_the_listener_ends_handshakes(secure: Secure, how: Callable[[], object]) -> None:
    clients = secure(echo)
    with clients.server.connect() as client:
        clients.server.until(lambda: clients.server.listener.connections)
        clients.server.tell(how())
        assert client.recv(1) == b""
    clients.server.join()


@pytest.mark.parametrize("ran", [True, False])
def test_a_stop_of_the_scheduler_ends_handshakes(
    scheduler: Scheduler, tls: TLS, ran: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    ours.setblocking(False)
    handshake = Handshake(ours, tls.context, "peer", lambda sock: None)
    handshake.activate(Scheduler=scheduler)
    main = scheduler.main()
    for _ in range(3 * ran):
        next(main)
    scheduler.stop()
    for _ in main:
        pass
    with client:
        assert client.recv(1) == b""
    assert ours.fileno() == -1


def test_a_handshake_fails_once(
    scheduler: Scheduler, tls: TLS, caplog: pytest.LogCaptureFixture
) -> None:
    """More may come, and its time may be over, before the turn in which it ends."""
    caplog.set_level(logging.INFO)
    ours, client = tcp_pair()
    handshake = Handshake(ours, tls.context, "peer", lambda sock: None)
    handshake.activate(Scheduler=scheduler)
    main = scheduler.main(canblock=False)
    with client:
        client.sendall(b"\x16\3\1\0\5hello")
        client.shutdown(socket.SHUT_WR)
        wait_until(lambda: next(main) and caplog.records, "the failure", between=0.0001)
        handshake._ready(READ)
        handshake._timed_out()
    scheduler.stop()
    for _ in main:
        pass
    assert len(caplog.records) == 1
    assert ours.fileno() == -1


# Clients that speak something else.


@pytest.mark.parametrize(
    "said", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0", b"\x15", b"x" * 2_000_000]
)
def test_who_does_not_speak_tls_is_told(secure: Secure, said: bytes) -> None:
    made, factory = stills()
    clients = secure(factory)
    with clients.server.connect() as client:
        client.sendall(said)
        assert all_of(client) == REFUSAL
    clients.server.until(lambda: not clients.server.listener.connections)
    assert made == []


@pytest.mark.parametrize("said", [b"\x16GET", b"\x16\3\1\0\5hello", b"\x16" * 100_000])
def test_who_speaks_it_badly_is_not(
    secure: Secure, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clients = secure(echo)
    with clients.server.connect() as client, contextlib.suppress(OSError):
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        assert REFUSAL not in all_of(client)
    clients.server.until(lambda: not clients.server.listener.connections)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert record.getMessage().startswith("the TLS handshake with 127.0.0.1 failed: ")


def test_old_versions_are_not_spoken(secure: Secure, context: ssl.SSLContext) -> None:
    context.options &= ~ssl.OP_NO_TLSv1_1
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        secure(echo).connect()


# Clients that go.


def test_rude_clients_leave_nothing(secure: Secure, caplog: pytest.LogCaptureFixture) -> None:
    clients = secure(echo)
    server = clients.server
    descriptors = len(os.listdir("/dev/fd"))
    for n in range(300):
        half = ByHand(clients)
        with half.sock as sock:
            hello = half.step()
            how = n % 6
            if how > 0:
                sock.sendall(hello[: n or 1])
            if how > 1:
                sock.sendall(hello[n or 1 :])
            if how > 2:
                half.hear()
                rest = half.step()
                sock.sendall(rest[: n % len(rest)] if how == 3 else rest)
            if how > 4:
                half.tls.write(b"x" * 50_000)
                sock.sendall(half.outgoing.read()[: 30_000 + n])
            if n % 4 == 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.until(lambda: not server.listener.connections)
    server.until(lambda: server.scheduler.listAllThreads() == [server.listener])
    assert len(os.listdir("/dev/fd")) == descriptors
    assert server.call(lambda: len(server.scheduler.poller.callbacks)) == 2
    server.until(lambda: len(server.scheduler.timers) == 0)
    gc.collect()
    assert not [
        thing for thing in gc.get_objects() if isinstance(thing, (ConnectedSocket, Handshake))
    ]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_client_may_say_that_it_sends_no_more(secure: Secure) -> None:
    """RFC 8446, section 6.1: close_notify ends one direction; the answer still comes."""
    made, factory = stills()
    clients = secure(factory)
    half = ByHand(clients)
    with half.sock as sock:
        while half.tls.cipher() is None:
            sock.sendall(half.step())
            half.hear()
            sock.sendall(half.step())
        half.tls.write(b"question")
        with contextlib.suppress(ssl.SSLWantReadError):
            half.tls.unwrap()
        sock.sendall(half.outgoing.read())
        server = clients.server
        server.until(lambda: made and made[0].got() == [b"question"])
        (message,) = server.until(lambda: told(made[0]))
        assert message.message == "closed by the other side"
        server.call(made[0].send, b"answer", "outbox")
        server.call(made[0].end)
        got = all_of(sock)
        # What is left after our close_notify is the answer and theirs: two records.
        assert got.count(b"\x17\x03\x03") >= 1
    server.until(lambda: not server.listener.connections)


@pytest.mark.parametrize("how", ["end", "half", "reset"])
def test_an_end_without_close_notify_is_a_loss(secure: Secure, how: str) -> None:
    """RFC 8446, section 6.1: somebody may have cut off the rest."""
    made, factory = stills()
    clients = secure(factory)
    with clients.connect() as client:
        client.sendall(b"half of ")
        server = clients.server
        server.until(lambda: made and made[0].got() == [b"half of "])
        if how == "half":
            socket.socket.shutdown(client, socket.SHUT_WR)
        else:
            if how == "reset":
                linger = struct.pack("ii", 1, 0)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.close()
        (message,) = server.until(lambda: told(made[0]))
        assert message.message != "closed by the other side"
        server.until(lambda: not server.listener.connections)


def test_our_end_is_told_by_close_notify(secure: Secure) -> None:
    class Says(component):
        def main(self) -> Iterator[int]:
            self.send(b"x" * 3_000_000, "outbox")
            yield 1

    clients = secure(lambda **where: Says())
    with clients.connect() as client:
        # `suppress_ragged_eofs` is off: without close_notify this would raise.
        assert len(all_of(client)) == 3_000_000
        client.unwrap()
    server = clients.server
    server.until(lambda: not server.listener.connections)


def test_our_end_waits_until_there_is_room_for_it(
    secure: Secure, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwrap = ssl.SSLSocket.unwrap
    tries: list[bool] = []

    def once_full(self: ssl.SSLSocket) -> socket.socket:
        tries.append(True)
        if len(tries) == 1:
            raise ssl.SSLWantWriteError
        return unwrap(self)

    made, factory = stills()
    clients = secure(factory)
    with clients.connect() as client:
        monkeypatch.setattr(ssl.SSLSocket, "unwrap", once_full)
        server = clients.server
        server.until(lambda: made)
        server.call(made[0].send, b"last", "outbox")
        server.call(made[0].end)
        assert all_of(client) == b"last"
        assert len(tries) == 2
    server.until(lambda: not server.listener.connections)


def test_what_is_cut_off_is_told_by_none(secure: Secure) -> None:
    made, factory = stills()
    clients = secure(factory)
    with clients.connect() as client:
        server = clients.server
        server.until(lambda: made)
        server.tell(shutdownMicroprocess())
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            client.recv(1)
    server.until(lambda: not server.listener.connections)


def test_after_our_end_what_comes_is_thrown_away(secure: Secure) -> None:
    """RFC 9112, section 9.6: a reset would take the last bytes from the client."""
    made, factory = stills()
    clients = secure(factory)
    with clients.connect() as client:
        server = clients.server
        server.until(lambda: made)
        server.call(made[0].send, b"answer", "outbox")
        server.call(made[0].end)
        for _ in range(20):
            client.sendall(bytes(100_000))
        assert all_of(client) == b"answer"


# Against the openssl command, as a second opinion.


def s_client(server: Server, steps: dict[str, str], *options: str) -> str:
    """What `openssl s_client` prints. steps: what is typed, and what is to be printed then."""
    with subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as client:
        assert client.stdin and client.stdout
        printed = ""
        for typed, expected in steps.items():
            client.stdin.write(f"{typed}\n")
            client.stdin.flush()
            for line in client.stdout:
                printed += line
                if expected in line:
                    break
        client.stdin.close()
        return printed + client.stdout.read()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_is_served(secure: Secure, certificate: Certificate, version: str) -> None:
    server = secure(echo).server
    printed = s_client(
        server,
        {"echoed": "echoed"},
        version,
        "-CAfile",
        str(certificate.certfile),
        "-alpn",
        "http/1.1",
    )
    assert "Verify return code: 0 (ok)" in printed
    assert "ALPN protocol: http/1.1" in printed
    assert "\nechoed\n" in printed


def test_renegotiation_is_refused(secure: Secure) -> None:
    """RFC 7457, section 2.11: it costs a client nothing to ask for it."""
    clients = secure(echo)
    printed = s_client(clients.server, {"R": "no renegotiation"}, "-tls1_2")
    assert "no renegotiation" in printed
    with clients.connect() as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_new_keys_are_taken(secure: Secure) -> None:
    """RFC 8446, section 4.6.3: a KeyUpdate that asks for one of ours."""
    steps = {"K": "KEYUPDATE", "echoed": "echoed", "k": "KEYUPDATE", "again": "again"}
    printed = s_client(secure(echo).server, steps, "-tls1_3")
    assert "\nagain\n" in printed


# tls_context.


def test_a_certificate_with_its_key_in_one_file(certificate: Certificate, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(certificate.certfile.read_text() + certificate.keyfile.read_text())
    context = tls_context(str(both))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_files_that_cannot_be_are_named(certificate: Certificate, tmp_path: Path) -> None:
    cert, key = map(str, certificate)
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(other)],
        check=True,
        capture_output=True,
    )
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    cases: list[tuple[tuple[Any, ...], str]] = [
        (("no.pem",), "no.pem: No such file or directory"),
        ((cert, "no.pem"), "no.pem: No such file or directory"),
        ((str(tmp_path),), f"{tmp_path}: Is a directory"),
        ((cert,), f"{cert}: "),
        ((cert, str(other)), f"{cert} and {other}: "),
        ((str(empty), key), f"{empty} and {key}: "),
        ((key, cert), f"{key} and {cert}: "),
    ]
    for arguments, problem in cases:
        with pytest.raises(BindError) as caught:
            tls_context(*arguments)
        assert str(caught.value).startswith(f"cannot speak TLS with {problem}")
        assert len(str(caught.value)) < 300


def test_a_listener_needs_no_tls(scheduler: Scheduler) -> None:
    with bind(Address("127.0.0.1", 0)) as sock:
        assert Listener(sock, echo).tls is None
