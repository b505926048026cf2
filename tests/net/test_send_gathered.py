"""GatheredMessage: buffers that go out as if they were joined."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from Axon.Component import component

from kroute.http import FilePart, Gathered
from kroute.net import CAN_SEND_FILES

from .helpers import Still, Wire

MakeWire = Callable[[component], Wire]

LONG = random.Random(7).randbytes(1 << 20) * 16


@pytest.mark.parametrize("buffers", [(b"a", b"bcd", b"e"), (b"", b"abcde", b""), (b"abcde",)])
def test_buffers_go_out_in_one_call(wire: MakeWire, buffers: tuple[bytes, ...]) -> None:
    one = wire(Still())
    message = Gathered(*buffers)
    assert len(message) == 5
    one.protocol.send(message, "outbox")
    assert one.client.recv(100) == b"abcde"
    assert len(one.connection.inboxes["inbox"]) == 0


def test_they_keep_their_place_among_messages(wire: MakeWire) -> None:
    one = wire(Still())
    for message in (b"1", Gathered(b"2", b"3"), b"4", bytearray(b"5"), Gathered(b"6", b"", b"7")):
        one.protocol.send(message, "outbox")
    assert one.read(7) == b"1234567"
    one.until(lambda: not len(one.connection.inboxes["inbox"]))


def test_more_than_the_kernel_takes_at_once(wire: MakeWire) -> None:
    """It stops anywhere: in a long buffer, in a short one, between two."""
    one = wire(Still())
    want = b""
    for at in range(0, len(LONG), 270_001):
        buffers = (b"%x\r\n" % at, LONG[at : at + 270_001], b"\r\n", b"")
        want += b"".join(buffers)
        one.protocol.send(Gathered(*buffers), "outbox")
    assert len(one.connection.inboxes["inbox"]) > 1
    assert one.read(len(want)) == want
    assert len(one.connection.inboxes["inbox"]) == 0


@pytest.mark.parametrize("taken", range(1, 10))
def test_wherever_the_kernel_stopped(wire: MakeWire, taken: int) -> None:
    one = wire(Still())
    real = one.connection.sock
    calls: list[int] = []

    class Stingy:
        """A socket that takes `taken` bytes the first time."""

        def sendmsg(self, buffers: list[bytes]) -> int:
            calls.append(sum(map(len, buffers)))
            if len(calls) == 1:
                return real.send(b"".join(buffers)[:taken])
            return real.sendmsg(buffers)

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    one.connection.sock = Stingy()
    one.protocol.send(Gathered(b"abc", b"", b"defg", b"hi", b"jk"), "outbox")
    assert one.read(11) == b"abcdefghijk"
    assert calls == [11, 11 - taken]


@pytest.mark.skipif(not CAN_SEND_FILES, reason="sendfile() is another one here")
def test_a_file_behind_them(wire: MakeWire, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"4567")
    one = wire(Still())
    with (tmp_path / "f").open("rb") as file:
        part = FilePart(file.fileno(), 0, 4)
    for message in (Gathered(b"1", b"23"), part, Gathered(b"8", b"9")):
        one.protocol.send(message, "outbox")
    assert one.read(9) == b"123456789"
