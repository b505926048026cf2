"""FileMessage: files that the kernel sends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from Axon.Component import component

from kroute.http import FilePart
from kroute.net import CAN_SEND_FILES, ConnectedSocket

from .helpers import Still, Wire

MakeWire = Callable[[component], Wire]

MEGABYTE = 1 << 20

pytestmark = pytest.mark.skipif(not CAN_SEND_FILES, reason="sendfile() is another one here")


@pytest.fixture
def part(tmp_path: Path) -> Callable[..., FilePart]:
    """Makes a message of bytes in a file, with some before and after them."""
    numbers = iter(range(100))

    def make(content: bytes, head: bytes = b"") -> FilePart:
        path = tmp_path / str(next(numbers))
        path.write_bytes(b"before" + content + b"after")
        fd = os.open(path, os.O_RDONLY)
        made = FilePart(fd, len("before"), len(content))
        made.head = head
        os.close(fd)  # it has one of its own
        return made

    return make


def test_a_file_keeps_its_place_among_messages(
    wire: MakeWire, part: Callable[..., FilePart]
) -> None:
    one = wire(Still())
    for message in (b"1", part(b"22", b"head"), part(b"3"), b"4", b"5", part(b"6")):
        one.protocol.send(message, "outbox")
    assert one.read(11) == b"1head223456"
    assert len(one.connection.inboxes["inbox"]) == 0


def test_more_than_the_kernel_takes_at_once(wire: MakeWire, part: Callable[..., FilePart]) -> None:
    one = wire(Still())
    content = os.urandom(4096) * (12 * MEGABYTE // 4096)
    for message in (b"x" * (8 * MEGABYTE), part(content, b"h" * 9000), b"y" * 9000, part(b"z")):
        one.protocol.send(message, "outbox")
    want = b"x" * (8 * MEGABYTE) + b"h" * 9000 + content + b"y" * 9000 + b"z"
    assert len(one.connection.inboxes["inbox"]) == 4
    assert one.read(len(want)) == want


def test_others_have_their_turn(
    wire: MakeWire, part: Callable[..., FilePart], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "FILE_TURN", 1000)
    one = wire(Still())
    asked: list[int] = []
    sendfile = os.sendfile

    def counting(out: int, fd: int, at: int, count: int) -> int:
        asked.append(count)
        return sendfile(out, fd, at, count)

    monkeypatch.setattr(os, "sendfile", counting)
    one.protocol.send(part(b"x" * 2500), "outbox")
    assert asked == [1000]
    assert one.read(2500) == b"x" * 2500
    assert asked == [1000, 1000, 500]


def test_a_file_that_has_become_shorter_cuts_the_connection(
    wire: MakeWire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    with path.open("rb") as file:
        message = FilePart(file.fileno(), 0, 2000)
    one = wire(Still())
    one.protocol.send(message, "outbox")
    one.until(lambda: one.over)
    with pytest.raises(ConnectionResetError):
        one.read(2000)
    assert "it ends at 1000" in caplog.text


@pytest.mark.parametrize("cut", [True, False])
def test_nothing_is_left_of_a_file(
    wire: MakeWire, part: Callable[..., FilePart], cut: bool
) -> None:
    one = wire(Still())
    message = part(b"x" * (8 * MEGABYTE))
    fd = message.fd
    one.protocol.send(message, "outbox")
    del message
    os.fstat(fd)
    if cut:
        one.shut_down()
    else:
        one.read(8 * MEGABYTE)
    one.settle()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
