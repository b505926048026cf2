"""The ten-line application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sample_server import Server


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server("kroute", "run", "sample_apps.hello", folder=tmp_path_factory.mktemp("hello"))
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "<h1>It works</h1>"),
        ("/hello/World", "Hello, World!\n"),
        ("/hello/W%C3%B6rld", "Hello, Wörld!\n"),
    ],
)
def test_it_works(hello: Server, path: str, says: str) -> None:
    answer = hello.ask("GET", path)
    assert (answer.status, answer.text) == (200, says)


def test_no_name_is_taken_for_markup(hello: Server) -> None:
    answer = hello.ask("GET", "/hello/%3Cb%3E")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_it_reads_its_urls_to_the_end(hello: Server) -> None:
    for path in ("/hello", "/hello/", "/hello/a/b", "/x"):
        assert hello.ask("GET", path).status == 404
    assert hello.ask("PUT", "/hello/World").status == 405
    assert hello.ask("OPTIONS", "/hello/World").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert hello.ask("HEAD", "/hello/World").headers["Content-Length"] == "14"
