"""AccessLog: one line for each answer, and nobody else writes in it."""

from __future__ import annotations

import logging
import re

import pytest

from kroute import App, Response, sleep

from .harness import Client, World, raw

LINE = re.compile(
    r"(?P<peer>\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"(?P<what>[^"\s]+ [^"\s]+ HTTP/1\.[01]|-)" (?P<code>\d{3}|-) (?P<size>\d+) '
    r"(?P<took>\d+\.\dms|-)(?P<cut> cut)?"
)


@pytest.fixture
def client(world: World, caplog: pytest.LogCaptureFixture) -> Client:
    caplog.set_level(logging.INFO, "kroute.access")
    app = App()
    app.access_log = True
    app.add("/hello/{name}", {"*": lambda request, name: "x" * 12})

    @app.get("/stream")
    def stream(request):
        yield Response(content_type="text/plain")
        yield "1234"
        yield "5678"

    @app.get("/slow")
    def slow(request):
        yield from sleep(10)

    @app.get("/begun")
    def begun(request):
        yield Response(content_type="text/plain")
        yield "123"
        yield from sleep(10)

    @app.get("/broken")
    def broken(request):
        yield Response(content_type="text/plain")
        yield "123"
        raise ValueError

    return world.client(app)


def lines(caplog: pytest.LogCaptureFixture) -> list[re.Match[str]]:
    found = []
    for record in caplog.records:
        if record.name == "kroute.access":
            match = LINE.fullmatch(record.getMessage())
            assert match, record.getMessage()
            found.append(match)
    return found


@pytest.mark.parametrize(
    ("method", "target", "code", "size"),
    [
        ("GET", "/hello/World", "200", "12"),
        ("GET", "/hello/W%C3%B6rld?a=b&c", "200", "12"),
        ("HEAD", "/hello/World", "200", "0"),
        ("M-SEARCH", "/hello/World", "200", "12"),
        ("GET", "/stream", "200", "8"),
        ("HEAD", "/stream", "200", "0"),
        ("OPTIONS", "/stream", "204", "0"),
        ("OPTIONS", "*", "204", "0"),
        ("GET", "/none", "404", "48"),
    ],
)
def test_a_line_for_each_answer(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    target: str,
    code: str,
    size: str,
) -> None:
    client.ask(method, target)
    (line,) = lines(caplog)
    assert line["peer"] == "192.0.2.7"
    assert line["what"] == f"{method} {target} HTTP/1.1"
    assert (line["code"], line["size"], line["cut"]) == (code, size, None)


@pytest.mark.parametrize(("path", "code", "size"), [("/slow", "-", "0"), ("/begun", "200", "3")])
def test_a_line_for_a_client_that_went_away(
    client: Client, caplog: pytest.LogCaptureFixture, path: str, code: str, size: str
) -> None:
    client.feed(raw("GET", path))
    client.hang_up()
    (line,) = lines(caplog)
    assert (line["code"], line["size"], line["cut"]) == (code, size, " cut")


def test_a_line_for_an_answer_that_broke(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.feed(raw("GET", "/broken"))
    (line,) = lines(caplog)
    assert (line["code"], line["cut"]) == ("200", " cut")


@pytest.mark.parametrize(
    "target",
    [
        "/hello/%0d%0a127.0.0.1",
        "/hello/%00%1b[31m",
        '/hello/"HTTP/1.1"200?"',
        '/hello/\\"',
        "/hello/x?\\x0a",
    ],
)
def test_nobody_can_write_a_line_of_his_own(
    client: Client, caplog: pytest.LogCaptureFixture, target: str
) -> None:
    client.feed(f'GET {target} HTTP/1.1\r\nHost: a\r\nUser-Agent: "x\t"\r\n\r\n'.encode())
    client.answers()
    (line,) = lines(caplog)
    assert line["what"].isascii()
    assert line["what"].isprintable()


def test_there_is_none_unless_asked_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kroute")
    assert world.client(App()).get("/").code == 404
    assert not caplog.records
