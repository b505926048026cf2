"""AccessLog: one line for each answer, and nobody else writes in it."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from kroute import App, Response, sleep

from .harness import Client, World, raw

LINE = re.compile(
    r"(?P<peer>\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"(?P<what>[^"\s]+ [^"\s]+ HTTP/1\.[01]|-)" (?P<code>\d{3}|-) (?P<size>\d+)'
    r"(?P<more>(?: \"[^\"]*\"){2})?"
    r" (?P<took>\d+\.\d)ms(?P<cut> cut)?"
)


def make(form: str = "common") -> App:
    app = App(access_log=form)
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

    @app.post("/body")
    def body(request):
        return request.body

    @app.get("/broken")
    def broken(request):
        yield Response(content_type="text/plain")
        yield "123"
        raise ValueError

    return app


@pytest.fixture
def client(world: World, caplog: pytest.LogCaptureFixture) -> Client:
    caplog.set_level(logging.INFO, "kroute.access")
    return world.client(make())


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


@pytest.mark.parametrize("requests", [0, 1])
@pytest.mark.parametrize(("path", "code", "size"), [("/slow", "-", "0"), ("/begun", "200", "3")])
def test_a_line_for_a_client_that_went_away(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    requests: int,
    path: str,
    code: str,
    size: str,
) -> None:
    for _ in range(requests):
        client.ask("GET", "/hello/World")
    caplog.clear()
    client.feed(raw("GET", path))
    client.take()
    client.hang_up()
    (line,) = lines(caplog)
    assert (line["code"], line["size"], line["cut"]) == (code, size, " cut")


def test_bytes_that_a_client_did_not_take_do_not_count(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.feed(raw("GET", "/begun"))
    client.hang_up()
    (line,) = lines(caplog)
    assert (line["size"], line["cut"]) == ("0", " cut")


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


def entry(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (record,) = (record for record in caplog.records if record.name == "kroute.access")
    text = record.getMessage()
    assert text.isascii() and text.isprintable()
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_combined_format(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kroute.access")
    client = world.client(make("combined"))
    client.get("/hello/World", Referer="http://a/", User_Agent='me"\\\t\xff" 200 1')
    client.get("/hello/World")
    first, second = lines(caplog)
    assert first["more"] == r' "http://a/" "me\x22\x5c\x09\xff\x22 200 1"'
    assert second["more"] == ' "-" "-"'


def test_the_json_format(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kroute.access")
    agent = '"}\t\xff\\'
    world.client(make("json")).get("/hello/World?a", User_Agent=agent)
    found = entry(caplog)
    age = datetime.now().astimezone() - datetime.fromisoformat(found.pop("time"))
    assert abs(age) < timedelta(minutes=1)
    assert 0 <= found.pop("ms") < 60_000
    assert found == {
        "peer": "192.0.2.7",
        "method": "GET",
        "target": "/hello/World?a",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 12,
        "referer": None,
        "user_agent": agent,
        "cut": False,
    }


def test_json_of_a_client_that_went_away(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kroute.access")
    client = world.client(make("json"))
    client.feed(raw("GET", "/slow"))
    client.hang_up()
    found = entry(caplog)
    assert (found["status"], found["cut"], found["target"]) == (None, True, "/slow")


@pytest.mark.parametrize("form", ["common", "combined", "json"])
def test_a_line_for_what_was_no_request(
    world: World, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    caplog.set_level(logging.INFO, "kroute.access")
    client = world.client(make(form))
    client.feed(b'G"T \r\n\r\n')
    (answer,) = client.answers()
    assert answer.code == 400
    size = len(answer.body)
    if form == "json":
        found = entry(caplog)
        assert (found["method"], found["status"], found["bytes"]) == (None, 400, size)
    else:
        (line,) = lines(caplog)
        assert (line["what"], line["code"], line["size"]) == ("-", "400", str(size))


@pytest.mark.parametrize("late", [False, True])
def test_a_request_whose_body_is_refused_is_named(
    world: World, client: Client, caplog: pytest.LogCaptureFixture, late: bool
) -> None:
    client.feed(raw("POST", "/body", chunks=[b"x"])[:-6])
    if late:
        world.elapse(31)
    else:
        client.feed(b"no chunk")
    (line,) = lines(caplog)
    assert line["what"] == "POST /body HTTP/1.1"
    assert line["code"] == ("408" if late else "400")


def test_there_is_no_other_format() -> None:
    with pytest.raises(ValueError, match="there are common, combined, json"):
        App(access_log="apache")


def test_there_is_none_unless_asked_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kroute")
    assert world.client(App()).get("/").code == 404
    assert not caplog.records
