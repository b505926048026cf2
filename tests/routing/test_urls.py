"""`url_for`: from names and parts to URLs, and what is said when it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kroute.routing import BuildError, Match, Place, URLMap, routing_path

from .helpers import HERE


@pytest.fixture(scope="module")
def urls() -> URLMap[str]:
    urls: URLMap[str] = URLMap()

    def add(name: str, path: str, **options: Any) -> None:
        urls.add(path, {"GET": name}, place=HERE, name=name, **options)

    add("home", "/")
    add("entry", "/e/{id}")
    add("year", r"/y/{year:\d{4}}/{slug}")
    add("file", "/f/*path")
    add("deep", "/d/{path:.+}")
    add("page", "/p/{id}{.format}")
    add("lang", "/l/{x}", defaults={"lang": "en"})
    add("paged", "/q/{x}/{page}", defaults={"page": "1"})
    add("short", "/s/{x}/{page}", defaults={"page": "1"}, minimize=True)
    add("odd", "/a b/é;x=1/{id}")
    add("filtered", "/fi/{a}", filter=lambda parts: {"a": parts.pop("thing"), **parts})
    add("www", "/w/{x}", conditions={"sub_domain": ["www"]})
    add("bare", "/b/{x}", conditions={"sub_domain": False})
    urls.static("cdn", "https://cdn.example/{file}?v=1", place=HERE)
    urls.static("logo", "/static/logo.png", place=HERE)
    urls.redirect("/old/{id}", "/e/{id}", place=HERE, name="old")
    urls.mount("/files", "files", place=HERE, name="files")
    inner: URLMap[str] = URLMap()
    inner.add("/", {"GET": "i"}, place=HERE, name="root")
    inner.add("/p/{page}", {"GET": "i"}, place=HERE, name="page")
    urls.mount("/{tenant}/blog", inner, place=HERE, name="blog")
    return urls


@pytest.mark.parametrize(
    ("name", "parts", "url"),
    [
        ("home", {}, "/"),
        ("entry", {"id": 7}, "/e/7"),
        ("entry", {"id": "a/b"}, "/e/a%2Fb"),
        ("entry", {"id": "é 100%?#"}, "/e/%C3%A9%20100%25%3F%23"),
        ("entry", {"id": "~a-b_c.d"}, "/e/~a-b_c.d"),
        ("entry", {"id": "\udcff"}, "/e/%FF"),
        ("entry", {"id": 7, "q": "a b", "n": [1, 2], "none": None}, "/e/7?q=a+b&n=1&n=2"),
        ("entry", {"id": 7, "_anchor": "top é"}, "/e/7#top%20%C3%A9"),
        ("year", {"year": 2024, "slug": "x"}, "/y/2024/x"),
        ("file", {"path": "a/b c"}, "/f/a/b%20c"),
        ("deep", {"path": "a/b"}, "/d/a/b"),
        ("page", {"id": 1}, "/p/1"),
        ("page", {"id": 1, "format": "json"}, "/p/1.json"),
        ("page", {"id": 1, "format": None}, "/p/1"),
        ("lang", {"x": 1}, "/l/1"),
        ("lang", {"x": 1, "lang": "en"}, "/l/1"),
        ("paged", {"x": 1}, "/q/1/1"),
        ("short", {"x": 1}, "/s/1"),
        ("short", {"x": 1, "page": 2}, "/s/1/2"),
        ("odd", {"id": 1}, "/a%20b/%C3%A9;x=1/1"),
        ("filtered", {"thing": 3}, "/fi/3"),
        ("cdn", {"file": "a.js"}, "https://cdn.example/a.js?v=1"),
        ("logo", {}, "/static/logo.png"),
        ("old", {"id": 3}, "/old/3"),
        ("files", {}, "/files"),
        ("blog", {"tenant": "x"}, "/x/blog"),
        ("blog.root", {"tenant": "x"}, "/x/blog/"),
        ("blog.page", {"tenant": "x", "page": 2}, "/x/blog/p/2"),
    ],
)
def test_urls(urls: URLMap[str], name: str, parts: dict[str, Any], url: str) -> None:
    assert urls.url_for(name, **parts) == url


AROUND = {"script_name": "/app é", "scheme": "https", "host": "example.com:8443"}


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({}, "/app%20%C3%A9/e/7"),
        ({"_qualified": True}, "https://example.com:8443/app%20%C3%A9/e/7"),
        ({"_host": "other.example"}, "https://other.example/app%20%C3%A9/e/7"),
        ({"_protocol": "http"}, "http://example.com/app%20%C3%A9/e/7"),
        ({"_protocol": "https"}, "https://example.com:8443/app%20%C3%A9/e/7"),
        ({"_protocol": "ws", "_host": "h:1"}, "ws://h:1/app%20%C3%A9/e/7"),
    ],
)
def test_around_a_request(urls: URLMap[str], parts: dict[str, Any], url: str) -> None:
    assert urls.url_for("entry", id=7, **AROUND, **parts) == url


def test_parts_come_from_the_current_match_unless_taken_back(urls: URLMap[str]) -> None:
    current = {"tenant": "x", "page": "3", "elsewhere": "1"}
    assert urls.url_for("blog.page", current=current) == "/x/blog/p/3"
    assert urls.url_for("blog.page", current=current, page=4) == "/x/blog/p/4"
    with pytest.raises(BuildError, match="needs 'page'"):
        urls.url_for("blog.page", current=current, page=None)


@pytest.mark.parametrize(
    ("name", "parts", "host", "url"),
    [
        ("www", {"x": 1}, "example.com", "http://www.example.com/w/1"),
        ("www", {"x": 1}, "www.example.com", "/w/1"),
        ("www", {"x": 1}, "a.example.com:80", "http://www.example.com:80/w/1"),
        ("bare", {"x": 1}, "a.example.com", "http://example.com/b/1"),
        ("bare", {"x": 1}, "example.com", "/b/1"),
        ("www", {"x": 1}, None, "/w/1"),
    ],
)
def test_a_route_of_another_sub_domain(
    urls: URLMap[str], name: str, parts: dict[str, Any], host: str | None, url: str
) -> None:
    assert urls.url_for(name, **parts, scheme="http", host=host) == url


@pytest.mark.parametrize(
    ("name", "parts", "says", "needed"),
    [
        ("enty", {}, "no route is named 'enty'; did you mean 'entry'", ()),
        ("blog.pag", {}, "did you mean 'blog.page'", ()),
        (
            "zzzzzz",
            {},
            "no route is named 'zzzzzz'; there are 'home', 'entry', 'year', 'file', 'deep', ...",
            (),
        ),
        (
            "entry",
            {},
            "entry ('/e/{id}', declared at app.py:12 (hello)) needs 'id'; it takes 'id'",
            ("id",),
        ),
        ("year", {}, "needs 'year', 'slug'; it takes 'year', 'slug'", ("year", "slug")),
        ("entry", {"id": ""}, "takes no empty 'id'", ("id",)),
        (
            "year",
            {"year": "24", "slug": "x"},
            r"takes no year='24': it must match '\\d{4}'",
            ("year", "slug"),
        ),
        ("lang", {"x": 1, "lang": "de"}, "always has lang='en', not 'de'", ("x",)),
        ("short", {"page": 2}, "takes x, page; they cannot be {'page': '2'}", ("x", "page")),
        ("entry", {"id": "\ud800"}, "has no place in a URL", ()),
        ("entry", {"id": 1, "_qualified": True}, "a full URL needs a host: give _host=...", ()),
    ],
)
def test_errors_say_what_would_fit(
    urls: URLMap[str], name: str, parts: dict[str, Any], says: str, needed: tuple[str, ...]
) -> None:
    with pytest.raises(BuildError) as caught:
        urls.url_for(name, **parts)
    assert says in str(caught.value)
    assert caught.value.needed == needed


def test_an_empty_map_has_no_names() -> None:
    empty: URLMap[str] = URLMap()
    with pytest.raises(BuildError, match="none has a name; name='x' gives a route one"):
        empty.url_for("x")


def test_a_table_stands_for_its_name() -> None:
    urls: URLMap[str] = URLMap()
    table = urls.add("/nameless/{x}", {"GET": "n"}, place=HERE)
    assert urls.url_for(table, x=1) == "/nameless/1"


def test_words_of_url_for_may_be_variables() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/{host}/{current}", {"GET": "x"}, place=HERE, name="x")
    assert urls.build("x", {"host": "h", "current": "c"}) == "/h/c"


def test_names_of_a_path_declared_twice() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"GET": "x"}, place=HERE, name="one")
    table = urls.add("/a", {"POST": "x"}, place=Place("b.py", 1), name="two")
    assert (table.name, table.names) == ("one", ["one", "two"])
    assert urls.url_for("one") == urls.url_for("two") == "/a"


@given(value=st.text(min_size=1), format=st.none() | st.from_regex(r"[a-z]+", fullmatch=True))
def test_what_was_built_is_matched_again(
    urls: URLMap[str], value: str, format: str | None
) -> None:
    assume(all(not "\ud800" <= char <= "\udfff" for char in value))
    url = urls.url_for("entry", id=value)
    found = urls.resolve("GET", routing_path(url))
    assert isinstance(found, Match)
    assert found.variables == {"id": value}
    if "." not in value:
        found = urls.resolve("GET", routing_path(urls.url_for("page", id=value, format=format)))
        assert isinstance(found, Match)
        assert found.variables == ({"id": value, "format": format} if format else {"id": value})
