"""`EpollPoller` and `PortablePoller`: what is ready, and the wake-up from other threads."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from kroute.scheduler import READ, WRITE, EpollPoller, Poller, PortablePoller, open_poller

Pair = tuple[socket.socket, socket.socket]


def without_eventfd() -> Poller:
    """As on a system that has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(os, "eventfd", raising=False)
        return PortablePoller()


@pytest.fixture(params=[EpollPoller, PortablePoller, without_eventfd])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def seen(poller: Poller, timeout: float = 0) -> dict[int, int]:
    return dict(poller.poll(timeout))


def test_this_machine_gets_epoll() -> None:
    with contextlib.closing(open_poller()) as poller:
        assert isinstance(poller, EpollPoller)


def test_nothing_is_ready_at_first(poller: Poller) -> None:
    assert poller.poll(0) == []


def test_readable_is_told_until_it_is_read(poller: Poller, pair: Pair) -> None:
    one, other = pair
    poller.watch(one.fileno(), READ, print)
    assert seen(poller) == {}
    other.send(b"x")
    assert seen(poller) == {one.fileno(): READ}
    assert seen(poller) == {one.fileno(): READ}
    one.recv(1)
    assert seen(poller) == {}


def test_watching_again_changes_events_and_callback(poller: Poller, pair: Pair) -> None:
    one, other = pair
    other.send(b"x")
    poller.watch(one.fileno(), READ, print)
    poller.watch(one.fileno(), READ | WRITE, repr)
    assert seen(poller) == {one.fileno(): READ | WRITE}
    assert poller.callbacks[one.fileno()] is repr
    poller.watch(one.fileno(), WRITE, repr)
    assert seen(poller) == {one.fileno(): WRITE}


def test_nothing_wanted_is_not_forgotten(poller: Poller, pair: Pair) -> None:
    one, other = pair
    other.send(b"x")
    poller.watch(one.fileno(), READ, print)
    poller.watch(one.fileno(), 0, print)
    assert seen(poller) == {}
    poller.watch(one.fileno(), READ, print)
    assert seen(poller) == {one.fileno(): READ}


def test_unwatched_is_not_told(poller: Poller, pair: Pair) -> None:
    one, other = pair
    other.send(b"x")
    poller.watch(one.fileno(), READ, print)
    poller.unwatch(one.fileno())
    poller.unwatch(one.fileno())
    assert seen(poller) == {}
    assert one.fileno() not in poller.callbacks


def test_a_descriptor_that_was_closed_first_can_be_unwatched(poller: Poller) -> None:
    one, other = socket.socketpair()
    with other:
        fd = one.fileno()
        poller.watch(fd, READ, print)
        one.close()
        poller.unwatch(fd)
    assert seen(poller) == {}


def test_the_number_of_a_closed_descriptor_can_be_used_again(poller: Poller) -> None:
    for _ in range(3):
        one, other = socket.socketpair()
        with one, other:
            poller.watch(one.fileno(), READ, print)
            other.send(b"x")
            assert seen(poller) == {one.fileno(): READ}
            poller.unwatch(one.fileno())


def test_what_cannot_be_watched_is_not_remembered(poller: Poller) -> None:
    with pytest.raises((OSError, ValueError)):
        poller.watch(-1, READ, print)
    assert -1 not in poller.callbacks


def test_a_hang_up_is_told_to_a_reader(poller: Poller, pair: Pair) -> None:
    one, other = pair
    poller.watch(one.fileno(), READ, print)
    other.close()
    assert seen(poller)[one.fileno()] & ~WRITE


def test_a_time_out_is_kept(poller: Poller) -> None:
    began = monotonic()
    assert poller.poll(0.01) == []
    assert monotonic() - began >= 0.0099


def call_ready(poller: Poller, ready: list[tuple[int, int]]) -> None:
    for fd, events in ready:
        poller.callbacks[fd](events)


def test_wake_before_poll_ends_it_once(poller: Poller) -> None:
    for _ in range(3):
        poller.wake()
    call_ready(poller, poller.poll(5))
    assert poller.poll(0) == []


def test_wake_from_another_thread_ends_a_poll_without_time_out(poller: Poller) -> None:
    thread = threading.Timer(0.005, poller.wake)
    thread.start()
    ready = poller.poll(None)
    thread.join()
    assert len(ready) == 1
    call_ready(poller, ready)


def test_a_hundred_thousand_wakes_do_not_block(poller: Poller) -> None:
    for _ in range(100_000):
        poller.wake()
    for _ in range(100):  # a socket pair holds many tokens
        ready = poller.poll(0)
        call_ready(poller, ready)
    assert ready == []


def test_a_closed_poller_wakes_nobody() -> None:
    poller = open_poller()
    poller.close()
    read, write = os.pipe()  # they get the numbers of what was closed
    try:
        poller.wake()
        os.set_blocking(read, False)
        with pytest.raises(BlockingIOError):
            os.read(read, 1)
    finally:
        os.close(read)
        os.close(write)
    assert poller.callbacks == {}
