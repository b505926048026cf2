"""`Mapper`: a `routes.Mapper` in definition order."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from routes import Mapper as RoutesMapper
from routes.util import RoutesException

from kroute.routing import Mapper


def a_mapper(*paths: str, **options: Any) -> Mapper:
    mapper = Mapper(controller_scan=None, register=False, **options)
    for path in paths:
        mapper.connect(path, to=path)
    mapper.create_regs([])
    return mapper


def taker(mapper: Mapper, path: str, environ: Any = None) -> str | None:
    found = mapper.match(path, environ)
    return None if found is None else found["to"]


def test_the_first_declared_is_the_first_matched() -> None:
    """Routes' documents promise it; 2.5 tries the longest static prefix first."""
    assert taker(a_mapper("/{x}", "/foo"), "/foo") == "/{x}"
    assert taker(a_mapper("/foo", "/{x}"), "/foo") == "/foo"


def test_a_minimised_format_is_found() -> None:
    """Routes 2.5.1 loses this match."""
    mapper = a_mapper()
    mapper.connect("entries.:(format)", format="html", to="entries", _minimize=True)
    assert taker(mapper, "/entries") == "entries"


@pytest.mark.parametrize("path", ["/foo\n", "/foo/\n", "\n/foo"])
def test_a_newline_is_no_end(path: str) -> None:
    assert taker(a_mapper("/foo"), path) is None


def test_connect_may_come_late() -> None:
    mapper = a_mapper("/a")
    assert taker(mapper, "/b") is None
    mapper.connect("/b", to="late")
    assert taker(mapper, "/b") == "late"
    assert taker(mapper, "/a") == "/a"


def test_extend_takes_routes_of_another_mapper() -> None:
    mapper = a_mapper("/a")
    mapper.extend(a_mapper("/b/{x}").matchlist, path_prefix="/sub")
    assert taker(mapper, "/sub/b/1") == "/b/{x}"
    assert taker(mapper, "/b/1") is None


def test_a_route_put_in_by_hand_is_seen() -> None:
    mapper = a_mapper("/a")
    assert taker(mapper, "/b") is None
    mapper.matchlist.append(mapper.make_route(None, "/b", to="by hand", _explicit=True))
    assert taker(mapper, "/b") == "by hand"


def test_a_prefix_may_change_and_has_no_boundary() -> None:
    mapper = a_mapper("/", "/a", "ger")
    mapper.prefix = "/blog"
    assert taker(mapper, "/blog") == "/"
    assert taker(mapper, "/blog/a") == "/a"
    assert taker(mapper, "/a") is None
    assert taker(mapper, "/blogger") == "ger"  # as in Routes
    mapper.prefix = "/other"
    assert taker(mapper, "/other/a") == "/a"
    mapper.prefix = None
    assert taker(mapper, "/a") == "/a"


def test_create_regs_with_other_controllers() -> None:
    mapper = Mapper(controller_scan=None, register=False)
    mapper.connect("/{controller}/{id}", to="it")
    mapper.create_regs(["one"])
    assert (taker(mapper, "/one/1"), taker(mapper, "/two/1")) == ("it", None)
    mapper.create_regs(["two"])
    assert (taker(mapper, "/one/1"), taker(mapper, "/two/1")) == (None, "it")


def test_always_scan_asks_for_the_controllers_each_time() -> None:
    known = ["one"]
    mapper = Mapper(controller_scan=lambda: known, always_scan=True, register=False)
    mapper.connect("/{controller}", to="it")
    assert taker(mapper, "/two") is None
    known.append("two")
    assert taker(mapper, "/two") == "it"


def test_a_directory_is_scanned() -> None:
    mapper = Mapper(controller_scan=lambda directory: [directory], directory="d", register=False)
    mapper.connect("/{controller}", to="it")
    assert taker(mapper, "/d") == "it"


def test_matching_without_regexes_is_an_error_as_in_routes() -> None:
    mapper = Mapper(controller_scan=None, register=False)
    with pytest.raises(RoutesException, match="must generate the regular expressions"):
        mapper.match("/")


@pytest.mark.parametrize(
    ("environ", "to"),
    [
        (None, "post"),  # without an environ conditions are skipped, as in Routes
        ({"REQUEST_METHOD": "POST"}, "post"),
        ({"REQUEST_METHOD": "PUT"}, "any"),
        ({"REQUEST_METHOD": "OST"}, "post"),  # a string is looked into for letters, as in Routes
    ],
)
def test_conditions_are_those_of_routes(environ: Any, to: str) -> None:
    mapper = a_mapper()
    mapper.connect("/a", conditions={"method": "POST"}, to="post")
    mapper.connect("/a", to="any")
    assert taker(mapper, "/a", environ) == to


def test_an_empty_match_is_a_match() -> None:
    mapper = a_mapper()
    mapper.connect("/a")
    assert mapper.match("/a") == {}
    assert mapper.routematch("/a") == ({}, mapper.matchlist[0])


def test_debug_tells_the_routes_tried() -> None:
    mapper = a_mapper("/{x}/a", "/{x}/{y}")
    mapper.debug = True
    match, route, log = mapper.match("/1/2")
    assert (match["to"], route.routepath) == ("/{x}/{y}", "/{x}/{y}")
    assert [entry["regexp"] for entry in log][-1] is True


@pytest.mark.parametrize("minimize", [False, True])
def test_it_generates_what_routes_generates(minimize: bool) -> None:
    mappers: list[Any] = [Mapper(controller_scan=None, register=False)]
    mappers.append(RoutesMapper(controller_scan=None, register=False))
    for mapper in mappers:
        mapper.minimization = minimize
        mapper.connect("home", "/")
        mapper.connect("entry", "/e/{id}{.format}", controller="entry", action="show")
        mapper.connect("old", "archive/:year/:month", year="2024", month=None, controller="old")
        mapper.connect("cdn", "http://x/{f}", _static=True)
        mapper.resource("message", "messages")
        mapper.create_regs(["entry", "old", "messages"])
    mine, theirs = mappers
    for parts in (
        {"controller": "entry", "action": "show", "id": 7},
        {"controller": "entry", "action": "show", "id": "é", "format": "json"},
        {"controller": "old", "year": "2024"},
        {"controller": "old", "year": "2023", "month": "5"},
        {"controller": "messages", "action": "edit", "id": 3},
        {"controller": "none"},
    ):
        assert mine.generate(**parts) == theirs.generate(**parts)
    assert mine._routenames.keys() == theirs._routenames.keys()


def test_matching_goes_on_while_another_thread_connects() -> None:
    mapper = a_mapper("/a/{x}")
    missed: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            if taker(mapper, "/a/1") is None:
                missed.append(1)

    asker = threading.Thread(target=ask)
    asker.start()
    for number in range(50):
        mapper.connect(f"/b/{number}", to="b")
        assert taker(mapper, f"/b/{number}") == "b"
    stop.set()
    asker.join()
    assert not missed
