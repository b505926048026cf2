"""A service that is killed again and again, in a process of its own, with its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import Served

PROGRAM = """
    from Axon.Component import component

    from kroute import App


    class Fragile(component):
        def main(self):
            while True:
                while self.dataReady("inbox"):
                    question = self.recv("inbox")
                    if question.message == "die":
                        raise ZeroDivisionError("as it was told")
                    question.answer(question.message)
                self.pause()
                yield 1


    app = App()
    supervised = {"restart": "on_failure", "max_restarts": 5, "within": 600}
    app.service("/fragile", Fragile, outbox=None, parse="text", **supervised)
    app.service("/other", Fragile, outbox=None, parse="text")


    class Once(component):
        def __init__(self, request):
            super().__init__()

        def main(self):
            raise ZeroDivisionError("as always")
            yield


    app.mount("/once", Once, **supervised)
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, PROGRAM) as served:
        yield served


def post(served: Served, path: str, text: str) -> tuple[int, str, str]:
    """The status, the text, and Retry-After."""
    client = served.client()
    client.request("POST", path, text, {"Content-Type": "text/plain"})
    answer = client.getresponse()
    try:
        return answer.status, answer.read().decode(), answer.headers.get("Retry-After", "")
    finally:
        client.close()


def test_a_service_is_started_again_five_times(served: Served) -> None:
    for _ in range(5):
        assert post(served, "/fragile", "alive")[:2] == (200, "alive")
        assert post(served, "/fragile", "die")[0] == 503
    assert post(served, "/fragile", "alive")[:2] == (200, "alive")
    assert post(served, "/fragile", "die")[0] == 503
    for text in "alive", "die":
        status, _, later = post(served, "/fragile", text)
        assert (status, 500 < int(later) <= 600) == (503, True)
    assert post(served, "/other", "untouched")[:2] == (200, "untouched")
    assert served.stop() == 0
    log = "\n".join(served.lines)
    left = re.findall(r"Fragile\S* has ended; it is started again \((\d) times left\)", log)
    assert left == ["4", "3", "2", "1", "0"]
    assert len(re.findall("for the 6th time in 600 seconds; it is not started again", log)) == 1
    assert log.count("ZeroDivisionError: as it was told") == 6  # with its traceback, each time
    assert log.count("Traceback") == 6


def test_a_mount_tries_five_others(served: Served) -> None:
    assert post(served, "/once", "x")[0] == 500
    status, _, later = post(served, "/once", "x")
    assert (status, 500 < int(later) <= 600) == (503, True)
    assert post(served, "/other", "untouched")[:2] == (200, "untouched")
    assert served.stop() == 0
    log = "\n".join(served.lines)
    left = re.findall(r"another component goes on \((\d) times left\)", log)
    assert left == ["4", "3", "2", "1", "0"]
    assert log.count("ZeroDivisionError: as always") == 6
