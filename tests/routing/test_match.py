"""`Match`, `Miss`, `allow_methods`."""

from __future__ import annotations

import pytest

from kroute.routing import Miss, allow_methods

from .helpers import a_map


@pytest.mark.parametrize(
    ("methods", "allow"),
    [
        ("", ""),
        ("GET", "GET HEAD OPTIONS"),
        ("POST", "POST OPTIONS"),
        ("LOCK DELETE BREW POST GET", "GET HEAD POST DELETE OPTIONS BREW LOCK"),
        ("* PUT", "PUT OPTIONS"),
        ("HEAD", "HEAD OPTIONS"),
    ],
)
def test_allow_has_what_is_implied_in_one_order(methods: str, allow: str) -> None:
    """RFC 9110, 10.2.1: the set of methods; 9.3.2: GET implies HEAD."""
    assert allow_methods(methods.split()) == tuple(allow.split())


def test_a_miss_knows_its_status() -> None:
    assert (Miss().code, Miss(("GET",)).code, Miss(("GET",), "/a", 308).code) == (404, 405, 308)
    assert Miss(redirect="/a", code=302).final
    assert not Miss(redirect="/a", code=308, keep_query=True).final


def test_they_show_what_they_are() -> None:
    urls = a_map("GET /a/{x}")
    match = repr(urls.resolve("GET", "/a/1"))
    assert "'GET /a/{x}' {'x': '1'} by <HandlerTable GET '/a/{x}' at app.py:1>" in match
    assert repr(urls.resolve("PUT", "/a/1")) == "<Miss 405 allow=GET,HEAD,OPTIONS>"
    assert repr(Miss(redirect="/b", code=302)) == "<Miss 302 allow= -> /b>"


def test_values_are_fresh_each_time() -> None:
    urls = a_map("GET /a/{x}", "GET /b")
    for path in ("/a/1", "/b"):
        first = urls.resolve("GET", path)
        first.variables["y"] = "2"  # type: ignore[union-attr]
        assert "y" not in urls.resolve("GET", path).variables  # type: ignore[union-attr]
