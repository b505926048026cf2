"""Routing paths: decoded once, with a place for what is no text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kroute.routing import info_from_path, is_utf8, routing_path, routing_path_from_info


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/a", "/a"),
        (b"/a", "/a"),
        ("/a%20b", "/a b"),
        ("/%E6%97%A5", "/日"),
        (b"/%e6%97%a5", "/日"),
        ("/\xe6\x97\xa5", "/日"),  # raw bytes off the wire, as latin-1
        (b"/\xe6\x97\xa5", "/日"),
        ("/%2525", "/%25"),  # RFC 3986, 2.4: decoded once only
        ("/100%", "/100%"),
        ("/%zz", "/%zz"),
        ("/a%2Fb", "/a\udc2fb"),
        ("/a%2fb/c", "/a\udc2fb/c"),
        ("/%252F", "/%2F"),
        ("/%FF", "/\udcff"),
        ("/%0A", "/\n"),
        ("/%E6%2F%97", "/\udce6\udc2f\udc97"),
    ],
)
def test_a_request_target_is_decoded_once(raw: bytes | str, path: str) -> None:
    assert routing_path(raw) == path


@pytest.mark.parametrize(
    ("info", "path"), [("/a", "/a"), ("/\xe6\x97\xa5", "/日"), ("/\xff", "/\udcff")]
)
def test_path_info_is_bytes_as_latin_1(info: str, path: str) -> None:
    """PEP 3333, "Unicode Issues"."""
    assert routing_path_from_info(info) == path
    assert info_from_path(path) == info


def test_an_encoded_slash_is_a_slash_in_path_info() -> None:
    assert info_from_path("/a\udc2fb") == "/a/b"


@pytest.mark.parametrize(
    ("path", "text"),
    [("/a", True), ("/日", True), ("/a\udc2fb", True), ("/\udcff", False), ("/\udc80", False)],
)
def test_what_is_not_utf8_is_known(path: str, text: bool) -> None:
    assert is_utf8(path) is text


@pytest.mark.parametrize("path", ["/日", "/\udc80"])
def test_text_that_was_no_latin_1_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        routing_path(path)
    with pytest.raises(ValueError):
        routing_path_from_info(path)


@given(st.binary())
def test_bytes_survive(raw: bytes) -> None:
    path = routing_path_from_info(raw.decode("latin-1"))
    assert info_from_path(path).encode("latin-1") == raw
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        assert not is_utf8(path)
    else:
        assert is_utf8(path)
