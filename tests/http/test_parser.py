"""RequestParser: the corpus and what cannot be written down there, in whatever pieces it comes."""

from __future__ import annotations

import itertools
import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kroute.http import (
    NEED_DATA,
    Data,
    End,
    Event,
    Head,
    Limits,
    RemoteProtocolError,
    RequestParser,
)
from kroute.http.fields import PARSERS, field_reader
from kroute.http.head import HeadReader, Memory, Said
from tests.cases import check_each

from .mutation import mutate
from .raw_requests import (
    NEXT,
    Case,
    Refused,
    by_file,
    bytewise,
    in_two,
    kinds,
    load,
    parse,
    parse_by,
    transcript,
)

VALID = load("valid")
INVALID = load("invalid")
REFUSED_HERE = [case for case in INVALID if not case.expected.startswith("environ")]
REFUSED_LATER = [case for case in INVALID if case.expected.startswith("environ")]

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


# The corpus.


@pytest.mark.parametrize("cases", by_file(VALID))
def test_valid(cases: list[Case]) -> None:
    def check(case: Case) -> None:
        assert transcript(parse([case.raw])) == case.expected
        assert transcript(parse(bytewise(case.raw))) == case.expected
        for pieces in in_two(case.raw):
            assert transcript(parse_by(field_reader(), pieces, Limits())) == case.expected

    check_each(cases, check)


@pytest.mark.parametrize("cases", by_file(VALID))
def test_valid_with_another_request_behind(cases: list[Case]) -> None:
    """RFC 9112, section 9.3.2; section 9.6: nothing is looked at after a close."""
    following = "\n" + transcript(parse([NEXT]))

    def check(case: Case) -> None:
        heads = [event for event in parse([case.raw]) if isinstance(event, Head)]
        expected = case.expected + following * all(head.said.keep_alive for head in heads)
        assert transcript(parse([case.raw + NEXT])) == expected
        assert transcript(parse(bytewise(case.raw + NEXT))) == expected

    check_each(cases, check)


@pytest.mark.parametrize("cases", by_file(VALID))
def test_valid_and_cut_off(cases: list[Case]) -> None:
    """What is not complete is neither refused nor made complete."""

    def check(case: Case) -> None:
        whole = parse([case.raw])
        for at in range(len(case.raw)):
            part = parse([case.raw[:at]])
            assert len(part) < len(whole) or part != whole
            assert not any(isinstance(event, Refused) for event in part)

    check_each(cases, check)


@pytest.mark.parametrize("cases", by_file(REFUSED_HERE))
def test_invalid(cases: list[Case]) -> None:
    def check(case: Case) -> None:
        refused = parse([case.raw])
        assert kinds(refused) == case.expected
        for raw in (case.raw, case.raw + NEXT):
            assert parse([raw]) == refused
            assert parse(bytewise(raw)) == refused
        for pieces in in_two(case.raw + NEXT):
            assert parse_by(field_reader(), pieces, Limits()) == refused

    check_each(cases, check)


def test_invalid_only_for_the_environ() -> None:
    def check(case: Case) -> None:
        assert kinds(parse([case.raw])) == "head"

    check_each(REFUSED_LATER, check)


def test_the_corpus_cites() -> None:
    for case in VALID + INVALID:
        assert re.match(r"RFC \d+, (section|appendix) ", case.section), case.name


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    assert len(VALID) >= 80
    assert len(INVALID) >= 120
    for cases in (VALID, INVALID):
        assert len({case.name for case in cases}) == len(cases)
        assert len({case.raw for case in cases}) == len(cases)


# One connection.


def test_a_pipeline_in_order() -> None:
    """RFC 9112, section 9.3.2."""
    cases = [case for case in VALID if " close" not in case.expected]
    raw = b"".join(case.raw for case in cases)
    expected = "\n".join(case.expected for case in cases)
    assert transcript(parse([raw])) == expected
    assert transcript(parse(bytewise(raw))) == expected


