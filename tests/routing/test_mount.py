"""Mounts: a prefix, and what is behind it."""

from __future__ import annotations

import pytest

from kroute.routing import Match, Mount, RouteError, URLMap

from .helpers import HERE, a_map, answer


def test_maps_may_be_mounted_in_maps() -> None:
    innermost = a_map("GET /{c}", "PUT /{c}")
    inner = a_map("POST /x/{c}")
    inner.mount("/{b:x|y}", innermost, place=HERE, name="in")
    urls: URLMap[str] = URLMap("outer")
    urls.mount("/{a}", inner, place=HERE, name="out")
    found = urls.resolve("GET", "/1/x/2")
    assert isinstance(found, Match)
    assert found.variables == {"a": "1", "b": "x", "c": "2"}
    assert (found.script_name, found.path_info) == ("/1/x", "/2")
    assert found.prefixes == ("", "/1", "/1/x")
    assert found.maps == (urls, inner, innermost)
    assert answer(urls, "OPTIONS /1/x/2") == ("GET", "HEAD", "POST", "PUT", "OPTIONS")
    assert answer(urls, "GET /1/z/2") == ()


def test_an_endpoint_takes_every_method_and_path_under_its_prefix() -> None:
    urls: URLMap[str] = URLMap()
    urls.mount("/a/", "a", place=HERE)
    urls.mount("/", "all", place=HERE)
    found = urls.resolve("BREW", "/a/b/c")
    assert isinstance(found, Match)
    assert isinstance(found.table, Mount)
    assert (found.endpoint, found.script_name, found.path_info) == ("a", "/a", "/b/c")
    assert answer(urls, "GET /") == ("all", {})
    assert answer(urls, "GET /ab") == ("all", {})


def test_redirects_inside_are_relative_to_the_outermost_map() -> None:
    inner: URLMap[str] = URLMap(strict_slashes=False)
    inner.add("/b/", {"GET": "b"}, place=HERE)
    inner.redirect("/old", "/b/", place=HERE)
    inner.redirect("/away", "http://x/", place=HERE)
    urls: URLMap[str] = URLMap()
    urls.mount("/é/{t}", inner, place=HERE)
    assert answer(urls, "GET /é/a b/b") == (308, "/%C3%A9/a%20b/b/")
    assert answer(urls, "GET /é/a/old") == (302, "/%C3%A9/a/b/")
    assert answer(urls, "GET /é/a/away") == (302, "http://x/")


def test_a_slash_redirect_inside_gives_way_to_a_later_match() -> None:
    inner: URLMap[str] = URLMap(strict_slashes=False)
    inner.add("/b/", {"GET": "b"}, place=HERE)
    urls: URLMap[str] = URLMap()
    urls.mount("/a", inner, place=HERE)
    urls.add("/a/b", {"GET": "later"}, place=HERE)
    assert answer(urls, "GET /a/b") == ("later", {})


def test_an_encoded_slash_is_part_of_a_segment_of_the_prefix() -> None:
    urls: URLMap[str] = URLMap()
    urls.mount("/{t}", a_map("GET /x"), place=HERE)
    assert answer(urls, "GET /a\udc2fb/x") == ("GET /x", {"t": "a/b"})
    found = urls.resolve("GET", "/a\udc2fb/x")
    assert found.script_name == "/a\udc2fb"  # type: ignore[union-attr]


def test_what_is_declared_in_it_later_is_answered() -> None:
    inner = a_map("GET /a")
    urls: URLMap[str] = URLMap()
    urls.mount("/m", inner, place=HERE)
    assert answer(urls, "GET /m/b") == ()
    inner.add("/b", {"GET": "b"}, place=HERE)
    assert answer(urls, "GET /m/b") == ("b", {})


def test_a_map_can_be_mounted_twice() -> None:
    inner = a_map("GET /{x}")
    urls: URLMap[str] = URLMap()
    urls.mount("/a", inner, place=HERE, name="a")
    urls.mount("/b", inner, place=HERE, name="b")
    inner.add("/n/{x}", {"GET": "n"}, place=HERE, name="n")
    assert answer(urls, "GET /b/1") == ("GET /{x}", {"x": "1"})
    assert [urls.url_for(f"{mount}.n", x=1) for mount in "ab"] == ["/a/n/1", "/b/n/1"]


def test_mounts_that_cannot_stand() -> None:
    urls: URLMap[str] = URLMap()
    inner: URLMap[str] = URLMap()
    urls.mount("/in", inner, place=HERE)
    for target in (urls, inner):
        with pytest.raises(RouteError, match="cannot be mounted inside itself"):
            target.mount("/x", urls, place=HERE)
    with pytest.raises(RouteError, match=r"nothing \(None\) is mounted here"):
        urls.mount("/x", None, place=HERE)  # type: ignore[arg-type]
    with pytest.raises(RouteError, match=r"a path begins with '/': write '/x'"):
        urls.mount("x", "x", place=HERE)
    with pytest.raises(RouteError, match=r"^app\.py:12 \(hello\): route '/\{a\}/\{a\}': .*twice"):
        urls.mount("/{a}/{a}", "x", place=HERE)
