"""Redirects and static names."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.routing import RouteError, URLMap

from .helpers import HERE, a_map, answer


@pytest.mark.parametrize(
    ("path", "destination", "asked", "to"),
    [
        ("/old", "/new", "/old", "/new"),
        ("/old/{x}", "/new/{x}", "/old/é", "/new/%C3%A9"),
        ("/old/*rest", "/new/{rest}", "/old/a/b", "/new/a/b"),
        ("/{a}/{b}", "/{b}-{a}", "/1/2", "/2-1"),
        ("/old", "https://example.com/a?b=1#c", "/old", "https://example.com/a?b=1#c"),
        ("/old/{x}", "https://{x}.example.com/", "/old/a", "https://a.example.com/"),
        # A reference to another host (RFC 3986, 4.2) must not come of a value.
        ("/go/*rest", "/{rest}", "/go//evil.example", "/.//evil.example"),
        ("/go/{x}", "/{x}", "/go/\udc2fevil.example", "/.//evil.example"),
        ("/go/{x}", "/{x}", "/go/\\evil.example", "/%5Cevil.example"),
        ("/go/{x}", "/{x}", "/go/a\r\nB: c", "/a%0D%0AB%3A%20c"),
    ],
)
def test_where_it_leads(path: str, destination: str, asked: str, to: str) -> None:
    urls: URLMap[str] = URLMap()
    urls.redirect(path, destination, place=HERE)
    assert answer(urls, f"GET {asked}") == (302, to)


def test_the_order_of_declaration_decides() -> None:
    urls = a_map("POST /a")
    urls.redirect("/a", "/b", place=HERE, code=307)
    urls.add("/{x}", {"GET": "late"}, place=HERE)
    assert answer(urls, "POST /a") == ("POST /a", {})
    assert answer(urls, "GET /a") == (307, "/b")
    assert answer(urls, "GET /b") == ("late", {"x": "b"})


def test_a_redirect_may_be_for_some_methods() -> None:
    urls: URLMap[str] = URLMap()
    urls.redirect("/a", "/b", place=HERE, conditions={"method": ["GET"]})
    urls.add("/{x}", {"PUT": "put"}, place=HERE)
    assert answer(urls, "GET /a") == answer(urls, "HEAD /a") == (302, "/b")
    assert answer(urls, "PUT /a") == ("put", {"x": "a"})
    assert answer(urls, "POST /a") == ("GET", "HEAD", "PUT", "OPTIONS")


def test_conditions_and_requirements_hold_for_it() -> None:
    urls: URLMap[str] = URLMap()
    urls.redirect(
        "/{x}", "/to/{x}", place=HERE, requirements={"x": r"\d+"}, conditions={"sub_domain": ["a"]}
    )
    assert answer(urls, "GET /7", HTTP_HOST="a.example.com") == (302, "/to/7")
    assert answer(urls, "GET /7", HTTP_HOST="b.example.com") == ()
    assert answer(urls, "GET /x", HTTP_HOST="a.example.com") == ()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("/a", "/b", 200), "200 is no code for a redirect; there are [301, 302, 303, 307, 308]"),
        (("/a", "b", 302), "the destination 'b' must begin with '/' or be a full URL"),
        (("/a", "http:///b", 302), "'http:///b' must begin with '/' or be a full URL"),
        (("/a/{x}", "/{y}", 302), "needs ['y'], which the path does not always have"),
        (("/a{.f}", "/{f}", 302), "needs ['f'], which the path does not always have"),
        (("/a", "/{b", 302), "the '{' at position 1 is never closed"),
        (("a", "/b", 302), "a path begins with '/': write '/a'"),
    ],
)
def test_redirects_that_cannot_stand(call: tuple[str, str, int], says: str) -> None:
    path, destination, code = call
    urls: URLMap[str] = URLMap()
    with pytest.raises(RouteError) as caught:
        urls.redirect(path, destination, place=HERE, code=code)
    assert str(caught.value).startswith("app.py:12 (hello): route ")
    assert says in str(caught.value)


def test_a_static_name_is_built_and_never_matched() -> None:
    urls: URLMap[str] = URLMap()
    urls.static("docs", "/docs/{page}", place=HERE)
    assert answer(urls, "GET /docs/x") == ()
    assert urls.url_for("docs", page="x y") == "/docs/x%20y"


@pytest.mark.parametrize("kind", ["redirect", "mount", "static", "other path"])
def test_a_name_is_taken_once(kind: str) -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"GET": "x"}, place=HERE, name="x")
    declare: dict[str, Any] = {
        "redirect": lambda: urls.redirect("/a", "/b", place=HERE, name="x"),
        "mount": lambda: urls.mount("/a", "m", place=HERE, name="x"),
        "static": lambda: urls.static("x", "/a", place=HERE),
        "other path": lambda: urls.add("/b", {"GET": "x"}, place=HERE, name="x"),
    }
    with pytest.raises(RouteError, match=r"the name 'x' is taken by '/a', declared at app\.py:12"):
        declare[kind]()
    assert len(urls.declared) == 1
