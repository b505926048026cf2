"""`URLMap`: declared, resolved, and turned back into URLs."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.routing import BuildError, HandlerTable, Match, Miss, Place, RouteError, URLMap

from .helpers import HERE, answer


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


@pytest.mark.parametrize(
    ("path", "asked", "found"),
    [
        ("/a", "/a", {}),
        ("/a", "/a/", None),
        ("/a", "/a\n", None),
        ("/a", "//a", None),
        ("/a", "a", None),
        ("/a", "", None),
        ("/", "/", {}),
        ("/é", "/é", {}),
        ("/{x}", "/b", {"x": "b"}),
        ("/{x}", "/", None),
        ("/{x}", "/b\n", {"x": "b\n"}),
        ("/{x}", "/\udcff", {"x": "\udcff"}),
        ("/{x}/{y}", "/1/2", {"x": "1", "y": "2"}),
        ("/:x/y", "/1/y", {"x": "1"}),
        ("/{x}-{y}.html", "/a-b-c.html", {"x": "a", "y": "b-c"}),
        ("/{x}-{y}", "/-b", None),
        ("/{x}{y}", "/abc", {"x": "a", "y": "bc"}),
        (r"/{x:\d{2}}", "/12", {"x": "12"}),
        (r"/{x:\d{2}}", "/123", None),
        (r"/{x:\d+}", "/1\n", None),
        (r"/{x:\d+}.{y:\w+}", "/1.a", {"x": "1", "y": "a"}),
        ("/{x:a/b|c}", "/a/b", {"x": "a/b"}),
        ("/*rest", "/a/b/", {"rest": "a/b/"}),
        ("/*rest", "/", None),
        ("/f/*(rest)/end", "/f/a/b/end", {"rest": "a/b"}),
        ("/{rest:.*}", "/", {"rest": ""}),
        ("/a{.format}", "/a", {}),
        ("/a{.format}", "/a.json", {"format": "json"}),
        ("/a{.format:json|xml}", "/a.txt", None),
        ("/{x}{.format}", "/a.b.c", {"x": "a.b", "format": "c"}),
        (r"/\{x\}", "/{x}", {}),
        ("/a b", "/a b", {}),
    ],
)
def test_the_map_language(path: str, asked: str, found: dict[str, str] | None) -> None:
    urls: URLMap[str] = URLMap()
    urls.add(path, {"GET": "it"}, place=HERE)
    assert answer(urls, f"GET {asked}") == (("it", found) if found is not None else ())


def test_requirements_and_defaults() -> None:
    urls: URLMap[str] = URLMap()
    urls.add(
        "/{x}/{y}",
        {"GET": "it"},
        place=HERE,
        requirements={"x": "a|b"},
        defaults={"lang": "en", "n": 7, "none": None},
    )
    assert answer(urls, "GET /a/1") == ("it", {"x": "a", "y": "1", "lang": "en", "n": "7"})
    assert answer(urls, "GET /c/1") == ()


def test_a_default_makes_no_part_optional_unless_minimised() -> None:
    urls: URLMap[str] = URLMap()
    table = urls.add("/a/{x}", {"GET": "full"}, place=HERE, defaults={"x": "1"})
    assert answer(urls, "GET /a") == ()
    short = urls.add("/s/{x}", {"GET": "short"}, place=HERE, defaults={"x": "1"}, minimize=True)
    for path in ("/s", "/s/", "/s/1"):
        assert answer(urls, f"GET {path}") == ("short", {"x": "1"})
    assert table.variables == short.variables == {"x"}


def test_variables_that_may_be_missing_are_known() -> None:
    urls: URLMap[str] = URLMap()
    table = urls.add("/{x}{.format}", {"GET": "x"}, place=HERE, conditions={"sub_domain": True})
    assert table.variables == {"x", "format", "sub_domain"}
    assert table.optional == {"format"}


def test_different_requirements_make_different_tables() -> None:
    urls: URLMap[str] = URLMap()
    urls.add(r"/{x:\d+}", {"GET": "number"}, place=HERE)
    urls.add("/{x}", {"GET": "any", "PUT": "put"}, place=HERE)
    assert answer(urls, "GET /7") == ("number", {"x": "7"})
    assert answer(urls, "GET /a") == ("any", {"x": "a"})
    assert answer(urls, "PUT /7") == ("put", {"x": "7"})


def test_a_later_declaration_is_taken_in() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"GET": "a"}, place=HERE)
    assert answer(urls, "GET /b") == ()
    urls.add("/b", {"GET": "b"}, place=HERE)
    urls.add("/a", {"PUT": "p"}, place=HERE)
    assert answer(urls, "GET /b") == ("b", {})
    assert answer(urls, "PUT /a") == ("p", {})


def test_methods_of_tables_mounts_resources_and_redirects_add_up() -> None:
    """RFC 9110, 10.2.1: Allow is the set of methods of the target resource."""
    inner: URLMap[str] = URLMap()
    inner.add("/{x}", {"LOCK": "l"}, place=HERE)
    urls: URLMap[str] = URLMap()
    urls.resource("entry", "entries", {"show": "s", "delete": "d"}, place=HERE)
    urls.mount("/entries", inner, place=HERE)
    urls.add("/{a}/{b}", {"POST": "p"}, place=HERE)
    urls.redirect("/entries/7", "/", place=HERE, conditions={"method": ["PATCH"]})
    allow = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "LOCK")
    for method in ("OPTIONS", "PUT", "BREW"):
        assert answer(urls, f"{method} /entries/7") == allow
    assert answer(urls, "HEAD /entries/7") == ("s", {"id": "7"})


def test_options_may_have_a_handler() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"GET": "g", "OPTIONS": "o"}, place=HERE)
    assert answer(urls, "OPTIONS /a") == ("o", {})


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("GET /a/", "/a"),
        ("PUT /b", "/b/"),
        ("GET /é/1/", "/%C3%A9/1"),
        ("GET /é/x y/", "/%C3%A9/x%20y"),
        ("GET /é/a\udc2fb/", "/%C3%A9/a%2Fb"),
        ("GET /é/\udcff/", "/%C3%A9/%FF"),
        ("GET /old/", "/old"),
        ("GET //evil.example/", "/.//evil.example"),
    ],
)
def test_a_redirect_to_the_other_slash_keeps_the_method(asked: str, leads: str) -> None:
    """RFC 9110, 15.4.9: 308 does not allow changing the method."""
    urls: URLMap[str] = URLMap(strict_slashes=False)
    urls.add("/a", {"GET": "a"}, place=HERE)
    urls.add("/b/", {"PUT": "b"}, place=HERE)
    urls.add("/é/{x}", {"GET": "e"}, place=HERE)
    urls.add("//{x}", {"GET": "e"}, place=HERE)
    urls.redirect("/old", "/a", place=HERE)
    assert answer(urls, asked) == (308, leads)
    assert answer(urls, "POST /a/") == ()
    assert answer(urls, "POST /a") == ("GET", "HEAD", "OPTIONS")
    assert answer(urls, "GET /") == ()


@pytest.mark.parametrize(
    ("path", "handlers", "says"),
    [
        ("a", {"GET": "x"}, "a path begins with '/': write '/a'"),
        (7, {"GET": "x"}, "a path is text, not int"),
        ("/a", {}, "no method has a handler"),
        ("/a", {"get": "x"}, "methods are upper-case: write 'GET' for 'get'"),
        ("/a", {"G T": "x"}, "'G T' is no method; a method is a word like 'GET', or '*' for any"),
        ("/a", {"GET": None}, "nothing (None) stands behind GET"),
        ("/a{", {"GET": "x"}, "the '{' at position 2 is never closed by a '}'"),
        ("/{a:(}", {"GET": "x"}, "the requirement '(' of 'a' is not a regex"),
        ("/{a}{a}", {"GET": "x"}, "the variable 'a' stands in it twice"),
        ("/{a:(?P<b>x)}/{b}", {"GET": "x"}, "the path makes no regex: redefinition of group name"),
    ],
)
def test_declarations_that_cannot_stand_leave_no_trace(
    path: Any, handlers: dict[str, Any], says: str
) -> None:
    urls: URLMap[str] = URLMap()
    with pytest.raises(RouteError) as caught:
        urls.add(path, handlers, place=HERE, name="x")
    assert str(caught.value).startswith(f"app.py:12 (hello): route {path!r}: ")
    assert says in str(caught.value)
    assert (urls.declared, urls.names(), urls.mapper.matchlist) == ([], [], [])


def test_bind_knows_the_table_and_may_refuse() -> None:
    def bind(endpoint: str, table: HandlerTable[str]) -> str:
        if endpoint == "no":
            raise RouteError("no", path=table.path)
        return f"{endpoint} {sorted(table.variables)}"

    urls: URLMap[str] = URLMap(bind=bind)
    with pytest.raises(RouteError):
        urls.add("/{x}", {"GET": "yes", "PUT": "no"}, place=HERE)
    assert urls.declared == []
    urls.add("/{x}{.format}", {"GET": "yes"}, place=HERE)
    assert answer(urls, "GET /a") == ("yes ['format', 'x']", {"x": "a"})
