"""Submappers: prefixes and options for the declarations under them."""

from __future__ import annotations

from typing import Any

import pytest

from kroute.routing import Place, RouteError, URLMap

from .helpers import HERE, answer


def test_prefixes_of_paths_and_names_add_up() -> None:
    urls: URLMap[str] = URLMap()
    with urls.submapper("/api", name_prefix="api_") as api:
        api.add("", {"GET": "root"}, place=HERE, name="root")
        with api.submapper("/v1", name_prefix="v1_") as v1:
            v1.add("/e/{id}", {"GET": "entry"}, place=HERE, name="entry")
            v1.redirect("/old", "/api", place=HERE, name="old")
            v1.mount("/files", "files", place=HERE, name="files")
            v1.static("cdn", "http://cdn/{x}", place=HERE)
            v1.static("logo", "/logo.png", place=HERE)
    assert answer(urls, "GET /api") == ("root", {})
    assert answer(urls, "GET /api/v1/e/7") == ("entry", {"id": "7"})
    assert answer(urls, "GET /api/v1/old") == (302, "/api")
    assert answer(urls, "GET /api/v1/files/a") == ("files", {})
    assert urls.names() == [
        "api_root",
        "api_v1_entry",
        "api_v1_old",
        "api_v1_files",
        "api_v1_cdn",
        "api_v1_logo",
    ]
    assert urls.url_for("api_v1_entry", id=7) == "/api/v1/e/7"
    assert urls.url_for("api_v1_cdn", x=1) == "http://cdn/1"
    assert urls.url_for("api_v1_logo") == "/api/v1/logo.png"


def test_options_are_shared_and_may_be_overridden() -> None:
    urls: URLMap[str] = URLMap()
    options: dict[str, Any] = {
        "requirements": {"id": r"\d+", "other": "x"},
        "defaults": {"lang": "en", "kind": "a"},
        "conditions": {"method": ["GET", "POST"]},
    }
    with urls.submapper("/s", **options) as sub:
        sub.add("/{id}", {"*": "one"}, place=HERE)
        sub.add(
            "/w/{id}", {"*": "two"}, place=HERE, requirements={"id": "w"}, defaults={"kind": "b"}
        )
    assert answer(urls, "GET /s/7") == ("one", {"id": "7", "lang": "en", "kind": "a"})
    assert answer(urls, "GET /s/x") == ()
    assert answer(urls, "GET /s/w/w") == ("two", {"id": "w", "lang": "en", "kind": "b"})
    assert answer(urls, "PUT /s/7") == ("GET", "HEAD", "POST", "OPTIONS")


def test_a_prefix_may_have_variables() -> None:
    urls: URLMap[str] = URLMap()
    with urls.submapper("/{tenant}", requirements={"tenant": "a|b"}) as tenant:
        tenant.add("/users/{id}", {"GET": "user"}, place=HERE)
        tenant.redirect("/old", "/{tenant}/users/1", place=HERE)
    assert answer(urls, "GET /a/users/1") == ("user", {"tenant": "a", "id": "1"})
    assert answer(urls, "GET /c/users/1") == ()
    assert answer(urls, "GET /b/old") == (302, "/b/users/1")


def test_a_filter_and_minimisation_come_from_around() -> None:
    urls: URLMap[str] = URLMap()

    def add_year(parts: dict[str, Any]) -> dict[str, Any]:
        return {"year": 2024, **parts}

    with urls.submapper("/s", filter=add_year, minimize=True, defaults={"page": "1"}) as sub:
        sub.add("/{year}/{page}", {"GET": "g"}, place=HERE, name="page")
    assert answer(urls, "GET /s/2024") == ("g", {"year": "2024", "page": "1"})
    assert urls.url_for("page", page=3) == "/s/2024/3"
    assert urls.url_for("page") == "/s/2024"


def test_a_mount_cannot_have_conditions() -> None:
    urls: URLMap[str] = URLMap()
    with (
        urls.submapper("/s", conditions={"sub_domain": True}) as sub,
        pytest.raises(RouteError, match=r"^a\.py:3: route '/s/m': a mount takes no conditions"),
    ):
        sub.mount("/m", "m", place=Place("a.py", 3))


def test_an_error_in_the_block_passes_through() -> None:
    urls: URLMap[str] = URLMap()
    with pytest.raises(KeyError), urls.submapper("/s"):
        raise KeyError
