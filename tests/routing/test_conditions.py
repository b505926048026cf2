"""Conditions: what else than the path a route asks of a request."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.routing import RouteError, URLMap

from .helpers import HERE, answer


def a_route(path: str, handlers: dict[str, str], **conditions: Any) -> URLMap[str]:
    urls: URLMap[str] = URLMap()
    urls.add(path, handlers, place=HERE, conditions=conditions)
    return urls


@pytest.mark.parametrize(
    ("method", "handlers", "allow"),
    [
        ("GET", {"*": "x"}, ("GET", "HEAD", "OPTIONS")),
        (["POST", "PUT"], {"*": "x"}, ("POST", "PUT", "OPTIONS")),
        (["POST", "PUT"], {"POST": "x"}, ("POST", "OPTIONS")),
        (("GET", "POST"), {"*": "x", "POST": "y"}, ("GET", "HEAD", "POST", "OPTIONS")),
    ],
)
def test_a_method_condition_restricts_the_handlers(
    method: Any, handlers: dict[str, str], allow: tuple[str, ...]
) -> None:
    urls = a_route("/a", handlers, method=method)
    assert answer(urls, "BREW /a") == allow
    if "POST" in handlers:
        assert answer(urls, "POST /a") == (handlers["POST"], {})


def test_a_method_given_as_text_is_not_letters_to_look_in() -> None:
    urls = a_route("/a", {"*": "x"}, method="POST")
    assert answer(urls, "OST /a") == ("POST", "OPTIONS")


@pytest.mark.parametrize(
    ("condition", "host", "found"),
    [
        (["www"], "www.example.com", {"sub_domain": "www"}),
        (("www", "a"), "a.example.com:8080", {"sub_domain": "a"}),
        (["www"], "b.example.com", None),
        (["www"], "example.com", None),
        (True, "b.example.com", {"sub_domain": "b"}),
        (True, "example.com", None),
        (False, "example.com", {}),
        (False, "b.example.com", None),
        (["www"], None, None),
    ],
)
def test_sub_domains(condition: Any, host: str | None, found: dict[str, str] | None) -> None:
    urls = a_route("/a", {"GET": "x"}, sub_domain=condition)
    environ = {"HTTP_HOST": host} if host else {}
    assert answer(urls, "GET /a", **environ) == ((("x", found)) if found is not None else ())


def test_without_an_environ_a_sub_domain_does_not_hold() -> None:
    """Routes skips conditions then; here nothing is let through that was not asked for."""
    assert answer(a_route("/a", {"GET": "x"}, sub_domain=["www"]), "GET /a") == ()


def test_ignored_sub_domains() -> None:
    urls = a_route("/a", {"GET": "x"}, sub_domain=True)
    urls.mapper.sub_domains_ignore = ["www"]
    assert answer(urls, "GET /a", HTTP_HOST="www.example.com") == ()


def test_a_function_sees_the_environ_and_the_values_and_may_change_them() -> None:
    seen: list[Any] = []

    def condition(environ: Any, values: dict[str, Any]) -> bool:
        seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], dict(values)))
        values["more"] = "1"
        return bool(values["x"] != "no")

    urls = a_route("/{x}", {"GET": "x"}, function=condition)
    assert answer(urls, "GET /a\udc2fb") == ("x", {"x": "a/b", "more": "1"})
    assert seen == [("GET", "/a\udc2fb", {"x": "a/b"})]
    assert answer(urls, "GET /no") == ()


def test_an_error_in_a_function_passes_through() -> None:
    urls = a_route("/{x}", {"GET": "x"}, function=lambda environ, values: environ["missing"])
    with pytest.raises(KeyError, match="missing"):
        urls.resolve("GET", "/a")


@pytest.mark.parametrize(
    ("conditions", "handlers", "says"),
    [
        (
            {"methods": ["GET"]},
            {"GET": "x"},
            "there is no condition 'methods'; did you mean 'method'",
        ),
        ({"zzz": 1}, {"GET": "x"}, "there are method, sub_domain, function"),
        ({"method": ["GET"]}, {"PUT": "x"}, "PUT is handled, but the conditions let only GET"),
        ({"sub_domain": "www"}, {"GET": "x"}, "write sub_domain=['www']: a list of names"),
        ({"function": 7}, {"GET": "x"}, "the condition 'function' is 7, which cannot be called"),
    ],
)
def test_conditions_that_cannot_stand(
    conditions: dict[str, Any], handlers: dict[str, str], says: str
) -> None:
    with pytest.raises(RouteError) as caught:
        a_route("/a", handlers, **conditions)
    assert str(caught.value).startswith("app.py:12 (hello): route '/a': ")
    assert says in str(caught.value)
