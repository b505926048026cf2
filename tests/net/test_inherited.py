"""`Descriptor` and `Activation`: sockets that were open before the process began."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from Kamaelia.Protocol.EchoProtocol import EchoProtocol

from kroute.net import Activation, Address, BindError, Descriptor, bind, inherited

from .helpers import Server, exactly

Serve = Callable[..., Server]


@pytest.fixture
def numbers() -> Iterator[list[int]]:
    """Two neighbouring descriptors of listening sockets."""
    found: list[int] = []
    spare = 200
    for number in (spare, spare + 1):
        with bind(Address("127.0.0.1", 0)) as sock:
            found.append(os.dup2(sock.fileno(), number))
    yield found
    for number in found:
        with contextlib.suppress(OSError):  # who listened may have closed it
            os.close(number)


def test_a_descriptor_is_listened_on(serve: Serve, numbers: list[int]) -> None:
    (sock,) = Descriptor(numbers[0]).listen()
    assert not sock.getblocking()
    assert not sock.get_inheritable()
    server = serve(lambda **where: EchoProtocol(), sock=sock)
    with server.connect() as client:
        client.sendall(b"x")
        assert exactly(client, 1) == b"x"


def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(BindError) as caught:
        Descriptor(999).listen()
    assert str(caught.value) == "cannot listen on fd://999: Bad file descriptor"


def test_a_descriptor_of_a_file(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        with pytest.raises(BindError, match=r"fd://\d+: Socket operation on non-socket$"):
            Descriptor(file.fileno()).listen()
        file.write("still open")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(BindError, match=r"fd://\d+: it is not a socket that listens$"):
            Descriptor(sock.fileno()).listen()
        assert sock.getsockname()  # it is open as before


def passed(monkeypatch: pytest.MonkeyPatch, pid: str, count: str) -> None:
    monkeypatch.setenv("LISTEN_PID", pid)
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_FDNAMES", "a:b")


def test_what_systemd_passes(monkeypatch: pytest.MonkeyPatch, numbers: list[int]) -> None:
    monkeypatch.setattr(inherited, "FIRST", numbers[0])
    passed(monkeypatch, str(os.getpid()), "2")
    one, other = Activation().listen()
    with one, other:
        assert [one.fileno(), other.fileno()] == numbers
    # sd_listen_fds(3): no child process is to believe that they are for it.
    assert not [name for name in os.environ if name.startswith("LISTEN_")]


def test_what_systemd_passes_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, numbers: list[int]
) -> None:
    monkeypatch.setattr(inherited, "FIRST", numbers[0])
    passed(monkeypatch, str(os.getpid()), "3")
    with pytest.raises(BindError, match="cannot listen on fd://202: Bad file descriptor"):
        Activation().listen()


@pytest.mark.parametrize(
    ("pid", "count", "why"),
    [
        ("", "", r"it has passed no sockets \(LISTEN_FDS\)"),
        ("self", "0", r"it has passed no sockets \(LISTEN_FDS\)"),
        ("self", "-1", r"it has passed no sockets \(LISTEN_FDS\)"),
        ("self", "two", r"it has passed no sockets \(LISTEN_FDS\)"),
        ("1", "1", r"its sockets are for process 1 \(LISTEN_PID\)"),
    ],
)
def test_systemd_has_passed_nothing(
    monkeypatch: pytest.MonkeyPatch, pid: str, count: str, why: str
) -> None:
    passed(monkeypatch, str(os.getpid()) if pid == "self" else pid, count)
    with pytest.raises(BindError, match=f"^cannot listen by systemd: {why}$"):
        Activation().listen()
