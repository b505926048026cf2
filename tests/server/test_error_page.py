"""error_page: JSON, HTML or plain text by Accept, with everything escaped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webob import exc

from kroute import App
from kroute.server.error_page import MAX_METHOD, error_page, usual_page

from .harness import World

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
EVIL = "<script>alert('x')</script> \"&amp; ${explanation}\r\n"


def page(error: exc.WSGIHTTPException, accept: str | None = None) -> Any:
    environ = {} if accept is None else {"HTTP_ACCEPT": accept}
    return error_page(error, environ)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain"),
        ("*/*", "text/plain"),
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("text/*", "text/plain"),
        ("image/png", "text/plain"),
        ("text/plain;q=0, */*", "text/html"),
        ("rubbish ;;; =", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_is_of_the_kind_that_the_client_wants(accept: str | None, kind: str) -> None:
    response = page(exc.HTTPNotFound("Not <here>."), accept)
    assert response.content_type == kind
    assert response.status == "404 Not Found"
    assert response.content_length == len(response.body)


def test_in_plain_text() -> None:
    assert page(exc.HTTPNotFound(EVIL)).text == f"404 Not Found\n\n{EVIL.strip()}\n"
    assert page(exc.HTTPNotFound()).text == "404 Not Found\n\nThe resource could not be found.\n"


def test_in_json() -> None:
    response = page(exc.HTTPNotFound(EVIL), "application/json")
    assert json.loads(response.body) == {
        "code": "404 Not Found",
        "message": EVIL.strip(),
        "title": "Not Found",
    }


@pytest.mark.parametrize("kind", [exc.HTTPNotFound, exc.HTTPInternalServerError, exc.HTTPConflict])
def test_in_html_everything_is_escaped(kind: type[exc.WSGIHTTPException]) -> None:
    html = page(kind(EVIL, comment="--><script>"), "text/html").text
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert html.startswith("<!DOCTYPE html>\n<html>")


def test_nothing_of_the_request_gets_into_a_page_unescaped(world: World) -> None:
    app = App()

    @app.get("/{x}")
    def fail(request, x):
        raise exc.HTTPBadRequest(f"{x} {request.query_string}")

    client = world.client(app)
    for path in ("/%3Cscript%3E?<script>", "/no/%3Cscript%3E"):
        for method in ("GET", "FROB"):
            answer = client.ask(method, path, Accept="text/html", X_Evil="<script>")
            assert answer["Content-Type"] == "text/html; charset=UTF-8"
            assert "<script" not in answer.text


def test_a_body_of_the_authors_own_is_sent_as_it_is() -> None:
    error = exc.HTTPBadRequest(json={"why": "<b>"})
    assert page(error, "text/html").json == {"why": "<b>"}
    assert page(error, "text/html").content_type == "application/json"


def test_an_error_that_has_no_body() -> None:
    response = page(exc.HTTPNotModified(headers=[("ETag", '"a"')]))
    assert (response.status_int, response.body, response.etag) == (304, b"", "a")
    assert page(exc.HTTPNoContent()).body == b""


def test_the_exception_is_not_changed() -> None:
    error = exc.HTTPNotFound("x", headers=[("X-A", "b")])
    before = list(error.headerlist)
    for accept in (None, "text/html", "application/json"):
        assert page(error, accept).headers["X-A"] == "b"
    assert error.headerlist == before


# Pages that are made once


@pytest.mark.parametrize("accept", ["", "*/*", BROWSER, "application/json"])
@pytest.mark.parametrize("make", [exc.HTTPNotFound, exc.HTTPMethodNotAllowed])
@pytest.mark.parametrize(
    ("detail", "fields"), [(None, ()), ("Why <b>.", ()), ("X", (("Allow", "GET, PUT"),))]
)
def test_a_usual_page_is_the_page_of_its_error(
    accept: str, make: Any, detail: str | None, fields: tuple[tuple[str, str], ...]
) -> None:
    for method in ("GET", "FROB&", "X" * MAX_METHOD, "X" * (MAX_METHOD + 1)):
        environ = {"HTTP_ACCEPT": accept, "REQUEST_METHOD": method, "PATH_INFO": "/x"}
        usual = usual_page(environ, make, detail, fields)
        made = error_page(make(detail, headers=fields), environ)
        assert usual.body == made.body
        assert (usual.status, usual.headerlist) == (made.status, made.headerlist)
        again = usual_page({**environ, "PATH_INFO": "/y"}, make, detail, fields)
        assert (again is usual) == (len(method) <= MAX_METHOD)
