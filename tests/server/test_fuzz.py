"""HTTPProtocol under the corpus and under mutations of it, on both parsers; see `fuzz`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kroute.http.fields_h11
import kroute.http.head
import kroute.http.parser
from kroute.http import AnswerFraming, EnvironMaker, Head, RequestParser
from kroute.http.head import HeadReader
from kroute.server import HTTPProtocol
from tests.cases import check_each
from tests.http.raw_requests import NEXT, Case, by_file, bytewise, load

from . import echo
from .fuzz import Bench, Failure, run
from .harness import World

ROOT = Path(__file__).parents[2]
VALID = load("valid")
INVALID = load("invalid")


@pytest.fixture
def bench(world: World, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench whose handlers all receive the body first."""
    monkeypatch.setattr(echo, "way_of", lambda method, target: 0)
    return Bench(world)


# The corpus.


@pytest.mark.parametrize("cases", by_file(VALID))
def test_valid_requests_are_answered(bench: Bench, cases: list[Case]) -> None:
    def check(case: Case) -> None:
        for raw in (case.raw, case.raw + NEXT):
            whole = bench.check([raw])
            assert {answer.status for answer in whole} == {200}
            assert bench.check(bytewise(raw)) == whole

    check_each(cases, check)


@pytest.mark.parametrize("cases", by_file(INVALID))
def test_invalid_requests_are_refused(bench: Bench, cases: list[Case]) -> None:
    def check(case: Case) -> None:
        for raw in (case.raw, case.raw + NEXT):
            whole = bench.check([raw])
            assert [answer.status for answer in whole] == [int(case.expected[-3:])]
            assert bench.check(bytewise(raw)) == whole

    check_each(cases, check)


# Mutations.


def test_mutations(world: World) -> None:
    done = run(world, 1, range(700))
    assert done.mutated > 700
    assert done.answers > done.refusals > 500


@pytest.mark.load
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_many_mutations(world: World, seed: int) -> None:
    assert run(world, seed, range(10_000)).mutated > 10_000


@pytest.mark.parametrize(
    "words, says",
    [
        ("--seed 5 --requests 50", r"\d+ pipelines with 5\d mutated requests, on 2 parsers: "),
        ("--seconds 0.1", r"\d+ pipelines with \d+ mutated requests"),
        ("--case 7", "1 pipelines with "),
    ],
)
def test_the_command(words: str, says: str) -> None:
    command = [sys.executable, "-m", "tests.server.fuzz", *words.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout
    assert re.match(says, done.stdout)


# The fuzzer finds what it looks for: faults that servers have had.


def both_lengths(patch: pytest.MonkeyPatch) -> None:
    """Content-Length counts even where there is a Transfer-Encoding."""
    usual = kroute.http.head._body_length

    def body_length(special: dict[bytes, bytes], modern: bool) -> int | None:
        if b"content-length" in special:
            special = {b"content-length": special[b"content-length"]}
        return usual(special, modern)

    patch.setattr(kroute.http.head, "_body_length", body_length)


def any_chunk_end(patch: pytest.MonkeyPatch) -> None:
    """The two bytes after a chunk are skipped without a look."""

    def read_chunk_end(self: RequestParser) -> Any:
        if len(self.buffered) < 2:
            return kroute.http.parser.NEED_DATA
        self._take(2)
        self._state = self._read_chunk_size
        return self._read_chunk_size()

    patch.setattr(RequestParser, "_read_chunk_end", read_chunk_end)


def another_head(patch: pytest.MonkeyPatch) -> None:
    """A head that is as long as the one before is taken for that."""

    class Length(bytes):
        def __eq__(self, other: Any) -> bool:
            return len(self) == len(other)

        def __ne__(self, other: Any) -> bool:  # bytes has one, which would be asked for `!=`
            return len(self) != len(other)

        __hash__ = bytes.__hash__

    usual = HeadReader.read

    def read(self: HeadReader, block: bytes) -> Head:
        head = usual(self, block)
        self._rest = Length(self._rest)
        return head

    patch.setattr(HeadReader, "read", read)


def one_parser_forgives(patch: pytest.MonkeyPatch) -> None:
    """h11 as it is: it takes control characters."""
    patch.setattr(kroute.http.fields_h11, "FORBIDDEN", re.compile(rb"\0"))


def a_body_too_many(patch: pytest.MonkeyPatch) -> None:
    """The answer to HEAD has a body."""
    usual = AnswerFraming.begin
    patch.setattr(AnswerFraming, "begin", lambda self, method, *rest: usual(self, "GET", *rest))


def the_rest_of_a_body(patch: pytest.MonkeyPatch) -> None:
    """A body that nobody wants is taken for the next request."""
    usual = HTTPProtocol._finish

    def finish(self: HTTPProtocol, exchange: Any) -> None:
        if self._receiving:
            self._parser._state = self._parser._read_head
            self._receiving = False
        usual(self, exchange)

    patch.setattr(HTTPProtocol, "_finish", finish)


def another_order(patch: pytest.MonkeyPatch) -> None:
    """What goes out together goes out the wrong way round."""
    usual = HTTPProtocol._flush

    def flush(self: HTTPProtocol) -> None:
        self._out.reverse()
        usual(self)

    patch.setattr(HTTPProtocol, "_flush", flush)


def a_deaf_connection(patch: pytest.MonkeyPatch) -> None:
    """Who takes a body part by part is given one part only."""
    patch.setattr(HTTPProtocol, "more", lambda self, exchange: None)


def an_exception(patch: pytest.MonkeyPatch) -> None:
    """Values of fields are taken for ASCII."""
    usual = EnvironMaker.make

    def make(self: EnvironMaker, head: Head) -> dict[str, Any]:
        for _, value in head.headers:
            value.decode("ascii")
        return usual(self, head)

    patch.setattr(EnvironMaker, "make", make)


FAULTS = [
    both_lengths,
    any_chunk_end,
    another_head,
    one_parser_forgives,
    a_body_too_many,
    the_rest_of_a_body,
    another_order,
    a_deaf_connection,
    an_exception,
]


@pytest.mark.load
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fault(monkeypatch)
    with pytest.raises(Failure, match=r"--seed 1 --case \d+"):
        run(world, 1, range(5_000))
