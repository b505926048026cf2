"""`ConnectedSocket`: one connection, from bytes to messages and back, and how it ends."""

from __future__ import annotations

import gc
import logging
import socket
import struct
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from Axon.Component import component
from Axon.Ipc import producerFinished, shutdownMicroprocess
from Kamaelia.Chassis.Pipeline import Pipeline
from Kamaelia.IPC import socketShutdown
from Kamaelia.Protocol.EchoProtocol import EchoProtocol
from Kamaelia.Util.PureTransformer import PureTransformer

from kroute.net import ConnectedSocket
from kroute.net.connection import GATHER
from kroute.scheduler import ReactiveComponent, Scheduler
from tests.waiting import wait_until

from .helpers import Chargen, Still, Wire, after_cycles, tcp_pair

MakeWire = Callable[[component], Wire]

MEGABYTE = 1 << 20


def told(wire: Wire) -> list[object]:
    return [message for message in wire.protocol.got("control") if message is not None]


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def reset(sock: socket.socket) -> None:
    """Close so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# Bytes.


def test_bytes_come_in_and_go_out(wire: MakeWire) -> None:
    one = wire(Still())
    one.client.send(b"to the protocol")
    assert one.until(one.protocol.got) == [b"to the protocol"]
    one.protocol.send(b"to the client", "outbox")
    assert one.read(13) == b"to the client"
    assert told(one) == []


def test_one_byte_at_a_time(wire: MakeWire) -> None:
    one = wire(EchoProtocol())
    for n in range(256):
        one.client.send(bytes([n]))
        assert one.read(1) == bytes([n])


def test_every_kind_of_bytes_goes_out(wire: MakeWire) -> None:
    one = wire(Still())
    for message in (b"ab", b"", bytearray(b"cd"), memoryview(b"xefx")[1:3], b""):
        one.protocol.send(message, "outbox")
    assert one.read(6) == b"abcdef"
    one.until(lambda: not len(one.connection.inboxes["inbox"]))


def test_small_messages_go_out_together(wire: MakeWire) -> None:
    """When all that was ready has had its turn, so that no answer is in the way of another."""
    one = wire(Still())
    one.protocol.send(b"a", "outbox")
    one.protocol.send(b"b", "outbox")
    assert len(one.connection.inboxes["inbox"]) == 2
    one.step()
    assert one.client.recv(10) == b"ab"


@pytest.mark.parametrize("messages", [[b"x" * 20_000], [b"x"] * GATHER])
def test_much_does_not_wait_for_others(wire: MakeWire, messages: list[bytes]) -> None:
    one = wire(Still())
    for message in messages:
        one.protocol.send(message, "outbox")
    assert len(one.connection.inboxes["inbox"]) == 0
    assert one.read(sum(map(len, messages))) == b"".join(messages)


def test_what_waits_for_others_goes_out_before_the_scheduler_stops(wire: MakeWire) -> None:
    one = wire(Still())
    one.protocol.send(b"last words", "outbox")
    one.scheduler.stop()
    one.step()
    assert one.client.recv(100) == b"last words"


def test_many_messages_of_many_sizes_keep_their_order(wire: MakeWire) -> None:
    """More than the kernel takes, so that calls end in the middle of messages."""
    one = wire(Still())
    messages = [bytes([n % 251]) * (n * 7919 % 40_000) for n in range(600)]
    for message in messages:
        one.protocol.send(message, "outbox")
    want = b"".join(messages)
    assert len(want) > 5 * MEGABYTE
    assert len(one.connection.inboxes["inbox"]) > 0
    assert one.read(len(want)) == want


def test_one_message_that_the_kernel_cannot_take_at_once(wire: MakeWire) -> None:
    one = wire(Still())
    want = bytes(range(256)) * (16 * MEGABYTE // 256)
    one.protocol.send(want, "outbox")
    assert one.read(len(want)) == want


def test_a_message_stays_until_the_kernel_has_all_of_it(wire: MakeWire) -> None:
    """That is how a sender that looks knows how fast its client reads."""
    one = wire(Still())
    collected: list[int] = []
    one.connection.inboxes["inbox"].storage.wakeOnPop.append(lambda: collected.append(1))
    one.protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    one.protocol.send(b"y", "outbox")
    one.settle()
    assert (len(one.connection.inboxes["inbox"]), collected) == (2, [])
    assert one.read(16 * MEGABYTE + 1).endswith(b"xy")
    assert (len(one.connection.inboxes["inbox"]), collected) == (0, [1, 1])


@pytest.mark.parametrize("messages", [["text"], [b"good", "text"], [7], [None]])
def test_what_is_no_bytes_fails_the_connection_by_name(
    wire: MakeWire, caplog: pytest.LogCaptureFixture, messages: list[Any]
) -> None:
    one = wire(Still())
    for message in messages:
        one.protocol.send(message, "outbox")
    one.until(lambda: one.over)
    (record,) = errors(caplog)
    assert record.exc_info is not None
    assert f"{one.protocol.name} sent {type(messages[-1]).__name__} to its connection" in str(
        record.exc_info[1]
    )
    assert {type(message) for message in told(one)} == {shutdownMicroprocess, socketShutdown}


def test_what_is_no_bytes_is_found_behind_what_waits(
    wire: MakeWire, caplog: pytest.LogCaptureFixture
) -> None:
    one = wire(Still())
    for message in (b"x" * (16 * MEGABYTE), b"y", "text"):
        one.protocol.send(message, "outbox")
    with pytest.raises(ConnectionResetError):
        one.read(17 * MEGABYTE)
    assert "str" in str(errors(caplog)[0].exc_info[1])  # type: ignore[index]


# Back-pressure.


def test_a_protocol_that_does_not_look_into_its_inbox_is_not_sent_more(wire: MakeWire) -> None:
    one = wire(Still())
    one.client.setblocking(False)
    sent = 0
    try:
        while True:
            sent += one.client.send(b"x" * 65536)
            one.step(2)
    except BlockingIOError:
        one.until(lambda: len(one.protocol.inboxes["inbox"]) >= ConnectedSocket.READ_AHEAD)
    one.settle()
    assert len(one.protocol.inboxes["inbox"]) == ConnectedSocket.READ_AHEAD
    got = 0
    while got < sent:
        got += len(one.until(lambda: one.protocol.dataReady("inbox") and one.protocol.recv()))
    assert got == sent


@pytest.mark.parametrize("size", [1, 2, 40])
def test_a_boxs_own_size_counts(wire: MakeWire, size: int) -> None:
    one = wire(Still())
    one.protocol.setInboxSize("inbox", size)
    for _ in range(100):
        one.client.send(b"x")
        one.step(2)
    one.settle()
    assert len(one.protocol.inboxes["inbox"]) == min(size, 100)
    got = b""
    while len(got) < 100:
        got += one.until(lambda: one.protocol.dataReady("inbox") and one.protocol.recv())
    assert got == b"x" * 100


def stalled(one: Wire, source: Chargen | None = None) -> None:
    """Wait until the protocol, or a source in it, sends no more and nobody is awake. The kernel
    makes its buffers larger for a while, at moments of its own choice."""
    chargen = source or one.protocol

    def still() -> bool:
        sent = chargen.sent
        one.settle()
        asleep = one.connection._held and one.scheduler._queue == []
        return bool(asleep) and chargen.sent == sent

    wait_until(still, "the end of what is sent")
    assert len(one.connection.inboxes["inbox"]) < 10


def test_an_endless_producer_waits_for_a_client_that_does_not_read(wire: MakeWire) -> None:
    one = wire(Chargen())
    stalled(one)
    for _ in range(3):
        sent = one.protocol.sent
        assert set(one.read(8 * MEGABYTE)) == set(Chargen.MESSAGE)
        one.until(lambda: one.protocol.sent > sent)  # noqa: B023 - called before it changes
        stalled(one)


def test_so_does_one_inside_a_pipeline(wire: MakeWire) -> None:
    source = Chargen()
    one = wire(Pipeline(source, PureTransformer(bytes.upper), Pipeline(PureTransformer(bytes))))
    stalled(one, source)
    sent = source.sent
    assert one.read(8 * MEGABYTE).startswith(b"HELLO WORLD")
    one.until(lambda: source.sent > sent)


class Polite(Chargen):
    """One that looks at "control"."""

    def main(self) -> Iterator[int]:
        for _ in super().main():
            if self.dataReady("control"):
                return
            yield 1


def test_who_is_held_learns_that_the_client_is_gone(wire: MakeWire) -> None:
    one = wire(Polite())
    stalled(one)
    reset(one.client)
    one.until(lambda: one.scheduler.listAllThreads() == [])


def test_a_reactive_protocol_is_not_held(wire: MakeWire) -> None:
    """It looks at its boxes itself, and has only its end to make in a time slice."""

    class Big(ReactiveComponent):
        def react(self) -> None:
            if self.dataReady("inbox"):
                self.recv("inbox")
                self.send(b"x" * (16 * MEGABYTE), "outbox")
                self.send(producerFinished(self), "signal")
                self.finish()

    one = wire(Big())
    one.client.send(b"go")
    one.until(lambda: one.protocol not in one.scheduler.listAllThreads())
    assert not one.over
    assert len(one.read(17 * MEGABYTE)) == 16 * MEGABYTE


@pytest.mark.usefixtures("ticking")
def test_who_was_slow_once_is_not_given_up_later(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "STALL", 1.0)
    one = wire(Still())
    one.protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    assert len(one.read(16 * MEGABYTE)) == 16 * MEGABYTE
    one.step(2000)
    assert not one.over
    assert len(one.scheduler.timers) == 0


def test_who_is_held_for_a_client_that_is_given_up_is_released(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "STALL", 0.02)
    one = wire(Polite())
    one.until(lambda: one.scheduler.listAllThreads() == [])
    assert one.protocol.sent > 0


def test_a_client_that_takes_nothing_is_given_up(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "STALL", 0.01)
    one = wire(Still())
    one.protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    one.until(lambda: one.over)
    assert [type(message) for message in told(one)] == [socketShutdown]
    with pytest.raises(ConnectionResetError):
        one.read(17 * MEGABYTE)


@pytest.mark.usefixtures("ticking")
def test_a_client_that_takes_little_is_not(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "STALL", 1.0)
    one = wire(Still())
    one.protocol.send(b"x" * (24 * MEGABYTE), "outbox")
    one.finish()
    for _ in range(24):
        one.settle()  # at least 30 ticks of a millisecond
        assert len(one.read(MEGABYTE)) == MEGABYTE
    assert one.ended() == "end"


# Ends: the protocol's.


@pytest.mark.parametrize("size", [0, 1, 16 * MEGABYTE])
@pytest.mark.parametrize("how", ["producerFinished", "the protocol's end", "both"])
def test_the_end_comes_after_all_that_was_sent(
    wire: MakeWire, how: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("GRACE", "LINGER", "STALL"):
        monkeypatch.setattr(ConnectedSocket, limit, 1000)
    one = wire(Still())
    one.protocol.send(b"x" * size, "outbox")
    if how != "the protocol's end":
        one.finish()
    if how != "producerFinished":
        one.protocol.end()
    assert len(one.read(size + 1)) == size
    assert not one.over  # until the client has had time to see it
    one.client.close()
    one.until(lambda: one.over)
    assert [message.message for message in told(one)] == ["closed"]  # type: ignore[attr-defined]


class EndsWhenSent(ReactiveComponent):
    """Says that it has sent all as soon as its message is collected."""

    Inboxes = {"inbox": "", "control": ""}
    Outboxes = {"outbox": "", "signal": ""}

    def __init__(self) -> None:
        super().__init__()
        self.outboxes["outbox"].myNotifyOnPop.append(self._sent)

    def on_start(self) -> None:
        self.send(b"last", "outbox")

    def _sent(self) -> None:
        self.send(producerFinished(self), "signal")

    def react(self) -> None:
        """Nothing that comes makes a difference."""


def test_an_end_that_is_told_while_the_last_message_is_sent(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    real = ConnectedSocket._close_gently

    def close_gently(connection: ConnectedSocket) -> None:
        ends.append(connection)
        real(connection)

    monkeypatch.setattr(ConnectedSocket, "_close_gently", close_gently)
    end = wire(EndsWhenSent())
    assert end.read(MEGABYTE) == b"last"
    assert ends == [end.connection]  # TLS, which says that this is the end, says so once


def test_the_client_may_still_send_when_its_answer_is_on_the_way(wire: MakeWire) -> None:
    """RFC 9112, section 9.6: a reset could overtake the last answer."""
    one = wire(Still())
    one.protocol.send(b"x" * MEGABYTE, "outbox")
    one.finish()
    one.settle()
    for _ in range(20):
        one.client.send(b"more" * 1000)
        one.step()
    assert len(one.read(MEGABYTE + 1)) == MEGABYTE
    assert one.protocol.got() == []


def test_the_client_may_end_its_direction_while_it_is_sent_to(wire: MakeWire) -> None:
    one = wire(Still())
    one.protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    one.finish()
    one.settle()
    one.client.shutdown(socket.SHUT_WR)
    one.settle()
    assert len(one.read(17 * MEGABYTE)) == 16 * MEGABYTE
    one.until(lambda: one.over)


def test_what_is_sent_after_the_end_is_dropped(wire: MakeWire) -> None:
    one = wire(Still())
    one.protocol.send(b"last", "outbox")
    one.finish()
    one.protocol.send(b"too late", "outbox")
    one.finish()
    assert one.read(100) == b"last"
    one.settle()
    assert not one.over
    assert len(one.connection.inboxes["inbox"]) == 0


def test_a_client_that_does_not_end_is_cut_off(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "LINGER", 0.005)
    one = wire(Still())
    one.finish()
    one.until(lambda: one.over)
    assert one.ended() == "end"
    assert [message.message for message in told(one)] == ["timed out"]  # type: ignore[attr-defined]


def test_the_time_to_linger_is_not_made_longer_by_what_comes(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "LINGER", 0.01)
    one = wire(Still())
    one.finish()
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        one.until(lambda: one.client.send(b"x") != 1)
    one.until(lambda: one.over)


@pytest.mark.parametrize("unsent", [0, 16 * MEGABYTE])
def test_shutdown_is_now_and_the_client_can_tell(wire: MakeWire, unsent: int) -> None:
    one = wire(Still())
    one.protocol.send(b"x" * unsent, "outbox")
    one.shut_down()
    one.until(lambda: one.over)
    with pytest.raises(ConnectionResetError):
        one.read(unsent + 1)
    assert [type(message) for message in told(one)] == [socketShutdown]


def test_a_protocol_that_fails_is_a_cut_that_the_client_can_tell(
    wire: MakeWire, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails(Still):
        def main(self) -> Iterator[int]:
            yield from super().main()
            raise KeyError("protocol")

    one = wire(Fails())
    one.protocol.send(b"part of an answer", "outbox")
    one.settle()
    assert one.read(17) == b"part of an answer"
    one.protocol.end()
    assert one.ended() == "reset"
    one.until(lambda: one.over)
    assert len(errors(caplog)) == 1


def test_so_is_one_in_a_pipeline(wire: MakeWire, caplog: pytest.LogCaptureFixture) -> None:
    def fail(data: bytes) -> bytes:
        raise KeyError("transformer")

    one = wire(Pipeline(PureTransformer(fail), EchoProtocol()))
    one.settle()
    one.client.send(b"x")
    assert one.ended() == "reset"
    assert len(errors(caplog)) == 1


# Ends: the client's.


def test_a_client_that_ends_is_told_once_and_answered(wire: MakeWire) -> None:
    one = wire(Still())
    one.client.send(b"question")
    one.client.shutdown(socket.SHUT_WR)
    assert one.until(one.protocol.got) == [b"question"]
    (message,) = one.until(lambda: told(one))
    assert isinstance(message, socketShutdown)
    one.protocol.send(b"answer", "outbox")
    one.protocol.end()
    assert one.read(100) == b"answer"
    one.until(lambda: one.over)
    assert told(one) == []


def test_a_stock_protocol_ends_with_its_client(wire: MakeWire) -> None:
    one = wire(EchoProtocol())
    one.client.send(b"echo")
    one.client.shutdown(socket.SHUT_WR)
    assert one.read(100) == b"echo"
    one.until(lambda: one.scheduler.listAllThreads() == [])


@pytest.mark.usefixtures("ticking")
def test_an_answer_to_a_client_that_ended_may_take_its_time(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it is taken: the grace is for the protocol, not for the way to the client."""
    monkeypatch.setattr(ConnectedSocket, "GRACE", 0.1)
    one = wire(Still())
    one.client.shutdown(socket.SHUT_WR)
    one.protocol.send(b"x" * (24 * MEGABYTE), "outbox")
    one.finish()
    for _ in range(24):
        one.settle()
        assert len(one.read(MEGABYTE)) == MEGABYTE
    assert one.ended() == "end"