def heads(*raw: bytes, **limits: int) -> list[Head]:
    parser = RequestParser(Limits(**limits))
    parser.feed(b"".join(raw))
    found = []
    for _ in raw:
        event = parser.next_event()
        assert isinstance(event, Head)
        found.append(event)
    return found


def test_what_a_client_says_again_is_not_read_again() -> None:
    rest = b" HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"
    first, second, third, old = heads(
        b"GET /one" + rest,
        b"DELETE /two?x" + rest,
        b"GET /one" + rest.replace(b"1\r\n\r", b"2\r\n\r"),
        b"GET /one" + rest.replace(b"/1.1", b"/1.0"),
    )
    assert second.said is first.said
    assert (second.method, second.target) == ("DELETE", "/two?x")
    assert third.said.headers == [(b"Host", b"a"), (b"X", b"2")]
    assert old.said.headers == first.said.headers
    assert (old.said.modern, old.said.keep_alive) == (False, False)


def test_what_one_client_said_is_not_read_again_for_another() -> None:
    raw = b"GET / HTTP/1.1\r\nHost: said-by-two\r\n\r\n"
    (one,), (another,) = heads(raw), heads(bytes(bytearray(raw)))
    assert another.said is one.said


def test_what_is_remembered_of_all_clients_is_bounded() -> None:
    memory = Memory(1000)
    saids = [Said(True, [], 0, True, rest=b"%03d" % number * 10) for number in range(100)]
    for said in saids:
        memory.add(said)
    known = [said for said in saids if memory.get(said.rest) is said]
    assert known == saids[-33:]
    long = Said(True, [], 0, True, rest=b"x" * 2000)
    memory.add(long)
    memory.add(saids[0])
    assert (memory.get(long.rest), memory.get(saids[0].rest)) == (None, saids[0])


LINES = [
    b"GET /a b",
    b"GET /a#b",
    b"GET /\xe9",
    b"GET /\x7f",
    b"GET /a\tb",
    b"GET  /",
    b" /",
    b"GET /a\n",
]
LINES += [b"GET ", b"GET", b"", b"\r\n", b"\r\nGET /", b"g\xe9t /", b"FIND /", b"GE(T /", b"GET *"]
LINES += [
    b"GET /a HTTP/1.1\r\n\r\nGET /b",
    b"GET /a HTTP/1.1\r\nX: 1\r\nGET /b",
    b"GET /a\0",
    b"GET /|{}",
]


@pytest.mark.parametrize("line", LINES, ids=repr)
def test_what_comes_after_a_head_is_read_as_what_comes_first(line: bytes) -> None:
    rest = b" HTTP/1.1\r\nHost: a\r\n\r\n"
    first = transcript(parse([b"GET /" + rest]))
    for again in (line + rest, line, line + rest[1:], line + rest[:-1]):
        assert transcript(parse([b"GET /" + rest, again])) == "\n".join(
            part for part in (first, transcript(parse([again]))) if part
        )


SIZED, CHUNKED = b"Content-Length: 3", b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("field", "whole", "behind"),
    [
        (SIZED, b"abc", b"abc"),
        (SIZED, b"abc", b"abc" + NEXT),
        (SIZED, b"abc", b"abcd"),
        (SIZED, b"abc", b"a"),
        (SIZED, b"abc", b""),
        (CHUNKED, b"1\r\na\r\n0\r\n\r\n", b"2\r\nab\r\n0\r\n\r\n" + NEXT),
        (CHUNKED, b"1\r\na\r\n0\r\n\r\n", b""),
        (b"X: 1", b"", NEXT),
        (b"X: 1", b"", b"not HTTP"),
    ],
    ids=repr,
)
def test_a_body_comes_after_a_head_that_says_the_same(
    field: bytes, whole: bytes, behind: bytes
) -> None:
    head = b"PUT / HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n"
    first = parse([head + whole])
    for pieces in ([head + behind], [head, behind], [head + behind[:1], behind[1:]]):
        assert parse([head + whole, *pieces]) == [*first, *parse([head + behind])]


