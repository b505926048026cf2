"""Warnings: declarations that are never reached, requirements that take ages."""

from __future__ import annotations

import pytest

from kroute.routing import Place, URLMap
from kroute.routing.capture import RESOURCE_ID

from .helpers import HERE, a_map


def warned(*declarations: str) -> list[str]:
    return [str(warning) for warning in a_map(*declarations).compile()]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("GET /{x}", "GET /foo"),
        ("GET /{x}", "GET /{y}"),
        ("GET /{x}", "GET /a-{y}.html"),
        ("GET /{x}", r"GET /{y:\d+}"),
        ("GET /{x}", "GET /{y}{.format}"),
        ("GET /{x}{.format}", "GET /{y}"),
        (r"GET /{x:\d+}", "GET /7"),
        (r"GET /{x:\d+}", r"GET /{y:\d+}"),
        ("GET /{x}-{y}", "GET /{a}-{b}"),
        ("GET /{x}", rf"GET /{{y:{RESOURCE_ID}}}"),
        ("GET /a/*rest", "GET /a/{x}/b"),
        ("GET /a/*rest", "GET /a/b/*more"),
        ("GET /*rest", "GET /a/"),
        ("* /{x}", "GET,POST /foo"),
        ("* /{x}", "* /foo"),
        ("GET /{x}", "HEAD /foo"),
        ("GET /a{.format}", "GET /a.json"),
    ],
)
def test_what_an_earlier_one_takes_whole_is_never_reached(earlier: str, later: str) -> None:
    (warning,) = warned(earlier, later)
    one, two = earlier.split()[1], later.split()[1]
    assert warning == (
        f"app.py:2: route {two!r}: is never reached: {one!r}, declared earlier at app.py:1, "
        "takes all its URLs"
    )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("GET /foo", "GET /{x}"),
        ("GET /{x}", "POST /foo"),
        ("POST /{x}", "* /foo"),
        ("GET /{x}", "GET /foo/"),
        ("GET /{x}", "GET /"),
        (r"GET /{x:\d+}", "GET /{y}"),
        (r"GET /{x:\d+}", r"GET /{y:\w+}"),
        ("GET /{x}", "GET /{y:.*}"),
        ("GET /{x}", r"GET /{y:\d*}"),
        ("GET /{x}", "GET /*rest"),
        ("GET /a/*rest", "GET /a/"),
        ("GET /a/*rest", "GET /{x}/b"),
        ("GET /{x}-{y}", "GET /{x}"),
        ("GET /a/{x}", "GET /{x}/b"),
        ("GET /{x:(?!new).+}", "GET /{y:(?!new).+}"),
    ],
)
def test_what_may_be_reached_is_not_warned_of(earlier: str, later: str) -> None:
    assert warned(earlier, later) == []


def test_single_methods_are_named() -> None:
    (warning,) = warned("GET,PUT /{x}", "GET,POST,PUT /foo")
    assert "is never reached for GET, PUT: '/{x}'" in warning


def test_several_may_take_it_together() -> None:
    first, second = warned("GET /{x}", "POST /{y}", "GET,POST /foo")
    assert "for GET: '/{x}'" in first
    assert "for POST: '/{y}'" in second


@pytest.mark.parametrize(
    ("conditions", "other", "count"),
    [
        ({"sub_domain": ["www"]}, {}, 0),
        ({}, {"sub_domain": ["www"]}, 1),
        ({"sub_domain": ["www"]}, {"sub_domain": ["www"]}, 1),
        ({"sub_domain": ["www"]}, {"sub_domain": ["a"]}, 0),
        ({"function": str}, {"function": str}, 0),
        ({"method": "GET"}, {}, 1),
    ],
)
def test_conditions_leave_something_over(
    conditions: dict[str, object], other: dict[str, object], count: int
) -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/{x}", {"GET": "one"}, place=HERE, conditions=conditions)
    urls.add("/foo", {"GET": "two"}, place=HERE, conditions=other)
    assert len(urls.compile()) == count


def test_mounts_and_redirects_take_and_are_taken() -> None:
    urls: URLMap[str] = URLMap()
    urls.mount("/a", "mounted", place=Place("app.py", 1))
    urls.add("/a/{x}", {"GET": "x"}, place=Place("app.py", 2))
    urls.mount("/a/b", "inner", place=Place("app.py", 3))
    urls.redirect("/r", "/a", place=Place("app.py", 4))
    urls.add("/r", {"GET": "r"}, place=Place("app.py", 5))
    urls.mount("/r", "under r", place=Place("app.py", 6))
    urls.mount("/aa", "boundary", place=Place("app.py", 7))
    warnings = urls.compile()
    assert [warning.place.line for warning in warnings if warning.place] == [2, 3, 5]


def test_a_mounted_map_lets_go_on_but_is_compiled() -> None:
    inner = a_map("GET /{x}", "GET /foo")
    urls: URLMap[str] = URLMap()
    urls.mount("/a", inner, place=HERE)
    urls.add("/a/{x}", {"GET": "x"}, place=HERE)
    (warning,) = urls.compile()
    assert (warning.path, warning.place) == ("/foo", Place("app.py", 2))


def test_minimised_routes_are_left_alone() -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/{x}", {"GET": "x"}, place=HERE)
    urls.add("/{y}", {"GET": "y"}, place=HERE, defaults={"y": "1"}, minimize=True)
    assert urls.compile() == []


def test_a_regex_that_explodes_is_warned_of() -> None:
    (warning,) = warned("GET /{x:(a+)+}")
    assert warning.startswith(
        "app.py:1: route '/{x:(a+)+}': the requirement '(a+)+' of 'x' repeats a repeat"
    )


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/a%C3%A9b", "'%C3%A9' stands for itself: a path is percent-decoded before it is"),
        ("/a%C3%A9b", "so write 'é'"),
        ("/a?b={c}", "'?' never comes bare in a path"),
        ("/a#b", "'#' never comes bare in a path"),
    ],
)
def test_a_path_that_hardly_means_what_it_says(path: str, says: str) -> None:
    (warning,) = warned(f"GET {path}")
    assert warning.startswith(f"app.py:1: route {path!r}: ")
    assert says in warning


@pytest.mark.parametrize("path", [r"/{x:a?#%20}", "/100%", "/{q}%zz"])
def test_a_path_that_means_what_it_says(path: str) -> None:
    assert warned(f"GET {path}") == []


def test_many_declarations_are_looked_through_quickly() -> None:
    assert warned(*(f"GET /r{number}/{{x:a{number}|b}}" for number in range(500))) == []
    assert len(warned(*(rf"GET /{{v{number}:\d+}}" for number in range(500)))) == 499