def test_what_came_before_the_end_is_collected_first(wire: MakeWire) -> None:
    """Stock protocols look at "control" first."""
    one = wire(Still())
    one.client.sendall(b"question")
    one.until(lambda: one.protocol.dataReady("inbox"))
    one.client.sendall(b"and another")
    one.client.shutdown(socket.SHUT_WR)
    one.until(lambda: one.connection._eof)
    assert told(one) == []
    assert one.protocol.recv("inbox") == b"question"
    assert told(one) == []
    assert one.protocol.recv("inbox") == b"and another"
    assert [type(message) for message in told(one)] == [socketShutdown]


@pytest.mark.usefixtures("ticking")
def test_a_protocol_that_never_collects_is_cut_off_from_a_client_that_ended(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "STALL", 0.1)
    one = wire(Still())
    one.client.sendall(b"x")
    one.client.shutdown(socket.SHUT_WR)
    one.until(lambda: one.over)
    assert one.ended() == "reset"
    assert len(told(one)) == 1


def test_a_protocol_that_has_no_end_is_cut_off_from_a_client_that_ended(
    wire: MakeWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectedSocket, "GRACE", 0.005)
    one = wire(Still())
    one.client.shutdown(socket.SHUT_WR)
    one.until(lambda: one.over)
    assert one.ended() == "reset"
    assert len(told(one)) == 1