@pytest.mark.parametrize("body", [b"", b"x" * 10, b"x" * 60])
@pytest.mark.parametrize(("limit", "status"), [("request_line", 414), ("header_bytes", 431)])
def test_a_body_is_no_room_for_a_longer_head(limit: str, status: int, body: bytes) -> None:
    head = b"PUT /%b HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n"
    first, again = head % b"", head % (b"x" * 70)
    limits = Limits(**{limit: 80})
    events = parse([first + b"x" * 60, again + body], limits)
    assert kinds(events) == f"head data end {status}"


def test_what_is_long_is_not_remembered() -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"y" * HeadReader.REMEMBERED)
    first, second = heads(raw, raw)
    assert first.said is not second.said
    assert first.said.headers == second.said.headers


@pytest.mark.parametrize(("limit", "status"), [("request_line", 414), ("header_bytes", 431)])
def test_whichever_limit_is_the_lower_one_counts(limit: str, status: int) -> None:
    raw = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 100)
    with pytest.raises(RemoteProtocolError) as caught:
        heads(raw, **{limit: 100})
    assert caught.value.status == status


def test_it_looks_at_nothing_that_was_not_asked_for() -> None:
    parser = RequestParser(Limits())
    parser.feed(NEXT + b"not HTTP")
    assert isinstance(parser.next_event(), Head)
    assert parser.buffered == b"not HTTP"


def test_what_follows_an_upgrade_stays() -> None:
    """RFC 9110, section 7.8: after a 101 the bytes are another protocol's."""
    parser = RequestParser(Limits())
    parser.feed(
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00"
    )
    assert isinstance(parser.next_event(), Head)
    assert parser.buffered == b"\x81\x00"


def test_a_refusal_is_final() -> None:
    parser = RequestParser(Limits())
    parser.feed(b"\0")
    for _ in range(3):
        with pytest.raises(RemoteProtocolError, match="method") as caught:
            parser.next_event()
        assert caught.value.status == 400
        parser.feed(NEXT)


def test_after_close_everything_is_dropped() -> None:
    """RFC 9112, section 9.6: no further requests after `close`."""
    parser = RequestParser(Limits())
    parser.feed(b"GET / HTTP/1.0\r\n\r\n" + NEXT)
    assert isinstance(parser.next_event(), Head)
    assert parser.next_event() is NEED_DATA
    parser.feed(b"\0" * 100_000)
    assert parser.next_event() is NEED_DATA
    assert parser.buffered == b""
    assert not parser.in_message


def test_in_message() -> None:
    parser = RequestParser(Limits())
    seen = []
    for piece in (
        b"\r\n",
        b"POST / HTTP/1.1\r\n",
        b"Host: a\r\nContent-Length: 2\r\n\r\n",
        b"h",
        b"i",
        b"G",
    ):
        parser.feed(piece)
        while parser.next_event() is not NEED_DATA:
            pass
        seen.append(parser.in_message)
    assert seen == [False, True, True, True, False, True]


def test_it_is_in_a_message_until_the_end_was_taken() -> None:
    parser = RequestParser(Limits())
    parser.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
    assert isinstance(parser.next_event(), Head)
    assert isinstance(parser.next_event(), Data)
    assert parser.in_message
    assert parser.next_event() == End([])
    assert not parser.in_message


def test_close() -> None:
    parser = RequestParser(Limits())
    parser.feed(b"GET / ")
    parser.close()
    assert parser.buffered == b""
    assert parser.next_event() is NEED_DATA


def test_a_body_is_passed_on_as_it_comes_and_not_copied() -> None:
    parser = RequestParser(Limits())
    parser.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
    assert isinstance(parser.next_event(), Head)
    piece = bytes(100_000)
    parser.feed(piece)
    event = parser.next_event()
    assert isinstance(event, Data)
    assert event.data is piece
    assert parser.next_event() is NEED_DATA


def test_a_body_is_taken_whole_or_not_at_all() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    parser = RequestParser(Limits())
    assert parser.take_body() is None
    parser.feed(head + b"ab")
    assert isinstance(parser.next_event(), Head)
    assert parser.take_body() is None
    parser.feed(b"c" + HEAD + b"5\r\nab")
    assert parser.take_body() == b"abc"
    assert isinstance(parser.next_event(), Head)
    assert parser.take_body() is None
    assert parser.next_event() == Data(b"ab")


