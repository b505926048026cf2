"""route_rows, listed, explained: a URL map in words."""

from __future__ import annotations

import json

import pytest

from kroute import App
from kroute.listing import explained, listed, route_rows


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
    assert lines[0].split() == ["METHODS", "PATH", "NAME", "HANDLER"]
    column = lines[0].index("HANDLER")
    assert all(line[column - 1] == " " != line[column] for line in lines)
    home = next(line for line in lines if " / " in line)
    assert home.split()[:3] == ["GET,POST", "/", "home"]
    assert home.endswith("(show)")
    entries = [line for line in lines if "in.entry" in line]
    assert [line.split()[0] for line in entries] == ["GET", "PUT"]
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
    lines, found = explained(app().urls, method, path)
    assert (lines[-1], found) == (last, taken)
    assert len(lines) > 1


def test_a_row_for_a_handler_that_is_no_function() -> None:
    class Caller:
        def __call__(self, request):
            return "x"

    own = App()
    own.add("/", GET=Caller())
    assert "test_listing.py:" in listed(route_rows(own.urls))[-1]