@pytest.mark.parametrize("busy", ["idle", "sending", "not reading"])
def test_a_reset_is_told_once(wire: MakeWire, busy: str) -> None:
    one = wire(Still())
    if busy == "sending":
        one.protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    elif busy == "not reading":
        one.protocol.setInboxSize("inbox", 1)
        for _ in range(3):
            one.client.send(b"x")
            one.settle()
    reset(one.client)
    one.until(lambda: one.over)
    assert [type(message) for message in told(one)] == [socketShutdown]
    one.protocol.send(b"to nobody", "outbox")
    one.finish()
    one.settle()
    one.protocol.end()
    one.until(lambda: one.scheduler.listAllThreads() == [])


def test_a_connection_that_is_lost_before_it_began(scheduler: Scheduler) -> None:
    ours, client = tcp_pair()
    reset(client)
    protocol = Still()
    connection = ConnectedSocket(ours, protocol)
    connection.link_fixed()
    connection.activate()
    protocol.activate()
    main = scheduler.main()
    for _ in range(5):
        next(main)
    assert connection not in scheduler.listAllThreads()
    assert [type(message) for message in protocol.got("control")] == [socketShutdown]


# Ends: everybody's.


@pytest.mark.parametrize("ran", [True, False])
def test_stop_of_the_scheduler_closes_it(scheduler: Scheduler, ran: bool) -> None:
    ours, client = tcp_pair()
    protocol = Still()
    connection = ConnectedSocket(ours, protocol)
    connection.link_fixed()
    protocol.activate()
    if ran:
        connection.activate()
        protocol.send(b"last words", "outbox")
        after_cycles(scheduler, 5, scheduler.stop)
    else:
        scheduler.call_later(0, connection.activate)
        scheduler.call_later(0, scheduler.stop)
    scheduler.runThreads()
    assert ours.fileno() == -1
    with client:
        assert client.recv(100) == (b"last words" if ran else b"")