def test_nothing_is_kept_of_what_was_read() -> None:
    """An idle connection holds no buffer."""
    parser = RequestParser(Limits())
    parser.feed(NEXT)
    parser.next_event()
    assert not parser._buffer
    assert parser.next_event() is NEED_DATA


@pytest.mark.parametrize("length", [1 << 31, 1 << 32, 1 << 62])
def test_lengths_that_no_memory_has(length: int) -> None:
    """RFC 9110, section 8.6; RFC 9112, section 7.1: anticipate large numerals."""
    [head] = parse([b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length])
    assert isinstance(head, Head)
    assert head.said.body_length == length
    assert kinds(parse([HEAD + b"%x\r\nx" % length])) == "head data"


# Pieces.


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A pipeline of cases, valid and not, and the same in pieces."""
    raw = b"".join(case.raw for case in draw(st.lists(st.sampled_from(VALID), max_size=3)))
    raw += draw(st.sampled_from(VALID + INVALID)).raw
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    return raw, [raw[i:j] for i, j in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


@settings(max_examples=300)
@given(streams())
def test_pieces_do_not_matter(stream: tuple[bytes, list[bytes]]) -> None:
    raw, pieces = stream
    assert parse(pieces) == parse([raw])


@settings(max_examples=200)
@given(streams())
def test_a_body_that_is_there_can_be_taken_whole(stream: tuple[bytes, list[bytes]]) -> None:
    """And what is behind it is read as ever."""
    raw, pieces = stream
    assert _taking_bodies([raw]) == _taking_bodies(pieces) == parse([raw])


def _taking_bodies(pieces: list[bytes]) -> list[Event | Refused]:
    parser = RequestParser(Limits())
    events: list[Event | Refused] = []
    for piece in pieces:
        parser.feed(piece)
        try:
            while (event := parser.next_event()) is not NEED_DATA:
                if isinstance(event, Data) and isinstance(events[-1], Data):
                    event = Data(events.pop().data + event.data)
                events.append(event)
                if isinstance(event, Head) and (body := parser.take_body()) is not None:
                    assert len(body) == event.said.body_length
                    events += [Data(body), End([])]
        except RemoteProtocolError as error:
            return [*events, Refused(error.status, str(error))]
    return events


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.binary(max_size=20))
def test_any_body_in_chunks(chunks: list[bytes], behind: bytes) -> None:
    """RFC 9112, section 7.1: data is any bytes."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    raw = HEAD + body + b"0\r\n\r\n"
    events = parse([raw])
    assert parse(bytewise(raw)) == events
    assert b"".join(event.data for event in events if isinstance(event, Data)) == b"".join(chunks)
    assert events[-1] == End([])
    # The end is where it was said to be: what is behind is read like at the beginning.
    assert parse([raw + behind])[len(events) :] == parse([behind])


# Mutations. (tests/server/fuzz.py has more of them, with answers.)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "limits",
    [Limits(), Limits(request_line=40, header_bytes=90, header_fields=3)],
    ids=["", "small"],
)
def test_mutations_are_read_one_way_only(seed: int, limits: Limits) -> None:
    """No exception but RemoteProtocolError, an end to it, and no difference by pieces."""
    dice = random.Random(seed)
    for _ in range(300):
        raw = mutate(dice.choice(VALID).raw + dice.choice((b"", NEXT)), dice)
        at = sorted(dice.choices(range(len(raw) + 1), k=3))
        whole = parse([raw], limits)
        assert len(whole) <= len(raw) + 1
        assert parse([raw[: at[0]], raw[at[0] : at[1]], raw[at[1] :]], limits) == whole, raw
        assert parse(bytewise(raw), limits) == whole, raw


