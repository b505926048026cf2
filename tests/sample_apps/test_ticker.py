"""The clock and the file, as event streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .sample_server import Server
from .streams import lines

QUICK = """
from sample_apps import ticker

ticker.TICK = ticker.Tail.LOOK = 0.01
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ticker")


@pytest.fixture(scope="module")
def ticker(folder: Path) -> Iterator[Server]:
    (folder / "quick.py").write_text(QUICK)
    server = Server("kroute", "run", "quick:ticker.app", folder=folder)
    yield server
    assert server.stop() == 0


def test_the_clock_ticks(ticker: Server) -> None:
    ticking = lines(ticker, "/clock")
    assert next(ticking) == "retry: 500"
    data = [line for line, _ in zip(ticking, range(6), strict=False) if line.startswith("data")]
    assert data == ['data: {"tick": 1}', 'data: {"tick": 2}']
    ticking.close()


def test_the_file_is_followed(ticker: Server, folder: Path) -> None:
    log = folder / "ticker.log"
    log.write_text("old\n")
    following = lines(ticker, "/file")
    assert next(following) == "retry: 500"
    for number in range(3):
        with log.open("a") as file:
            file.write(f"{number}\n")
        assert next(line for line in following if line.startswith("data")) == f"data: {number}"
    log.write_text("new\n")  # shorter: a new file
    assert next(line for line in following if line.startswith("data")) == "data: new"
    following.close()


def test_the_page(ticker: Server) -> None:
    assert 'new EventSource("clock")' in ticker.ask("GET", "/").text
