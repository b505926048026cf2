"""`explain` and `describe`: a map in people's words."""

from __future__ import annotations

import random

import pytest

from kroute.routing import Match, Miss, Place, URLMap

from . import differential
from .helpers import HERE, a_map


def told(urls: URLMap[str], request: str, **environ: str) -> list[str]:
    method, path = request.split(" ", 1)
    asked = {"REQUEST_METHOD": method, "PATH_INFO": path, **environ} if environ else None
    steps = urls.explain(method, path, asked).steps
    assert not any(step.taken for step in steps[:-1])
    return [
        f"{step.info.order} {step.info.path} {'->' if step.taken else '--'} {step.reason}"
        for step in steps
    ]


def test_each_route_up_to_the_one_that_takes_it() -> None:
    urls = a_map("GET /a", r"PUT /{id:\d+}", "POST /{x}", "* /{y}", "GET /never")
    assert told(urls, "GET /b") == [
        "0 /a -- the path does not match",
        r"1 /{id:\d+} -- its requirement id='\\d+' does not take 'b'",
        "2 /{x} -- answers POST, OPTIONS, not GET",
        "3 /{y} -> answers any method",
    ]
    assert told(urls, "PUT /7")[-1] == r"1 /{id:\d+} -> answers PUT"
    assert told(urls, "HEAD /a") == ["0 /a -> answers HEAD as GET"]
    assert urls.explain("GET", "/b").answer.endpoint == "* /{y}"  # type: ignore[union-attr]


def test_nothing_takes_it() -> None:
    urls = a_map("GET /a", "GET /{x}/b")
    explanation = urls.explain("GET", "/c")
    assert isinstance(explanation.answer, Miss)
    assert [step.taken for step in explanation.steps] == [False, False]


@pytest.mark.parametrize(
    ("conditions", "host", "reason"),
    [
        (
            {"sub_domain": ["www"]},
            "a.example.com",
            "its condition sub_domain=['www'] does not hold",
        ),
        ({"sub_domain": True}, "example.com", "its condition sub_domain=True does not hold"),
        ({"sub_domain": False}, "a.example.com", "its condition sub_domain=False does not hold"),
        ({"function": lambda environ, values: False}, "x", "its condition function does not hold"),
    ],
)
def test_conditions(conditions: dict[str, object], host: str, reason: str) -> None:
    urls: URLMap[str] = URLMap()
    urls.add("/{x}", {"GET": "x"}, place=HERE, conditions=conditions)
    assert told(urls, "GET /a", HTTP_HOST=host) == [f"0 /{{x}} -- {reason}"]


def test_requirements_that_hold_alone_only() -> None:
    urls = a_map(r"GET /{a:\w+}{b:\d}")
    assert told(urls, "GET /--") == [
        r"0 /{a:\w+}{b:\d} -- its requirement a='\\w+' does not take '-'"
    ]


def test_a_minimised_route() -> None:
    urls: URLMap[str] = URLMap()
    urls.add(
        "/a/{x}",
        {"GET": "x"},
        place=HERE,
        defaults={"x": "1"},
        requirements={"x": r"\d"},
        minimize=True,
    )
    assert told(urls, "GET /a") == ["0 /a/{x} -> answers GET"]
    assert told(urls, "GET /a/b") == [r"0 /a/{x} -- its requirement x='\\d' does not take 'b'"]
    assert told(urls, "GET /b") == ["0 /a/{x} -- the path does not match"]


def test_mounts_and_redirects() -> None:
    inner = a_map("GET /{page}", "PUT /{page}/x")
    inner.redirect("/old/{page}", "/{page}", place=HERE, code=301)
    urls: URLMap[str] = URLMap()
    urls.mount("/{tenant}/blog", inner, place=HERE, name="blog")
    urls.redirect("/form", "/a", place=HERE, conditions={"method": "POST"})
    urls.mount("/files", "files", place=HERE)
    assert told(urls, "GET /acme/blog/1") == [
        "0 /{tenant}/blog -- its map is asked for '/1'",
        "1 /{tenant}/blog/{page} -> answers GET",
    ]
    assert told(urls, "GET /acme/blog/old/7")[-1] == (
        "3 /{tenant}/blog/old/{page} -> redirects to '/7'"
    )
    assert told(urls, "GET /form") == [
        "0 /{tenant}/blog -- the path is not under it",
        "4 /form -- redirects POST, OPTIONS, not GET",
        "5 /files -- the path is not under it",
    ]
    assert told(urls, "GET /files/a")[-1] == "5 /files -> takes everything under it"
    assert told(urls, "GET /acme/blog/a\udc2fb")[0].endswith("its map is asked for '/a%2Fb'")


def test_describe_lists_all_in_order() -> None:
    inner = a_map("GET /{page}")
    inner.static("cdn", "http://cdn/{x}", place=HERE)
    inner.static("here", "/static/{x}", place=HERE)
    urls: URLMap[str] = URLMap()
    urls.add("/a", {"POST": "post", "GET": "get"}, place=Place("app.py", 1), name="a")
    urls.mount("/blog", inner, place=HERE, name="blog")
    urls.mount("/files", "files", place=HERE)
    urls.redirect("/old", "/a", place=HERE, conditions={"method": ["GET"]})
    assert [
        (info.order, info.kind, ",".join(info.methods), info.path, info.name)
        for info in urls.describe()
    ] == [
        (0, "route", "GET,HEAD,POST,OPTIONS", "/a", "a"),
        (1, "map", "*", "/blog", "blog"),
        (2, "route", "GET,HEAD,OPTIONS", "/blog/{page}", None),
        (3, "mount", "*", "/files", None),
        (4, "redirect", "GET,HEAD,OPTIONS", "/old", None),
        (-1, "static", "", "http://cdn/{x}", "blog.cdn"),
        (-1, "static", "", "/blog/static/{x}", "blog.here"),
    ]
    first, *_, files, old = urls.describe()[:5]
    assert first.endpoints == {"POST": "post", "GET": "get"}
    assert files.endpoints == {"*": "files"}
    assert old.destination == "/a"


@pytest.mark.parametrize("seed", range(20))
def test_it_agrees_with_resolve(seed: int) -> None:
    rng = random.Random(f"explain {seed}")
    urls, _, declared = differential.a_map(rng, differential.variable_names())
    infos = urls.describe()
    for _ in range(20):
        path = differential.a_path(rng, declared)
        environ = differential.an_environ(rng, path)
        answer, steps = urls.explain(environ["REQUEST_METHOD"], path, environ)
        takers = [step for step in steps if step.taken]
        assert takers == ([steps[-1]] if isinstance(answer, Match) else [])
        assert [infos[step.info.order] for step in steps] == [step.info for step in steps]
        if isinstance(answer, Match):
            assert answer.endpoint in takers[0].info.endpoints.values()


def test_conditions_that_hold_alone_only() -> None:
    urls: URLMap[str] = URLMap()
    urls.add(
        "/{x}",
        {"GET": "x"},
        place=HERE,
        # The sub-domain is among the values only where there is a condition on it.
        conditions={"sub_domain": True, "function": lambda _, values: "sub_domain" not in values},
    )
    (line,) = told(urls, "GET /a", HTTP_HOST="b.example.com")
    assert line == "0 /{x} -- its conditions do not hold together"


def test_requirements_that_hold_for_each_value_but_not_in_the_path() -> None:
    urls = a_map(r"GET /{a:x+(?=y)}{b:\w}")
    (line,) = told(urls, "GET /xx")
    assert line.startswith("0 ") and "requirement" in line
