"""Output: what one thread leaves and another takes, and who waits for whom."""

from __future__ import annotations

import threading

from kroute.handlers.wsgi_output import BLOCK, HIGH, LOW, Output
from tests.server.harness import PATIENCE


def test_who_leaves_the_first_part_is_to_say_so() -> None:
    output = Output()
    assert output.put(b"one", end=False)
    assert not output.put(b" two", end=False)
    assert output.take() == b"one two"
    assert not output.put(b"three", end=False)  # it is looked for yet
    assert output.take() == b"three"
    assert output.take() == b""
    assert output.put(b"four", end=False)


def test_after_the_end_nobody_is_told() -> None:
    output = Output()
    output.put(b"one", end=True)
    assert not output.is_sent
    assert output.take() == b"one"
    assert output.is_sent
    assert output.take() == b""


def test_small_parts_go_together_and_a_large_one_as_it_is() -> None:
    output = Output()
    large = bytes(BLOCK + 1)
    for part in (b"a", b"b", large, b"c"):
        output.put(part, end=False)
    assert output.take() == b"ab"
    assert output.take() is large
    assert output.take() == b"c"


def test_who_leaves_too_much_waits_until_most_is_taken() -> None:
    output = Output()
    while not output.full:
        output.put(bytes(BLOCK), end=False)
    assert output._size == HIGH
    assert not output.wait(0.001)
    waits = threading.Thread(target=output.wait, args=(PATIENCE,))
    waits.start()
    while output._size > LOW:
        assert output.full
        output.take()
    waits.join(PATIENCE)
    assert not (output.full or waits.is_alive())


def test_nobody_waits_for_who_wants_no_more() -> None:
    output = Output()
    output.put(bytes(HIGH), end=False)
    waits = threading.Thread(target=output.wait, args=(PATIENCE,))
    waits.start()
    output.close()
    waits.join(PATIENCE)
    assert not waits.is_alive()
    assert output.take() == b""


def test_the_end_is_not_waited_for() -> None:
    output = Output()
    output.put(bytes(HIGH), end=True)
    assert not output.full
