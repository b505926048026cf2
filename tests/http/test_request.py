"""Request: a `webob.Request` on an environ of ours."""

from __future__ import annotations

import webob

from kroute.http import EnvironMaker, Head, Request

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
