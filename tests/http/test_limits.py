"""Limits: what goes, and what is one byte too much; told as soon as it can be known."""

from __future__ import annotations

import dataclasses

import pytest

from kroute.http import Head, Limits

from .raw_requests import Refused, bytewise, kinds, parse

SMALL = Limits(request_line=20, header_bytes=64, header_fields=3)
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def statuses(raw: bytes, limits: Limits = SMALL) -> str:
    """What becomes of it, which must be the same whole and byte by byte."""
    seen = kinds(parse([raw], limits))
    assert kinds(parse(bytewise(raw), limits)) == seen
    return seen


def first_refusal(raw: bytes, limits: Limits = SMALL) -> int:
    """How many bytes were enough to refuse it."""
    for size in range(len(raw) + 1):
        if isinstance((parse([raw[:size]], limits) or [None])[-1], Refused):
            return size
    raise AssertionError("it is not refused")


def test_they_are_numbers_with_their_units_in_the_docs() -> None:
    for field in dataclasses.fields(Limits):
        kind = float if field.name.endswith("_seconds") else int
        assert type(getattr(Limits(), field.name)) is kind
        assert field.name in (Limits.__doc__ or "")


def test_they_cannot_be_changed_under_way() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().request_line = 1  # type: ignore[misc]


@pytest.mark.parametrize("length, seen", [(20, "head"), (21, "414")])
def test_request_line(length: int, seen: str) -> None:
    """RFC 9112, section 3: 414 for a target that is longer than the server wishes to parse."""
    line = b"GET /" + b"a" * (length - 14) + b" HTTP/1.1"
    assert len(line) == length
    assert statuses(line + b"\r\n\r\n") == seen


def test_a_request_line_without_end() -> None:
    assert first_refusal(b"GET /" + b"a" * 99) == 22  # the line, and no CRLF after it
    assert statuses(b"GET /" + b"a" * 99) == "414"


@pytest.mark.parametrize("size, seen", [(64, "head"), (65, "431")])
def test_header_bytes(size: int, seen: str) -> None:
    """RFC 6585, section 5."""
    head = b"GET / HTTP/1.1\r\nX: "
    raw = head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"
    assert len(raw) == size
    assert statuses(raw) == seen
    assert statuses(raw + raw) == (f"{seen} {seen}" if seen == "head" else seen)


def test_a_head_without_end() -> None:
    assert first_refusal(b"GET / HTTP/1.1\r\nX: " + b"x" * 99) == 65
    assert statuses(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 99) == "431"


@pytest.mark.parametrize("fields, seen", [(3, "head"), (4, "431")])
def test_header_fields(fields: int, seen: str) -> None:
    assert statuses(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * fields + b"\r\n") == seen


def test_the_defaults() -> None:
    """RFC 9112, section 3: at least 8000 octets of request line."""
    limits = Limits()
    start = b"GET / HTTP/1.1\r\n"
    for raw, seen in [
        (b"GET /" + b"a" * 8176 + b" HTTP/1.1\r\n\r\n", "head"),
        (b"GET /" + b"a" * 8177 + b" HTTP/1.1\r\n\r\n", "414"),
        (start + b"X: %b\r\n\r\n" % (b"x" * 65513), "head"),
        (start + b"X: %b\r\n\r\n" % (b"x" * 65514), "431"),
        (start + b"X: 1\r\n" * 100 + b"\r\n", "head"),
        (start + b"X: 1\r\n" * 101 + b"\r\n", "431"),
    ]:
        assert statuses(raw, limits) == seen


def test_the_first_fault_counts() -> None:
    """A status that depends on the pieces would depend on the weather."""
    assert statuses(b"GET / HTTP/1.1\r\nX: \n" + b"x" * 99 + b"\r\n\r\n") == "400"
    assert statuses(b"GET / HTTP/1.1\r\nX: " + b"x" * 99 + b"\n\r\n\r\n") == "431"
    assert statuses(b"GET /" + b"a" * 99 + b"\n HTTP/1.1\r\n\r\n") == "414"
    assert statuses(b"GET /\n" + b"a" * 99 + b" HTTP/1.1\r\n\r\n") == "400"
    assert statuses(b"GET /" + b"a" * 99 + b" HTTP/2.0\r\n\r\n") == "414"


@pytest.mark.parametrize(
    "fields, seen", [(b"X: 1\r\n" * 3, "head end"), (b"X: 1\r\n" * 4, "head 431")]
)
def test_trailer_fields(fields: bytes, seen: str) -> None:
    assert statuses(CHUNKED + b"0\r\n" + fields + b"\r\n") == seen


@pytest.mark.parametrize("size, seen", [(64, "head end"), (65, "head 431")])
def test_trailer_bytes(size: int, seen: str) -> None:
    trailers = b"X: " + b"x" * (size - 7) + b"\r\n\r\n"
    assert statuses(CHUNKED + b"0\r\n" + trailers) == seen
    assert statuses(CHUNKED + b"0\r\nX: " + b"x" * 99) == "head 431"


@pytest.mark.parametrize("length, seen", [(64, "head data"), (65, "head 431")])
def test_a_chunk_extension(length: int, seen: str) -> None:
    """RFC 9112, section 7.1.1: the length of extensions is to be limited."""
    line = b"5;" + b"a" * (length - 4) + b"\r\n"
    assert statuses(CHUNKED + line + b"hello") == seen


def test_a_chunk_extension_without_end() -> None:
    assert statuses(CHUNKED + b"5;" + b"a" * 99) == "head 431"
    assert first_refusal(CHUNKED + b"5;" + b"a" * 99) == len(CHUNKED) + 65


def test_chunk_extensions_add_up() -> None:
    """RFC 9112, section 7.1.1: it is their total length that is to be limited."""
    chunk = b"1;aaaaaaaaaa\r\nx\r\n"  # 10 bytes more of extension than of data
    assert statuses(CHUNKED + chunk * 6) == "head data"
    assert statuses(CHUNKED + chunk * 7) == "head data 431"


def test_chunk_extensions_may_have_as_many_bytes_as_the_data() -> None:
    """As signatures of chunks have."""
    chunk = b"a;aaaaaaaaa\r\n0123456789\r\n"
    assert statuses(CHUNKED + chunk * 200 + b"0\r\n\r\n") == "head data end"


def test_a_body_is_not_the_parsers_to_limit() -> None:
    """RFC 9110, section 15.5.14: 413 is for the one who knows the route."""
    [head] = parse([b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"])
    assert isinstance(head, Head)
    assert head.said.body_length == 99999999