def test_stop_with_something_unsent_is_a_reset(scheduler: Scheduler) -> None:
    ours, client = tcp_pair()
    protocol = Still()
    connection = ConnectedSocket(ours, protocol)
    connection.link_fixed()
    protocol.activate()
    connection.activate()
    protocol.send(b"x" * (16 * MEGABYTE), "outbox")
    after_cycles(scheduler, 5, scheduler.stop)
    scheduler.runThreads()
    with client, pytest.raises(ConnectionResetError):
        while client.recv(65536):
            pass


def test_nothing_is_left_of_it(wire: MakeWire) -> None:
    one = wire(EchoProtocol())
    scheduler, client = one.scheduler, one.client
    left = [weakref.ref(one.connection), weakref.ref(one.protocol), weakref.ref(one)]
    client.send(b"echo")
    assert one.read(4) == b"echo"
    client.close()
    one.until(lambda: one.scheduler.listAllThreads() == [])
    assert (len(scheduler.timers), len(scheduler.poller.callbacks)) == (0, 1)
    one.connection = one.protocol = None  # type: ignore[assignment]
    gc.collect()
    assert [reference() for reference in left[:2]] == [None, None]


def test_wakes_from_threads_while_bytes_flow(wire: MakeWire) -> None:
    one = wire(EchoProtocol())
    going = True

    def disturb() -> None:
        while going:
            one.connection.unpause()
            one.protocol.pause()
            one.protocol.unpause()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for n in range(40):
            one.client.send(b"%4d" % n)
            assert one.read(4) == b"%4d" % n
    finally:
        going = False
        thread.join()


class Full(ReactiveComponent):
    """A protocol with room for one message, which it does not take."""

    def __init__(self) -> None:
        super().__init__()
        self.setInboxSize("inbox", 1)
        self.told = 0

    def react(self) -> None:
        while self.dataReady("control"):
            self.recv("control")
            self.told += 1


def test_a_client_that_goes_behind_unread_bytes_is_noticed(
    wire: Callable[[component], Wire],
) -> None:
    """Its end cannot be read before them, and nobody reads while a handler is at work."""
    one = wire(Full())
    one.client.sendall(b"request")
    one.until(lambda: one.protocol.dataReady("inbox"))
    one.client.sendall(b"more")
    one.settle()
    assert one.protocol.told == 0
    one.client.close()
    one.until(lambda: one.protocol.told)
    one.settle()
    assert one.protocol.told == 1
