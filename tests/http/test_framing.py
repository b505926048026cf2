"""AnswerFraming: what goes over the wire, to whom, and what never does."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kroute.http import CONTINUE, AnswerFraming, LocalProtocolError
from kroute.http import framing as room
from kroute.http.framing import MAX_HEAD, MAX_HEADS, MAX_NAMES, Headers

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
D = f"Date: {DATE}"
TYPE = ("Content-Type", "text/plain")


def framing(method: str = "GET", modern: bool = True, keep_alive: bool = True) -> AnswerFraming:
    framing = AnswerFraming()
    framing.begin(method, modern, keep_alive)
    return framing


def state(framing: AnswerFraming) -> list[Any]:
    return [getattr(framing, name) for name in AnswerFraming.__slots__]


def lines(data: bytes) -> list[str]:
    """Head and body, the head in lines."""
    head, _, body = data.partition(b"\r\n\r\n")
    return [*head.decode("latin-1").split("\r\n"), *([repr(body)] if body else [])]


# In one piece. (RFC 9112, section 6.3: how the end of a body is told.)

WHOLE: list[tuple[str, dict[str, Any], str, Headers, bytes, list[str], bool]] = [
    # section, begin(...), status, fields, body -> lines, keep_alive
    ("9112 6.2", {}, "200 OK", [TYPE], b"hi",
     ["HTTP/1.1 200 OK", "Content-Type: text/plain", D, "Content-Length: 2", "b'hi'"], True),
    ("9112 6.2, given", {}, "200 OK", [("Content-Length", "2")], b"hi",
     ["HTTP/1.1 200 OK", D, "Content-Length: 2", "b'hi'"], True),
    ("9110 8.6, twice the same", {}, "200 OK", [("Content-Length", "2")] * 2, b"hi",
     ["HTTP/1.1 200 OK", D, "Content-Length: 2", "b'hi'"], True),
    ("9110 8.6, nothing", {}, "200 OK", [], b"",
     ["HTTP/1.1 200 OK", D, "Content-Length: 0"], True),
    ("9112 4, no reason", {}, "299", [], b"",
     ["HTTP/1.1 299 ", D, "Content-Length: 0"], True),
    ("9112 4, an empty reason", {}, "299 ", [], b"",
     ["HTTP/1.1 299 ", D, "Content-Length: 0"], True),
    ("9112 4, a reason of any language", {}, "200 \xc3\xa7a va", [], b"",
     ["HTTP/1.1 200 \xc3\xa7a va", D, "Content-Length: 0"], True),
    ("9110 6.6.1, the author's date", {}, "200 OK", [("DATE", "x")], b"",
     ["HTTP/1.1 200 OK", "DATE: x", "Content-Length: 0"], True),
    ("9110 5.5, obs-text", {}, "200 OK", [("X", "\xe9")], b"",
     ["HTTP/1.1 200 OK", "X: \xe9", D, "Content-Length: 0"], True),
    ("9110 5.3, order and repetition", {}, "200 OK",
     [("Set-Cookie", "a=1"), ("X", "1"), ("set-cookie", "b=2")], b"",
     ["HTTP/1.1 200 OK", "Set-Cookie: a=1", "X: 1", "set-cookie: b=2", D, "Content-Length: 0"],
     True),
    ("9112 9.6, the client closes", {"keep_alive": False}, "200 OK", [], b"",
     ["HTTP/1.1 200 OK", D, "Content-Length: 0", "Connection: close"], False),
    ("9112 9.6, the author closes", {}, "200 OK", [("Connection", "Close")], b"",
     ["HTTP/1.1 200 OK", D, "Content-Length: 0", "Connection: close"], False),
    ("9112 9.3, to HTTP/1.0", {"modern": False, "keep_alive": False}, "200 OK", [], b"hi",
     ["HTTP/1.1 200 OK", D, "Content-Length: 2", "Connection: close", "b'hi'"], False),
    ("9112 9.3, to HTTP/1.0 that stays", {"modern": False}, "200 OK", [], b"hi",
     ["HTTP/1.1 200 OK", D, "Content-Length: 2", "Connection: keep-alive", "b'hi'"], True),
    ("9110 9.3.2, HEAD", {"method": "HEAD"}, "200 OK", [TYPE], b"hi",
     ["HTTP/1.1 200 OK", "Content-Type: text/plain", D, "Content-Length: 2"], True),
    ("9110 9.3.2, HEAD of a body that was not made", {"method": "HEAD"}, "200 OK",
     [("Content-Length", "99")], b"", ["HTTP/1.1 200 OK", D, "Content-Length: 99"], True),
    ("9110 9.3.2, HEAD of an error", {"method": "HEAD"}, "404 Not Found", [], b"no",
     ["HTTP/1.1 404 Not Found", D, "Content-Length: 2"], True),
    ("9110 15.3.5, 204", {}, "204 No Content", [], b"", ["HTTP/1.1 204 No Content", D], True),
    ("9110 8.6, 204 with a length", {}, "204 No Content", [("Content-Length", "0")], b"",
     ["HTTP/1.1 204 No Content", D], True),
    ("9110 15.3.5, 204 with a body", {}, "204 No Content", [("Content-Length", "2")], b"hi",
     ["HTTP/1.1 204 No Content", D], True),
    ("9110 15.3.6, 205", {}, "205 Reset Content", [], b"",
     ["HTTP/1.1 205 Reset Content", D, "Content-Length: 0"], True),
    ("9110 15.3.6, 205 with a body", {}, "205 Reset Content", [("Content-Length", "2")], b"hi",
     ["HTTP/1.1 205 Reset Content", D, "Content-Length: 0"], True),
    ("9110 15.4.5, 304", {}, "304 Not Modified", [("ETag", '"x"')], b"",
     ["HTTP/1.1 304 Not Modified", 'ETag: "x"', D], True),
    ("9110 8.6, 304 with the length of a 200", {}, "304 Not Modified",
     [("Content-Length", "99")], b"",
     ["HTTP/1.1 304 Not Modified", D, "Content-Length: 99"], True),
    ("9110 8.6, 304 with a length of 0", {}, "304 Not Modified", [("Content-Length", "0")], b"",
     ["HTTP/1.1 304 Not Modified", D], True),
    ("9110 15.4.5, 304 with a body, HTTP/1.0", {"modern": False}, "304 Not Modified", [], b"hi",
     ["HTTP/1.1 304 Not Modified", D, "Content-Length: 2", "Connection: keep-alive"], True),
]  # fmt: skip


@pytest.mark.parametrize(
    "section, begin, status, fields, body, expected, keep_alive", WHOLE, ids=[w[0] for w in WHOLE]
)
def test_whole(
    section: str,
    begin: dict[str, Any],
    status: str,
    fields: Headers,
    body: bytes,
    expected: list[str],
    keep_alive: bool,
) -> None:
    answer = framing(**begin)
    assert lines(answer.whole(status, fields, body, DATE)) == expected
    assert answer.keep_alive is keep_alive
    assert answer.end() == (b"0\r\n\r\n" if "chunked" in expected else b"")
    again = framing(**begin)  # from what is remembered
    assert lines(again.whole(status, fields, body, DATE)) == expected
    assert state(again) == state(answer)
    later = framing(**begin).whole(status, fields, body, "later")
    assert [line.replace("later", DATE) for line in lines(later)] == expected


# In parts.

PARTS = [b"one", b"", b"two"]
CHUNKS = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"

STREAMED: list[tuple[str, dict[str, Any], str, Headers, int | None, list[str], bytes, bool]] = [
    # section, begin(...), status, fields, length -> lines of the head, body, keep_alive
    ("9112 7.1, chunks", {}, "200 OK", [], None, ["Transfer-Encoding: chunked"], CHUNKS, True),
    ("9112 6.2, known length", {}, "200 OK", [], 6, ["Content-Length: 6"], b"onetwo", True),
    ("9112 6.2, said by the author", {}, "200 OK", [("content-length", "6")], None,
     ["Content-Length: 6"], b"onetwo", True),
    ("9112 6.2, the author knows better", {}, "200 OK", [("Content-Length", "6")], 5,
     ["Content-Length: 6"], b"onetwo", True),
    ("9112 9.6, chunks and close", {"keep_alive": False}, "200 OK", [], None,
     ["Transfer-Encoding: chunked", "Connection: close"], CHUNKS, False),
    ("9112 6.3, HTTP/1.0 has no chunks", {"modern": False}, "200 OK", [], None,
     ["Connection: close"], b"onetwo", False),
    ("9112 6.3, HTTP/1.0 and a length", {"modern": False}, "200 OK", [], 6,
     ["Content-Length: 6", "Connection: keep-alive"], b"onetwo", True),
    ("9110 9.3.2, HEAD", {"method": "HEAD"}, "200 OK", [], None, [], b"", True),
    ("9110 9.3.2, HEAD with a length", {"method": "HEAD"}, "200 OK", [], 6,
     ["Content-Length: 6"], b"", True),
    ("9110 9.3.2, HEAD of HTTP/1.0", {"method": "HEAD", "modern": False}, "200 OK", [], None,
     ["Connection: keep-alive"], b"", True),
    ("9110 15.3.5, 204", {}, "204 No Content", [], None, [], b"", True),
    ("9110 15.4.5, 304", {}, "304 Not Modified", [], None, [], b"", True),
    ("9110 15.3.6, 205", {}, "205 Reset Content", [], None, ["Content-Length: 0"], b"", True),
]  # fmt: skip


@pytest.mark.parametrize(
    "section, begin, status, fields, length, head, body, keep_alive",
    STREAMED,
    ids=[s[0] for s in STREAMED],
)
def test_in_parts(
    section: str,
    begin: dict[str, Any],
    status: str,
    fields: Headers,
    length: int | None,
    head: list[str],
    body: bytes,
    keep_alive: bool,
) -> None:
    answer = framing(**begin)
    assert lines(answer.start(status, fields, length, DATE)) == [f"HTTP/1.1 {status}", D, *head]
    assert answer.wants_body is bool(body)
    assert b"".join([*map(answer.data, PARTS), answer.end()]) == body
    assert answer.keep_alive is keep_alive


def test_an_empty_part_does_not_end_the_chunks() -> None:
    """RFC 9112, section 7.1: a chunk of size 0 is the last one."""
    answer = framing()
    answer.start("200 OK", [], None, DATE)
    assert answer.data(b"") == b""
    assert answer.data(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"


class Wire(io.BytesIO):
    """Bytes that `http.client` takes for a socket."""

    def makefile(self, mode: str) -> Wire:
        return self

    def close(self) -> None:
        pass


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=50), max_size=5), st.booleans(), st.booleans())
def test_another_reader_understands_it(parts: list[bytes], known: bool, whole: bool) -> None:
    body = b"".join(parts)
    answer = framing()
    if whole:
        raw = answer.whole("200 OK", [TYPE], body, DATE)
    else:
        raw = answer.start("200 OK", [TYPE], len(body) if known else None, DATE)
        raw += b"".join(map(answer.data, parts)) + answer.end()
    stream = Wire(raw + b"behind")
    response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
    response.begin()
    assert (response.status, response.reason) == (200, "OK")
    assert response.getheader("content-type") == "text/plain"
    assert response.read() == body
    assert stream.read() == b"behind"


# The author's mistakes.


def test_a_body_that_is_too_long() -> None:
    """Nothing of it gets out: it would be read as the next answer."""
    answer = framing()
    answer.start("200 OK", [], 5, DATE)
    assert answer.data(b"abc") == b"abc"
    with pytest.raises(LocalProtocolError, match="1 bytes more"):
        answer.data(b"def")
    assert not answer.keep_alive


def test_a_body_that_is_too_short() -> None:
    answer = framing()
    answer.start("200 OK", [], 5, DATE)
    answer.data(b"abc")
    with pytest.raises(LocalProtocolError, match="2 bytes"):
        answer.end()
    assert not answer.keep_alive


@pytest.mark.parametrize("declared", ["1", "3"])
def test_a_whole_body_of_another_length(declared: str) -> None:
    with pytest.raises(LocalProtocolError, match=f"says {declared} bytes, the body has 2"):
        framing().whole("200 OK", [("Content-Length", declared)], b"hi", DATE)


BAD_STATUS = [
    *("", "OK", "20", "2000 OK", "200OK", "600 No", "000 No", "099 No", " 200 OK", "200\tOK"),
    *(
        "200 OK\r\nX: y",
        "200 O\nK",
        "200 O\rK",
        "200 \0",
        "200 \x7f",
        "2\u0660\u0660 OK",
        "200 \u20ac",
    ),
]
BAD_FIELDS: list[Any] = [
    # RFC 9110, section 5.5; section 5.1; 9112, section 11.1 (response splitting)
    *[("X", value) for value in ("a\r\nY: b", "a\nb", "a\rb", "\r\n", "a\0b", "a\r\n\r\n<html>")],
    *[("X", value) for value in ("\u20ac", "\udc80", 5, None, b"x", ["x"])],
    *[(name, "x") for name in ("", " X", "X ", "X:", "X\r\nY", "X Y", "X\0", "\xc9", "X\n")],
    *[(name, "x") for name in ('"X"', None, 5, b"X", ["X"])],
    *[("X",), ("X", "y", "z"), "X", 5],
    # RFC 9110, section 7.6.1; PEP 3333, "Other HTTP Features"
    *[("Connection", "keep-alive"), ("connection", "upgrade"), ("Connection", "close, x")],
    *[("Transfer-Encoding", "chunked"), ("transfer-encoding", "identity"), ("Keep-Alive", "5")],
    *[("Connection", "close\r\nX: y"), ("Connection", None)],
    # RFC 9110, section 8.6
    *[("Content-Length", value) for value in ("", "-1", "+2", "2 ", "0x2", "2,2", "2\r\nX: y")],
    *[("Content-Length", value) for value in (2, None, "\u0662", "9" * 5000)],
]  # fmt: skip


@pytest.mark.parametrize("status", BAD_STATUS)
def test_a_status_that_cannot_be_sent(status: str) -> None:
    check_refused(status, [], b"hi")


@pytest.mark.parametrize("field", BAD_FIELDS, ids=repr)
def test_a_field_that_cannot_be_sent(field: Any) -> None:
    for fields in ([field], [TYPE, field], [field, TYPE], [("X", "y"), field, field]):
        check_refused("200 OK", fields, b"hi")


def test_a_part_that_the_caller_sends_himself() -> None:
    chunked = framing()
    chunked.start("200 OK", [], None, DATE)
    assert chunked.around(300) == (b"12c\r\n", b"\r\n")
    assert chunked.end() == b"0\r\n\r\n"
    closing = framing(modern=False)
    closing.start("200 OK", [], None, DATE)
    assert closing.around(300) == (b"", b"")
    counted = framing()
    counted.start("200 OK", [], 300, DATE)
    assert counted.around(200) == (b"", b"")
    with pytest.raises(LocalProtocolError, match="1 bytes more"):
        counted.around(101)
    assert counted.around(100) == (b"", b"")
    assert counted.end() == b""


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching Protocols", "103 Early Hints"])
def test_an_interim_status_is_no_answer(status: str) -> None:
    """RFC 9110, section 15.2: a client goes on waiting for a final one."""
    check_refused(status, [], b"")


def test_two_lengths() -> None:
    check_refused("200 OK", [("Content-Length", "2"), ("content-length", "3")], b"hi")


def check_refused(status: str, fields: Headers, body: bytes) -> None:
    """It raises, and another answer can be sent as if nothing had been."""
    for _ in range(2):  # the second time names are known
        for method, modern in (("GET", True), ("HEAD", True), ("GET", False)):
            answer, other = framing(method, modern), framing(method, modern)
            with pytest.raises(LocalProtocolError):
                answer.whole(status, [*fields, ("Connection", "close")], body, DATE)
            with pytest.raises(LocalProtocolError):
                answer.start(status, fields, None, DATE)
            assert state(answer) == state(other)
            assert answer.whole("500 Oh", [], b"", DATE) == other.whole("500 Oh", [], b"", DATE)


def test_names_that_are_made_up_are_not_kept_for_ever() -> None:
    for number in range(2 * MAX_NAMES):
        framing().whole("200 OK", [(f"X-{number}", "y")], b"", DATE)
    framing().whole("200 OK", [("X" * 1000, "y")], b"", DATE)
    assert len(AnswerFraming._names) <= MAX_NAMES
    assert "X" * 1000 not in AnswerFraming._names


def test_heads_are_not_kept_for_ever() -> None:
    for number in range(2 * MAX_HEADS):
        framing().whole("200 OK", [("X", str(number))], b"", DATE)
    assert len(room._heads) == MAX_HEADS
    framing().whole("200 OK", [], b"", "later")
    assert len(room._heads) == 1
    framing().whole("200 OK", [("X", "y" * MAX_HEAD)], b"", "later")
    assert len(room._heads) == 1


def test_fields_that_are_lists() -> None:
    fields: Any = [["X", "y"]]
    for _ in range(2):
        assert b"X: y\r\n" in framing().whole("200 OK", fields, b"", DATE)


# Before the answer (RFC 9110, section 15.2).


def test_early_hints() -> None:
    """RFC 8297, section 2."""
    answer = framing(keep_alive=False)
    hints = [("Link", "</x.css>; rel=preload"), ("Link", "</y.js>; rel=preload")]
    assert lines(answer.interim("103 Early Hints", hints)) == [
        "HTTP/1.1 103 Early Hints",
        "Link: </x.css>; rel=preload",
        "Link: </y.js>; rel=preload",
    ]
    assert answer.interim("100 Continue", []) == CONTINUE
    assert lines(answer.whole("200 OK", [], b"hi", DATE))[-1] == "b'hi'"


def test_http_1_0_gets_nothing_before_the_answer() -> None:
    assert framing(modern=False).interim("103 Early Hints", []) == b""


@pytest.mark.parametrize(
    "status, fields",
    [
        ("101 Switching Protocols", []),
        ("200 OK", []),
        ("103 Early\nHints", []),
        ("103 Early Hints", [("Content-Length", "0")]),
        ("103 Early Hints", [("Connection", "close")]),
        ("103 Early Hints", [("Transfer-Encoding", "chunked")]),
        ("103 Early Hints", [("X", "\n")]),
    ],
)
def test_what_is_no_interim_answer(status: str, fields: Headers) -> None:
    with pytest.raises(LocalProtocolError):
        framing().interim(status, fields)


# One after the other.


def test_answers_do_not_get_in_each_others_way() -> None:
    answer = AnswerFraming()
    seen = []
    for method, status, length in [
        ("HEAD", "200 OK", None),
        ("GET", "200 OK", None),
        ("GET", "204 No Content", None),
        ("GET", "200 OK", 6),
        ("GET", "304 Not Modified", 6),
        ("GET", "200 OK", None),
    ]:
        answer.begin(method, True, True)
        answer.start(status, [], length, DATE)
        seen.append(b"".join([*map(answer.data, PARTS), answer.end()]))
        assert answer.keep_alive
    assert seen == [b"", CHUNKS, b"", b"onetwo", b"", CHUNKS]
