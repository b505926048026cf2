"""`UnixAddress`: a socket in the file system, which nobody loses by it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Protocol.EchoProtocol import EchoProtocol

from kroute.net import BindError, UnixAddress
from tests.waiting import PATIENCE

from .helpers import Server, exactly

Serve = Callable[..., Server]


def opened(path: Path, mode: int = 0o666) -> socket.socket:
    (sock,) = UnixAddress(str(path), mode).listen()
    return sock


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(path))
    return client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.sock"


def test_bytes_come_and_go(serve: Serve, path: Path) -> None:
    said: list[dict[str, object]] = []

    def factory(**where: object) -> component:
        said.append(where)
        return EchoProtocol()

    serve(factory, sock=opened(path))
    data = bytes(range(256)) * 2000
    with connect(path) as client:
        client.sendall(data[:100])
        assert exactly(client, 100) == data[:100]
        client.sendall(data)
        assert exactly(client, len(data)) == data
    # Neither end of a Unix socket has an address.
    assert said == [{"peer": "", "peerport": 0, "localip": "", "localport": 0}]


@pytest.mark.parametrize("how", [producerFinished, shutdownMicroprocess])
def test_the_file_goes_with_the_listener(
    serve: Serve, path: Path, how: Callable[[], object]
) -> None:
    server = serve(lambda **where: EchoProtocol(), sock=opened(path))
    assert path.is_socket()
    server.tell(how())
    server.join()
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o600, 0o777])
def test_who_may_connect(path: Path, mode: int) -> None:
    before = os.umask(0o022)
    try:
        with opened(path, mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_what_a_dead_server_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()
    with opened(path), connect(path):
        pass
    assert not path.exists()


def test_a_socket_in_use_is_left_alone(path: Path) -> None:
    with opened(path):
        with pytest.raises(BindError) as caught:
            opened(path)
        assert str(caught.value) == f"cannot listen on unix:{path}: Address already in use"
        with connect(path):
            pass


def test_a_server_that_accepts_nobody_is_a_server(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waits:
        busy.bind(str(path))
        busy.listen(0)
        waits.connect(str(path))
        with pytest.raises(BindError, match="Address already in use"):
            opened(path)
    assert path.is_socket()


def test_a_socket_of_another_kind_is_left_alone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(path))
        with pytest.raises(BindError, match="Address already in use"):
            opened(path)
    assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_but_a_socket_is_ever_removed(path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(BindError) as caught:
        opened(path)
    assert str(caught.value) == (
        f"cannot listen on unix:{path}: there is a file which is no socket"
    )
    assert os.path.lexists(path)


def test_the_file_of_a_successor_is_not_removed(path: Path) -> None:
    first = opened(path)
    path.unlink()
    with opened(path):
        first.close()
        with connect(path):
            pass


def test_the_file_is_removed_by_who_made_it(path: Path) -> None:
    with opened(path) as sock:
        child = os.fork()
        if not child:
            sock.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert path.is_socket()


def test_it_is_removed_also_from_another_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with opened(Path(path.name)):
        monkeypatch.chdir("/")
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [("x" * 200, "AF_UNIX path too long"), ("no/app.sock", "No such file or directory")],
)
def test_a_path_that_cannot_be_is_named(tmp_path: Path, name: str, why: str) -> None:
    before = os.umask(0o022)
    try:
        with pytest.raises(BindError) as caught:
            opened(tmp_path / name)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert str(caught.value) == f"cannot listen on unix:{tmp_path / name}: {why}"


def test_a_system_without_them(path: Path) -> None:
    program = (
        "import socket, sys; del socket.AF_UNIX\n"
        "from kroute.net import UnixAddress\n"
        "UnixAddress(sys.argv[1]).listen()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert done.stderr.rstrip().endswith("this system has no Unix sockets")
