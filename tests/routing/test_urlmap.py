"""`URLMap`: declared, resolved, and turned back into URLs."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.routing import BuildError, Match, Miss, Place, RouteError, URLMap

HERE = Place("app.py", 12, "hello")


def answer(urls: URLMap[str], request: str) -> Any:
    """The endpoint and values of a match, or the `Allow` of a miss."""
    method, path = request.split(" ", 1)
    found = urls.resolve(method, path)
    if isinstance(found, Match):
        return found.endpoint, found.variables
    return found.allow


def test_the_first_declared_is_the_first_matched() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/{x}", {"GET": "any"}, place=HERE)
    urls.add("/foo", {"GET": "foo"}, place=HERE)
    assert answer(urls, "GET /foo") == ("any", {"x": "foo"})


def test_declarations_of_one_path_fill_one_table() -> None:
    urls: URLMap[str] = URLMap()
    one = urls.add("/x/{id}", {"GET": "get"}, place=HERE)
    urls.add("/x/new", {"GET": "new"}, place=HERE)
    assert urls.add("/x/{id}", {"PUT": "put"}, place=HERE) is one
    assert answer(urls, "GET /x/new") == ("get", {"id": "new"})
    assert answer(urls, "PUT /x/7") == ("put", {"id": "7"})


def test_a_method_twice_names_both_places() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/x", {"GET": "one"}, place=Place("app.py", 3))
    with pytest.raises(RouteError, match=r"^b\.py:9: .*GET is declared twice.* app\.py:3"):
        urls.add("/x", {"POST": "p", "GET": "two"}, place=Place("b.py", 9))
    assert answer(urls, "POST /x") == ("GET", "HEAD", "OPTIONS")


def test_a_path_declared_in_several_places_allows_all_their_methods() -> None:
    inner: URLMap[str] = URLMap()
    inner.add("/{x}", {"PATCH": "i", "LOCK": "i"}, place=HERE)
    urls: URLMap[str] = URLMap()
    urls.add("/a/{x}", {"GET": "a"}, place=HERE)
    urls.mount("/a", inner, place=HERE)
    urls.add(r"/a/{y:\d+}", {"DELETE": "b"}, place=HERE)
    everything = ("GET", "HEAD", "PATCH", "DELETE", "OPTIONS", "LOCK")
    assert answer(urls, "OPTIONS /a/7") == everything
    assert answer(urls, "PUT /a/7") == everything
    assert answer(urls, "PUT /a/b") == ("GET", "HEAD", "PATCH", "OPTIONS", "LOCK")
    assert answer(urls, "PUT /b") == ()


def test_get_answers_head_unless_there_is_a_head() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"GET": "get"}, place=HERE)
    urls.add("/b", {"HEAD": "head", "GET": "get"}, place=HERE)
    assert answer(urls, "HEAD /a") == ("get", {})
    assert answer(urls, "HEAD /b") == ("head", {})


def test_star_is_any_method() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"*": "any", "GET": "get"}, place=HERE)
    assert answer(urls, "BREW /a") == ("any", {})
    assert answer(urls, "OPTIONS /a") == ("any", {})
    assert answer(urls, "HEAD /a") == ("get", {})


@pytest.mark.parametrize(
    ("path", "matched"),
    [
        ("/blog", True),
        ("/blog/", True),
        ("/blog/a/b", True),
        ("/blog/a\nb", True),
        ("/blogger", False),
        ("/blog\n", False),
        ("/blo", False),
        ("blog", False),
    ],
)
def test_a_mount_ends_at_a_segment(path: str, matched: bool) -> None:
    urls: URLMap[str] = URLMap()
    urls.mount("/blog", "blog", place=HERE)
    found = urls.resolve("GET", path)
    assert isinstance(found, Match) is matched
    if isinstance(found, Match):
        assert found.script_name + found.path_info == path
        assert found.script_name == "/blog"


def test_a_mounted_map_sees_what_is_left_and_is_no_dead_end() -> None:
    inner: URLMap[str] = URLMap("inner")
    inner.add("/", {"GET": "root"}, place=HERE, name="root")
    inner.add("/p/{page}", {"GET": "page"}, place=HERE, name="page")
    urls: URLMap[str] = URLMap("outer")
    urls.mount("/{tenant}/blog", inner, place=HERE, name="blog")
    urls.add("/acme/blog/later", {"GET": "later"}, place=HERE)
    assert answer(urls, "GET /acme/blog") == ("root", {"tenant": "acme"})
    assert answer(urls, "GET /acme/blog/later") == ("later", {})
    found = urls.resolve("GET", "/acme/blog/p/7")
    assert isinstance(found, Match)
    assert found.variables == {"tenant": "acme", "page": "7"}
    assert [map.owner for map in found.maps] == ["outer", "inner"]
    assert found.prefixes == ("", "/acme/blog")
    assert (found.script_name, found.path_info) == ("/acme/blog", "/p/7")
    assert urls.url_for("blog.page", tenant="acme", page=7) == "/acme/blog/p/7"


def test_strict_slashes_or_a_redirect() -> None:
    strict: URLMap[str] = URLMap()
    lenient: URLMap[str] = URLMap(strict_slashes=False)
    for urls in (strict, lenient):
        urls.add("/a", {"GET": "a"}, place=HERE)
        urls.add("/b/", {"POST": "b"}, place=HERE)
    assert answer(strict, "GET /a/") == ()
    found = lenient.resolve("GET", "/a/")
    assert isinstance(found, Miss)
    assert (found.redirect, found.code, found.keep_query) == ("/a", 308, True)
    found = lenient.resolve("POST", "/b")
    assert isinstance(found, Miss)
    assert found.redirect == "/b/"
    assert answer(lenient, "GET /b") == ()


def test_an_encoded_slash_is_a_value_not_a_boundary() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/x/{name}", {"GET": "x"}, place=HERE)
    assert answer(urls, "GET /x/a\udc2fb") == ("x", {"name": "a/b"})
    assert answer(urls, "GET /x/a/b") == ()


def test_url_for_says_what_would_fit() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/e/{id}", {"GET": "e"}, name="entry", place=HERE)
    with pytest.raises(BuildError, match="did you mean 'entry'"):
        urls.url_for("enty")
    with pytest.raises(BuildError, match="needs 'id'"):
        urls.url_for("entry")
