"""FilePart: a part of a file as a message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kroute.http import FilePart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 20_000)
    return path


def test_its_length_is_that_of_all(path: Path) -> None:
    with path.open("rb") as file:
        part = FilePart(file.fileno(), 5, 100)
    assert len(part) == 100
    part.head = b"head"
    assert len(part) == 104


def test_it_has_a_descriptor_of_its_own_and_closes_it(path: Path) -> None:
    with path.open("rb") as file:
        part = FilePart(file.fileno(), 0, 10)
    fd = part.fd
    assert os.pread(fd, 3, 5) == b"567"
    del part
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_no_descriptor_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        FilePart(-1, 0, 10)


@pytest.mark.parametrize(("offset", "count"), [(0, 200_000), (5, 10), (0, 0), (100, 10**9)])
def test_fetching_changes_nothing(path: Path, offset: int, count: int) -> None:
    with path.open("rb") as file:
        file.seek(7)
        part = FilePart(file.fileno(), offset, count)
        part.fetch()
        assert file.read(3) == b"789"


def test_what_is_not_in_memory_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    pread = os.pread
    monkeypatch.setattr(
        os, "pread", lambda fd, size, at: (read.append(at), pread(fd, size, at))[1]
    )

    def preadv(fd: int, buffers: object, at: int, flags: int) -> int:
        if at > 100_000:
            raise BlockingIOError
        return 1

    monkeypatch.setattr(os, "preadv", preadv)
    with path.open("rb") as file:
        FilePart(file.fileno(), 0, 200_000).fetch()
    assert read == [131_072, 196_608]
