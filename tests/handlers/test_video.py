"""A browser plays a video that StaticFiles serves, and jumps about in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, browser
from tests.server.process import Served

from .webm import HALF, LENGTH, make_webm

__all__ = ["browser"]

PROGRAM = """
    import logging

    from kroute import App, StaticFiles

    app = App()
    log = logging.getLogger("ranges")
    logging.getLogger("kroute.access").addHandler(logging.NullHandler())  # with all the rest


    @app.before_request
    def note(request):
        if "Range" in request.headers:
            log.warning("asked for %s", request.headers["Range"])


    @app.get("/")
    def page(request):
        return "<title>video</title><video src='files/made.webm' muted controls width=480></video>"


    app.mount("/files", StaticFiles("files"))
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "files").mkdir()
    make_webm(tmp_path / "files" / "made.webm")
    # A browser may keep a request for more of a video, which it does not read, when it has left
    # the page: that is not waited for as long as usual.
    with Served(tmp_path, PROGRAM, "--access-log", "--graceful-timeout", "5") as served:
        yield served


@pytest.mark.load
@pytest.mark.needs("chromium", "chromedriver")
def test_a_browser_seeks_in_a_video(served: Served, browser: Browser) -> None:
    browser.open(served.urls[0])

    def video(expression: str) -> float:
        return float(browser.run(f"return document.querySelector('video').{expression}"))

    def colour() -> str:
        """What most of the picture is."""
        red, _, blue = browser.run(
            """
            const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
            pen.drawImage(document.querySelector("video"), 0, 0, 1, 1);
            return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            """
        )
        return "red" if red > 2 * blue else "blue" if blue > 2 * red else "neither"

    browser.wait_until(lambda: video("readyState") >= 2)
    assert video("duration") == LENGTH
    browser.run("document.querySelector('video').play()")
    browser.wait_until(lambda: video("currentTime") > 0.3)
    assert colour() == "red"
    for to, shows in (LENGTH - 8, "blue"), (HALF - 8, "red"), (HALF + 8, "blue"):
        browser.run("document.querySelector('video').currentTime = arguments[0]", to)
        browser.wait_until(lambda to=to: not video("seeking") and video("currentTime") > to + 0.2)
        assert video("currentTime") < to + 8
        assert colour() == shows
    browser.keep("video")
    browser.driver.get("about:blank")
    assert served.stop() == 0
    log = "\n".join(served.lines)
    statuses = re.findall(r'"GET /files/made.webm HTTP/1.1" (\d+)', log)
    assert statuses.count("206") >= 3
    assert {*statuses} <= {"206", "304"}  # it asks whether the file is still the same
    begun = [int(start) for start in re.findall(r"asked for bytes=(\d+)-", log)]
    assert any(start > (LENGTH - 12) << 20 for start in begun), begun
