"""Response: equal to `webob.Response`, however it was made and whatever is done to it later."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
import webob

from kroute.http import Response
from kroute.http import response as room
from kroute.http.response import MAX_TYPES
from tests.cases import check_each

BODIES: list[Any] = [None, "", "text", "gr\xfc\xdf\u20ac", b"", b"bytes\xff", bytearray(b"x")]
STATUSES: list[Any] = [
    None,
    200,
    201,
    204,
    205,
    304,
    404,
    500,
    100,
    299,
    "404",
    "404 Gone fishing",
    "200 OK",
    418,
]
TYPES: list[Any] = [
    None,
    "",
    "text/plain",
    "text/html",
    "text/html; charset=latin-1",
    "text/plain;charset=utf-8",
    "application/json",
    "application/xml",
    "application/atom+xml",
    "image/svg+xml",
    "image/png",
    "application/octet-stream",
    "TEXT/PLAIN",
    "x/y; z=1",
    "text/",
    "nonsense",
]
OPTIONS: list[dict[str, Any]] = [
    {"charset": "latin-1"},
    {"charset": None},
    {"charset": "UTF-8", "content_type": "text/plain"},
    {"json": {"a": [1, None]}},
    {"json_body": [1]},
    {"text": "x"},
    {"app_iter": [b"a", b"b"]},
    {"app_iter": [b"a"], "content_length": 1},
    {"headerlist": [("X", "y")]},
    {"headerlist": [("Content-Type", "text/plain"), ("Content-Length", "99")], "body": b"x"},
    {"headerlist": [], "body": b"x"},
    {"headerlist": [("X", "y")], "app_iter": [b"x"]},
    {"headerlist": [("X", "y")], "app_iter": [b"x"], "status": "404 Gone fishing"},
    {"headerlist": [], "app_iter": [b"x"], "status": "204 No Content"},
    {"headerlist": [], "app_iter": [b"x"], "content_type": "text/plain"},
    {"location": "/x", "status": 303},
    {"etag": "x"},
    {"last_modified": datetime(2020, 1, 1, tzinfo=timezone.utc)},
    {"cache_control": "no-store"},
    {"cache_expires": 0},
    {"conditional_response": True, "etag": "x", "body": b"x"},
    {"conditional_response": False},
    {"content_encoding": "identity", "body": b"x"},
    {"body": b"x", "body_file": None},
    {"no_such": 1},
    {"status_int": 201},
]


def outcome(make: Callable[[], Any]) -> object:
    """All there is to be seen of a response, or what was raised."""
    try:
        return state(make())
    except Exception as error:
        return type(error), str(error)


def state(response: webob.Response) -> dict[str, Any]:
    return {
        "status": response.status,
        "status_code": response.status_code,
        "headerlist": response.headerlist,
        "content_type": response.content_type,
        "charset": response.charset,
        "content_length": response.content_length,
        "conditional": response.conditional_response,
        "app_iter": list(response.app_iter or ()),
        "attributes": sorted(set(vars(response)) - {"_headers"}),
    }


def call(kind: type[webob.Response], *args: Any, **options: Any) -> Callable[[], Any]:
    return lambda: kind(*args, **options)


@pytest.fixture(params=["first", "known"])
def begin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """To be called before each case: both with an empty memory of content types and with one of
    all that was ever made."""
    known: dict[Any, Any] = {}
    if request.param == "known":
        monkeypatch.setattr(room, "_types", known)
        for body, content_type in itertools.product(BODIES, TYPES):
            outcome(call(Response, body, content_type=content_type))
    return lambda: monkeypatch.setattr(room, "_types", known.copy())


def test_equal_as_made(begin: Callable[[], None]) -> None:
    def check(case: tuple[Any, Any]) -> None:
        begin()
        for content_type in [*TYPES, *TYPES]:
            ours = outcome(call(Response, *case, content_type=content_type))
            theirs = outcome(call(webob.Response, *case, content_type=content_type))
            assert ours == theirs, content_type

    check_each(itertools.product(BODIES, STATUSES), check)


def test_equal_with_options(begin: Callable[[], None]) -> None:
    def check(options: dict[str, Any]) -> None:
        begin()
        for more in ({}, {"body": "text"}, {"body": b"bytes"}, {"status": 404, "body": "text"}):
            both = {**more, **options}
            copy = {
                key: list(value) if key == "headerlist" else value for key, value in both.items()
            }
            assert outcome(call(Response, **both)) == outcome(call(webob.Response, **copy))

    check_each(OPTIONS, check)


def test_positional_arguments_are_webobs() -> None:
    for args in [(b"x", 201), (b"x", None, [("A", "b")]), (None, 200, None, [b"x"], "text/plain")]:
        assert outcome(call(Response, *args)) == outcome(call(webob.Response, *args))


CHANGES: dict[str, Callable[[webob.Response], Any]] = {
    "set_cookie": lambda r: r.set_cookie("a", "b", max_age=5, httponly=True, path="/x"),
    "delete_cookie": lambda r: r.delete_cookie("a"),
    "etag": lambda r: setattr(r, "etag", "x"),
    "md5_etag": lambda r: r.md5_etag(),
    "md5_etag of all": lambda r: r.md5_etag(set_content_md5=True),
    "last_modified": lambda r: setattr(r, "last_modified", datetime(2020, 1, 1)),
    "status": lambda r: setattr(r, "status", 404),
    "status text": lambda r: setattr(r, "status", "299 Odd"),
    "no content": lambda r: setattr(r, "status", 204),
    "body": lambda r: setattr(r, "body", b"other"),
    "text": lambda r: setattr(r, "text", "\xe9"),
    "json": lambda r: setattr(r, "json", [1]),
    "write": lambda r: r.write(b" and more"),
    "write text": lambda r: r.write(" and more"),
    "body_file": lambda r: r.body_file.write(b"more"),
    "app_iter": lambda r: setattr(r, "app_iter", [b"a", b"b"]),
    "del body": lambda r: delattr(r, "body"),
    "content_type": lambda r: setattr(r, "content_type", "text/css"),
    "content_type of no text": lambda r: setattr(r, "content_type", "image/png"),
    "content_type_params": lambda r: setattr(r, "content_type_params", {"a": "b"}),
    "charset": lambda r: setattr(r, "charset", "latin-1"),
    "no charset": lambda r: setattr(r, "charset", None),
    "content_length": lambda r: setattr(r, "content_length", 99),
    "headers": lambda r: r.headers.update({"X": "1", "content-type": "a/b"}),
    "headers.add": lambda r: (r.headers.add("X", "1"), r.headers.add("X", "2")),
    "headers set": lambda r: setattr(r, "headers", {"X": "1"}),
    "headerlist": lambda r: r.headerlist.append(("X", "1")),
    "headerlist set": lambda r: setattr(r, "headerlist", [("X", "1")]),
    "vary": lambda r: setattr(r, "vary", ["Accept"]),
    "location": lambda r: setattr(r, "location", "/x"),
    "cache_control": lambda r: setattr(r.cache_control, "max_age", 5),
    "cache_expires": lambda r: r.cache_expires(0),
    "conditional_response": lambda r: setattr(r, "conditional_response", True),
    "encode_content": lambda r: r.encode_content("identity"),
    "merge_cookies": lambda r: r.merge_cookies(webob.Response()),
    "copy": lambda r: r.copy().set_cookie("a", "b"),
    "request": lambda r: setattr(r, "request", webob.Request.blank("/")),
}


@pytest.mark.parametrize("body, content_type", [("text", "text/plain"), (b"bytes", "image/png")])
def test_equal_after_a_change(body: Any, content_type: str) -> None:
    def check(name: str) -> None:
        def make(kind: type[webob.Response]) -> webob.Response:
            response = kind(body, 200, content_type=content_type)
            CHANGES[name](response)
            return response

        for _ in range(2):
            ours = outcome(lambda: make(Response))
            assert ours == outcome(lambda: make(webob.Response))

    check_each(CHANGES, check)


def test_one_response_is_not_changed_by_another() -> None:
    one, two = Response("x"), Response("x")
    one.headers["X"] = "1"
    one.status = 404
    one.body = b"y"
    assert state(two) == state(webob.Response("x"))


@pytest.mark.parametrize(
    "headers", [{}, {"If-None-Match": '"x"'}, {"Range": "bytes=1-2"}, {"Range": "bytes=9-"}]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_equal_as_an_application(headers: dict[str, str], method: str) -> None:
    """Conditional and range requests (RFC 9110, sections 13 and 14)."""

    def answer(kind: type[webob.Response]) -> dict[str, Any]:
        response = kind("hello", content_type="text/plain")
        response.etag = "x"
        response.conditional_response = True
        asked = webob.Request.blank("/", method=method, headers=headers)
        return state(asked.get_response(response))

    assert answer(Response) == answer(webob.Response)


def test_equal_in_a_subclass_with_other_defaults() -> None:
    defaults = {"default_content_type": "text/plain", "default_conditional_response": True}
    ours = type("Ours", (Response,), defaults)
    theirs = type("Theirs", (webob.Response,), defaults)
    latin = {"default_charset": "latin-1"}
    ours_latin, theirs_latin = type("O", (Response,), latin), type("T", (webob.Response,), latin)
    nothing = {"default_content_type": None}
    ours_bare, theirs_bare = type("O", (Response,), nothing), type("T", (webob.Response,), nothing)
    for body in ("\xe9", b"x"):
        for _ in range(2):
            assert outcome(call(ours, body)) == outcome(call(theirs, body))
            assert outcome(call(ours_latin, body)) == outcome(call(theirs_latin, body))
            assert outcome(call(ours_bare, body)) == outcome(call(theirs_bare, body))
            assert outcome(call(Response, body)) == outcome(call(webob.Response, body))


def test_content_types_made_up_are_not_kept_for_ever() -> None:
    for number in range(2 * MAX_TYPES):
        Response("x", content_type=f"text/x-{number}")
    assert len(room._types) <= MAX_TYPES


def test_the_short_way_is_taken() -> None:
    Response("x", content_type="text/plain")
    assert "_app_iter" in Response("x", 404, content_type="text/plain").__dict__
    assert room._types["text/plain"] == (("Content-Type", "text/plain; charset=UTF-8"), True)
    assert isinstance(Response("x"), webob.Response)


def test_the_short_way_of_a_wsgi_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webob.Response, "__init__", None)
    response = Response(status="404 Not Found", headerlist=[("X", "y")], app_iter=[b"x"])
    assert (response.status, response.headerlist) == ("404 Not Found", [("X", "y")])


def test_headers_are_added_to_the_others() -> None:
    """In WebOb they take their place, the Content-Type with them."""
    response = Response(json={"a": 1}, headers={"X-A": "1"})
    assert response.headers["X-A"] == "1"
    assert response.content_type == "application/json"
    assert Response("x", headers={"Content-Type": "text/plain"}).content_type == "text/plain"


@pytest.mark.parametrize("body, hint", [({"a": 1}, "json="), (7, "int"), (object(), "object")])
def test_a_body_is_text_or_bytes(body: object, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        Response(body)  # type: ignore[arg-type]