@pytest.mark.parametrize("seed", range(2))
def test_noise(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(300):
        raw = dice.choice((b"", b"GET / HTTP/1.1\r\n", HEAD)) + dice.randbytes(dice.randrange(99))
        assert parse(bytewise(raw)) == parse([raw]), raw


# Smuggling: where two readers could disagree, nobody reads on (RFC 9112, section 11.2).

LENGTHS = [b"Content-Length: 5", b"Content-Length: 6", b"Content-Length: 0"]
CODINGS = [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"transfer-encoding:\tchunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding:",
]
DISGUISED = [
    b"Transfer-Encoding : chunked",
    b" Transfer-Encoding: chunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: chunked\x00",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"Transfer-Encoding\n: chunked",
    b"Transfer-Encoding:\n chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Trans\0fer-Encoding: chunked",
    b"Content-Length : 6",
    b"Content-Length:\x0c6",
    b"Content-Length: 6\r",
]


AMBIGUOUS = [
    *itertools.product(LENGTHS, CODINGS),
    *itertools.product(CODINGS, LENGTHS),
    *itertools.product(LENGTHS, LENGTHS),
    *itertools.product(CODINGS, CODINGS),
    *itertools.product(LENGTHS, DISGUISED),
    *itertools.product(DISGUISED, LENGTHS),
]


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_ambiguous_framing_is_refused(version: bytes) -> None:
    def check(fields: tuple[bytes, bytes]) -> None:
        raw = b"POST / HTTP/%b\r\nHost: a\r\n%b\r\n%b\r\n\r\n0\r\n\r\n" % (version, *fields)
        [refused] = parse([raw + NEXT])
        assert isinstance(refused, Refused)
        if refused.status != 400:
            # A coding that is not understood (RFC 9112, section 6.1), and no length beside it.
            assert refused.status == 501
            assert version == b"1.1"
            assert all(field in CODINGS for field in fields)
        assert parse(bytewise(raw + NEXT)) == [refused]

    check_each(AMBIGUOUS, check)


# Time. (The bounds are many times what is needed; quadratic work would be many times over them.)


def seconds(name: str, raw: bytes, size: int, limits: Limits) -> float:
    reader = field_reader(name)
    began = time.thread_time()
    parse_by(reader, [raw[at : at + size] for at in range(0, len(raw), size)], limits)
    return time.thread_time() - began


SLOW = {
    "a method": b"A" * 65_000,
    "a request line": b"GET /" + b"a" * 65_000,
    "a request line and fields": b"GET /%b HTTP/1.1\r\n" % (b"a" * 8_000) + b"X: y\r\n" * 9_500,
    "fields": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: yyyyyyyyyyyy\r\n" * 3_800,
    "a field": b"GET / HTTP/1.1\r\nHost: " + b"a" * 65_000,
    "a field of spaces": b"GET / HTTP/1.1\r\nX:%b\0\r\n\r\n" % (b" " * 65_000),
    "a field of spaces and letters": b"GET / HTTP/1.1\r\nX:%b\0\r\n\r\n" % (b" a" * 32_000),
    "empty lines": b"\r\n" * 32_000,
    "a chunk extension": HEAD + b"5;" + b"a" * 65_000,
    "a chunk extension of spaces": HEAD + b"5" + b";a" * 10 + b" " * 65_000 + b"\r\n",
    "chunk extensions": HEAD + b"5" + b";a=" * 20_000 + b"\r\n",
    "trailers": HEAD + b"0\r\n" + b"X: y\r\n" * 10_000,
    "chunks of one byte": HEAD + b"1\r\nx\r\n" * 10_000,
    "chunks of empty lines": HEAD + b"4\r\n\r\n\r\n\r\n" * 7_000,
    "a chunk": HEAD + b"10000\r\n" + b"x" * 65_000,
    "requests": b"GET / HTTP/1.1\r\nHost:\r\n\r\n" * 2_500,
}


@pytest.mark.parametrize("raw", SLOW.values(), ids=SLOW)
def test_time_is_linear(raw: bytes) -> None:
    limits = Limits(request_line=65_536)
    assert seconds("httptools", raw, 1, limits) < 1
    for name in PARSERS:
        assert seconds(name, raw, len(raw), limits) < 0.3
