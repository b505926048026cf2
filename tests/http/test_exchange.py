"""Exchange: what becomes of an error, and that it ends once."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import webob
from webob.exc import HTTPException, HTTPNotFound

from kroute.http import (
    EnvironMaker,
    Exchange,
    Head,
    LocalProtocolError,
    Request,
    Response,
)

from .raw_requests import parse


class Client:
    """A sink that writes down what it is told; an answer with `X-Bad` cannot be sent."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def whole(self, exchange: Exchange, response: webob.Response, body: bytes) -> None:
        if "X-Bad" in response.headers:
            raise LocalProtocolError("X-Bad")
        self.told.append((response.status_code, body))
        exchange.done = True

    def cut(self, exchange: Exchange) -> None:
        self.told.append("cut")
        exchange.done = True


class Say:
    """Rules that answer an error with its text."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers
        self.asked: list[Exception] = []

    def error(self, exchange: Exchange, error: Exception) -> webob.Response:
        self.asked.append(error)
        if isinstance(error, HTTPException):
            return error
        response = Response(str(error), 500, content_type="text/plain")
        if not isinstance(error, LocalProtocolError):
            response.headers.update(self.headers)
        return response


class Fail(Say):
    def error(self, exchange: Exchange, error: Exception) -> webob.Response:
        super().error(exchange, error)
        raise RuntimeError("worse")


def exchange(rules: Any, target: bytes = b"/x") -> tuple[Exchange, Client]:
    [head] = parse([b"GET %b HTTP/1.0\r\n\r\n" % target])
    assert isinstance(head, Head)
    environ = EnvironMaker(("192.0.2.7", 1), ("192.0.2.1", 80)).make(head)
    client = Client()
    made = Exchange(Request(environ), client)  # type: ignore[arg-type]
    made.rules = rules
    return made, client


def test_an_error_before_the_answer_is_answered() -> None:
    made, client = exchange(Say())
    made.fail(ValueError("no"))
    assert client.told == [(500, b"no")]


def test_an_exception_of_webob_is_an_answer() -> None:
    made, client = exchange(Say())
    made.fail(HTTPNotFound(text="gone", content_type="text/plain"))
    assert client.told == [(404, b"gone")]


def test_an_error_in_the_middle_cuts(caplog: pytest.LogCaptureFixture) -> None:
    made, client = exchange(Say())
    made.started = True
    made.fail(ValueError("no"))
    assert client.told == ["cut"]
    assert "GET /x failed in the middle" in caplog.text
    assert "ValueError: no" in caplog.text


def test_an_error_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    made, client = exchange(Say())
    made.started = made.done = True
    made.fail(ValueError("no"))
    assert client.told == []
    assert "GET /x failed after its answer" in caplog.text
    assert "ValueError: no" in caplog.text


def test_an_answer_that_cannot_be_sent_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    rules = Say(**{"X-Bad": "1"})
    made, client = exchange(rules)
    with caplog.at_level(logging.CRITICAL):
        made.fail(ValueError("no"))
    assert client.told == [(500, b"X-Bad")]
    assert [type(error) for error in rules.asked] == [ValueError, LocalProtocolError]


def test_when_nothing_can_be_sent_a_bare_500_is(caplog: pytest.LogCaptureFixture) -> None:
    rules = Fail()
    made, client = exchange(rules)
    made.fail(ValueError("no"))
    assert client.told == [(500, b"")]
    assert len(rules.asked) == 2
    assert "RuntimeError: worse" in caplog.text


def test_gone_lets_go_of_the_handler_once() -> None:
    made, client = exchange(Say())
    told: list[str] = []
    made.on_gone = lambda: told.append("gone")
    made.on_drain = lambda: told.append("drain")
    made.gone()
    made.gone()
    assert told == ["gone"]
    assert made.done
    assert made.on_drain is None
    assert client.told == []


def test_gone_without_a_handler() -> None:
    made, _ = exchange(Say())
    made.gone()
    assert made.done


@pytest.mark.parametrize(
    "target, text",
    [
        (b"/x?secret=1", "GET /x"),
        (b"/caf%C3%A9", "GET /caf%C3%A9"),
        (b"/%FF", "GET /%FF"),  # no UTF-8
        (b"/a%0D%0Aerror", "GET /a%0D%0Aerror"),  # does not forge a line of the log
    ],
)
def test_its_name_in_logs(target: bytes, text: str) -> None:
    assert str(exchange(Say(), target)[0]) == text


@pytest.mark.parametrize("path", ["/%FF", "/a%0Ab", "/caf%C3%A9"])
def test_its_name_in_logs_when_others_made_the_environ(path: str) -> None:
    made = Exchange(Request.blank(path), Client())  # type: ignore[arg-type]
    assert str(made) == f"GET {path}"
