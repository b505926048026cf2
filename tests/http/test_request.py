"""Request: a `webob.Request` on an environ of ours."""

from __future__ import annotations

import io
from typing import Any

import pytest
import webob

from kroute.http import EnvironMaker, Head, Request, put_body

from .raw_requests import parse


def request(raw: bytes) -> Request:
    head = parse([raw])[0]
    assert isinstance(head, Head)
    return Request(EnvironMaker(("192.0.2.7", 1), ("192.0.2.1", 80)).make(head))


def test_it_is_webobs() -> None:
    assert isinstance(request(b"GET / HTTP/1.0\r\n\r\n"), webob.Request)


def test_what_a_handler_reads() -> None:
    asked = request(
        b"GET /caf%C3%A9/x?q=%C3%A9&q=2 HTTP/1.1\r\nHost: a:81\r\nAccept: text/html;q=0.5, */*\r\n"
        b'Cookie: a=1\r\nCookie: b=2\r\nIf-None-Match: W/"x"\r\nX-Y: z\r\n\r\n'
    )
    assert asked.method == "GET"
    assert asked.path_info == "/caf\xe9/x"
    assert asked.path == "/caf%C3%A9/x"
    assert asked.params.getall("q") == ["\xe9", "2"]
    assert asked.url == "http://a:81/caf%C3%A9/x?q=%C3%A9&q=2"
    assert dict(asked.cookies) == {"a": "1", "b": "2"}
    [best, _] = asked.accept.acceptable_offers(["text/html", "text/plain"])
    assert best == ("text/plain", 1.0)
    assert asked.if_none_match
    assert asked.headers["x-y"] == "z"
    assert asked.client_addr == "192.0.2.7"
    assert asked.http_version == "HTTP/1.1"
    assert asked.content_length is None
    assert asked.body == b""


def test_methods_that_webob_does_not_know() -> None:
    assert request(b"M-SEARCH / HTTP/1.0\r\n\r\n").method == "M-SEARCH"


def test_path_variables_are_webobs_urlvars() -> None:
    asked = request(b"GET / HTTP/1.0\r\n\r\n")
    assert asked.path_variables == {}
    asked.urlvars = {"name": "x"}
    assert asked.path_variables == {"name": "x"}
    assert asked.path_variables is asked.urlvars
    assert asked.environ["wsgiorg.routing_args"] == ((), {"name": "x"})


class Other(io.BytesIO):
    """A file that is not read as it looks."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size).upper()


BODIES: dict[str, tuple[io.BytesIO, dict[str, Any]]] = {
    "as received": (io.BytesIO(b"abcdef"), {}),
    "empty": (io.BytesIO(), {"CONTENT_LENGTH": "0"}),
    "less of it": (io.BytesIO(b"abcdef"), {"CONTENT_LENGTH": "3"}),
    "more than there is": (io.BytesIO(b"abcdef"), {"CONTENT_LENGTH": "9"}),
    "none of it": (io.BytesIO(b"abcdef"), {"CONTENT_LENGTH": "0"}),
    "another number": (io.BytesIO(b"abcdef"), {"CONTENT_LENGTH": "006"}),
    "no length": (io.BytesIO(b"abcdef"), {"CONTENT_LENGTH": ""}),
    "not at its start, by its word": (
        io.BytesIO(b"abcdef"),
        {"webob.is_body_seekable": False, "CONTENT_LENGTH": "4"},
    ),
    "another file": (Other(b"abcdef"), {}),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_is_what_webob_says_it_is(name: str) -> None:
    given, changes = BODIES[name]
    asked = [Request.blank("/"), webob.Request.blank("/")]
    for one in asked:
        put_body(one.environ, type(given)(given.getvalue()), 6)
        one.environ.update(changes)
        one.environ["wsgi.input"].read(2)  # somebody has looked at it
    ours, webobs = asked
    for _ in range(2):
        assert ours.body == webobs.body
        assert ours.environ["wsgi.input"].tell() == webobs.environ["wsgi.input"].tell()
        assert ours.content_length == webobs.content_length


def test_a_body_that_is_set_is_the_body() -> None:
    asked = Request.blank("/", POST=b"abc")
    assert asked.body == b"abc"
    asked.environ["wsgi.input"].write(b"ABCD")
    asked.content_length = 4
    assert asked.body == b"ABCD"
    asked.body = b"other"
    assert asked.body == b"other"
    del asked.body
    assert asked.body == b""


def test_a_body_in_memory_is_not_copied() -> None:
    asked = request(b"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n")
    data = b"abc" * 1000
    put_body(asked.environ, io.BytesIO(data), len(data))
    assert asked.body is data
