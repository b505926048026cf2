"""route_rows, listed, match_row, explained: a URL map in words."""

from __future__ import annotations

import json
import re

import pytest
from Axon.Component import component

from kroute import App, StaticFiles
from kroute.listing import explained, listed, match_row, route_rows


def show(request, **variables):
    return "x"


def save(request, id):
    yield "x"


def app() -> App:
    inner, outer = App(), App()
    inner.add("/{id:[0-9]+}", GET=show, PUT=save, name="entry")
    outer.add("/", GET=show, POST=show, name="home")
    outer.mount("/in", inner, name="in")
    outer.redirect("/old", "/in/1")
    outer.static("cdn", "https://cdn.example.org/{file}")
    return outer


def test_rows_are_for_programs() -> None:
    rows = json.loads(json.dumps(route_rows(app().urls)))
    by_path = {row["path"]: row for row in rows}
    entry = next(row for row in rows if row["name"] == "in.entry")
    assert entry["methods"] == ["GET", "HEAD", "PUT", "OPTIONS"] or set(entry["methods"]) >= {
        "GET",
        "PUT",
    }
    assert entry["requirements"] == {"id": "[0-9]+"}
    assert entry["handlers"]["GET"].endswith("(show)")
    assert entry["handlers"]["PUT"].endswith("(save)")
    assert "test_listing.py:" in entry["handlers"]["PUT"]
    assert by_path["/"]["name"] == "home"


def test_the_list_is_for_people() -> None:
    lines = listed(route_rows(app().urls))
    assert lines[0].split() == ["#", "METHODS", "PATH", "NAME", "HANDLER"]
    column = lines[0].index("HANDLER")
    assert all(line[column - 1] == " " != line[column] for line in lines)
    home = next(line for line in lines if " / " in line)
    assert home.split()[:4] == ["0", "GET,POST", "/", "home"]
    assert home.endswith("(show)")
    entries = [line for line in lines if "in.entry" in line]
    assert [line.split()[:2] for line in entries] == [["2", "GET"], ["2", "PUT"]]
    assert all("[id=[0-9]+]" in line for line in entries)
    assert any("/old -> " in line for line in lines)


@pytest.mark.parametrize(
    ("method", "path", "last", "taken"),
    [
        ("GET", "/in/7", "  id = '7'", True),
        ("GET", "/in/7?q=1", "  id = '7'", True),
        ("GET", "/in/x", "GET /in/x is answered 404", False),
        ("DELETE", "/", "DELETE / is answered 405; the path has GET, HEAD, POST, OPTIONS", False),
        ("GET", "/old", "GET /old is answered 302, to /in/1", True),
    ],
)
def test_says_what_becomes_of_a_request(method: str, path: str, last: str, taken: bool) -> None:
    row = match_row(app().urls, method, path)
    lines = explained(row)
    assert lines[-1] == last
    assert len(lines) > 1
    assert any(line.startswith("-> ") for line in lines) == taken
    assert any(route["taken"] for route in row["routes"]) == taken


def test_what_becomes_of_a_request_is_for_programs_too() -> None:
    row = json.loads(json.dumps(match_row(app().urls, "GET", "/in/7?q=1")))
    place = row.pop("handler")
    assert place.endswith("(show)")
    assert row.pop("routes")[-1] == {
        "order": 2,
        "methods": ["GET", "HEAD", "PUT", "OPTIONS"],
        "path": "/in/{id:[0-9]+}",
        "name": "in.entry",
        "taken": True,
        "reason": "answers GET",
    }
    asked = {"method": "GET", "url": "/in/7?q=1"}
    assert row == {**asked, "variables": {"id": "7"}, "status": None}
    row = match_row(app().urls, "PATCH", "/")
    assert (row["handler"], row["status"], row["location"]) == (None, 405, None)
    assert row["allow"] == ["GET", "HEAD", "POST", "OPTIONS"]


@pytest.mark.parametrize("url", ["/t/K%C3%B6ln", "/t/Köln", "http://a.example/t/Köln?x=/"])
def test_a_path_may_be_written_as_people_do(url: str) -> None:
    own = App()
    own.add("/t/{name}", GET=show)
    assert match_row(own.urls, "GET", url)["variables"] == {"name": "Köln"}
    assert match_row(own.urls, "GET", "/t/日本?u=http://x/y")["variables"] == {"name": "日本"}


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://docs.example.com/d", None),
        ("https://docs.example.com/d", None),
        ("http://www.example.com/d", 404),
        ("/d", 404),
        ("http://docs.example.com", 404),
    ],
)
def test_a_host_may_be_asked_for(url: str, status: int | None) -> None:
    own = App()
    own.add("/d", GET=show, conditions={"sub_domain": ["docs"]})
    assert match_row(own.urls, "GET", url)["status"] == status


def test_a_row_for_a_handler_that_is_no_function() -> None:
    class Caller:
        def __call__(self, request):
            return "x"

    own = App()
    own.add("/", GET=Caller())
    assert "test_listing.py:" in listed(route_rows(own.urls))[-1]


def test_a_handler_written_in_c_stands_where_it_is_declared() -> None:
    own = App()
    own.add("/", GET=ascii)
    assert re.search(r"test_listing.py:\d+ \(ascii\)$", listed(route_rows(own.urls))[-1])


def test_what_kroute_makes_stands_where_it_is_declared() -> None:
    own = App()
    own.events("/ticks", lambda request: component())
    own.mount("/files", StaticFiles("."))
    places = [line.split("  ")[-1] for line in listed(route_rows(own.urls))[1:]]
    assert [re.fullmatch(r"\S*test_listing.py:\d+ \((\w+)\)", place)[1] for place in places] == [
        "EventsHandler",
        "StaticFiles",
    ]


def test_what_is_only_built_has_no_number_and_no_method() -> None:
    assert listed(route_rows(app().urls))[-1].split()[:2] == [
        "-",
        "https://cdn.example.org/{file}",
    ]
