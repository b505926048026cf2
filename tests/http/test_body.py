"""RequestBody and EMPTY_BODY: input streams for PEP 3333, of no more than is allowed."""

from __future__ import annotations

import io
import itertools
import tempfile
from collections.abc import Iterator
from typing import IO

import pytest

from kroute.http import EMPTY_BODY, BodyTooLarge, Request, RequestBody
from kroute.http.body import MEMORY

LINES = b"one\ntwo\nthree"


def as_text(file: IO[bytes]) -> str:
    wrapped = io.TextIOWrapper(file)
    text = wrapped.read()
    wrapped.detach()
    return text


@pytest.fixture(params=["in memory", "on disk"])
def file(request: pytest.FixtureRequest) -> Iterator[IO[bytes]]:
    body = RequestBody(100, 100 if request.param == "in memory" else 5)
    for part in (b"one", b"\ntwo\n", b"", b"three"):
        body.write(part)
    assert isinstance(body.file(), io.BytesIO) is (request.param == "in memory")
    yield body.file()
    body.close()


@pytest.mark.parametrize(
    "calls, expected",
    [
        # PEP 3333, "Input and Error Streams": read(size), readline(), readlines(hint), __iter__()
        (lambda f: f.read(), LINES),
        (lambda f: [f.read(4), f.read(0), f.read(99), f.read(1)], [b"one\n", b"", LINES[4:], b""]),
        (lambda f: [f.readline(), f.readline(2), f.readline()], [b"one\n", b"tw", b"o\n"]),
        (lambda f: f.readlines(), [b"one\n", b"two\n", b"three"]),
        (lambda f: f.readlines(1), [b"one\n"]),
        (lambda f: list(f), [b"one\n", b"two\n", b"three"]),
        (lambda f: as_text(f), LINES.decode()),
        (lambda f: (f.seekable(), f.readable()), (True, True)),
    ],
)
def test_it_is_a_file(file: IO[bytes], calls: object, expected: object) -> None:
    assert calls(file) == expected  # type: ignore[operator]


def test_webob_reads_it(file: IO[bytes]) -> None:
    request = Request.blank("/", method="POST")
    request.environ.update({"wsgi.input": file, "CONTENT_LENGTH": str(len(LINES))})
    assert request.body == LINES
    assert request.body_file.read() == LINES


def test_it_is_read_from_its_start_each_time() -> None:
    body = RequestBody(9, 9)
    body.write(b"abc")
    assert body.file().read() == body.file().read() == b"abc"
    body.close()


@pytest.mark.parametrize("in_memory", [0, 3, 99])
def test_limit(in_memory: int) -> None:
    """RFC 9110, section 15.5.14."""
    body = RequestBody(5, in_memory)
    body.write(b"abc")
    body.write(b"de")
    with pytest.raises(BodyTooLarge):
        body.write(b"f")
    assert body.size == 5
    assert body.file().read() == b"abcde"
    body.close()


def test_what_is_over_the_limit_never_goes_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: pytest.fail("went to disk"))
    body = RequestBody(10, 5)
    with pytest.raises(BodyTooLarge):
        body.write(b"x" * 11)


@pytest.mark.parametrize("size, on_disk", [(5, False), (6, True)])
def test_where_it_is_kept(size: int, on_disk: bool) -> None:
    for parts in itertools.product((b"x" * size, b"x"), repeat=2):
        body = RequestBody(99, 5)
        for part in parts:
            body.write(part)
        total = sum(map(len, parts))
        assert isinstance(body.file(), io.BytesIO) is (total <= 5)
        file = body.file()
        assert body.size == total == len(file.read())
        body.close()
        assert file.closed


def test_parts_of_many_sizes_keep_their_order() -> None:
    parts = [bytes([n]) * size for n, size in enumerate((1, 5000, 2, 3, 4096, 4095, 9000, 1))]
    for on_disk in (False, True):
        body = RequestBody(99_999, 0 if on_disk else 99_999)
        for part in parts:
            body.write(part)
        assert body.file().read() == b"".join(parts)
        body.close()


def test_large_bodies_share_what_memory_there_is_for_them() -> None:
    def collect(*sizes: int) -> RequestBody:
        body = RequestBody(99, 5, 30)
        for size in sizes:
            body.write(b"x" * size)
        assert len(body.file().read()) == sum(sizes)
        return body

    def is_in_memory(body: RequestBody) -> bool:
        return isinstance(body.file(), io.BytesIO)

    before = MEMORY.taken
    small, first, second = collect(5), collect(3, 9, 8), collect(11)
    assert [is_in_memory(each) for each in (small, first, second)] == [True, True, False]
    assert MEMORY.taken == before + 20
    third = collect(10)
    assert is_in_memory(third)
    fourth = collect(5, 1)  # grows, and there is no room any more
    assert not is_in_memory(fourth)
    first.close()
    first.close()
    third.close()
    assert MEMORY.taken == before
    forgotten = collect(20)
    assert is_in_memory(forgotten)
    del forgotten
    assert MEMORY.taken == before
    for body in (small, second, fourth):
        body.close()


def test_a_body_is_counted_as_long_as_somebody_has_its_file() -> None:
    before = MEMORY.taken
    for close in (True, False):
        body = RequestBody(99, 5, 30)
        body.write(b"x" * 20)
        file = body.file()
        del body
        assert (MEMORY.taken, file.read()) == (before + 20, b"x" * 20)
        if close:
            file.close()
            assert MEMORY.taken == before
        del file
        assert MEMORY.taken == before


def test_nothing_of_nothing() -> None:
    body = RequestBody(0, 0)
    body.write(b"")
    assert body.file().read() == b""
    with pytest.raises(BodyTooLarge):
        body.write(b"x")
    body.close()


# The body of a request without one.


def test_the_empty_body_reads_as_empty() -> None:
    f = EMPTY_BODY
    assert [f.read(), f.read(9), f.read(None), f.readall(), f.readline(), f.readline(3)] == [
        b""
    ] * 6
    assert f.readlines() == list(f) == []
    assert f.readinto(bytearray(3)) == 0
    assert f.readable()
    assert io.BufferedReader(f).read() == b""


def test_the_empty_body_cannot_be_closed_or_written() -> None:
    """One handler that closes its input does not take it from the others."""
    with EMPTY_BODY as f:
        pass
    f.close()
    assert not f.closed
    assert f.read() == b""
    with pytest.raises(io.UnsupportedOperation):
        f.fileno()
    assert not f.writable()
