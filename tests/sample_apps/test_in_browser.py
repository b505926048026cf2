"""The pages of the samples in Chromium. Screenshots are kept in var/screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, browser

from .sample_server import Server

__all__ = ["browser"]

pytestmark = [pytest.mark.load, pytest.mark.needs("chromium", "chromedriver")]


class Sample:
    """A sample application that can be started again at the port that it had."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        self._server = Server("kroute", "run", name, folder=folder)
        self.url = f"http://127.0.0.1:{self._server.port}/"

    def stop(self) -> None:
        assert self._server.stop() == 0

    def start_again(self) -> None:
        self._server = Server(
            "kroute", "run", self._name, folder=self._folder, port=self._server.port
        )


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Sample]:
    sample = Sample("sample_apps.chat", tmp_path)
    yield sample
    sample.stop()


@pytest.fixture
def ticker(tmp_path: Path) -> Iterator[Sample]:
    sample = Sample("sample_apps.ticker", tmp_path)
    yield sample
    sample.stop()


def test_two_windows_talk(chat: Sample, browser: Browser) -> None:
    windows = {who: browser.open(f"{chat.url}?who={who}") for who in ("ada", "grace")}

    def hear(who: str, *said: str) -> None:
        browser.turn_to(windows[who])
        browser.wait_until(lambda: all(text in browser.text("#said") for text in said))

    def say(who: str, text: str) -> None:
        browser.turn_to(windows[who])
        browser.wait_until(lambda: browser.text("#state") == "connected")
        browser.write("#text", f"{text}\n")

    hear("ada", "grace has come")
    assert browser.text("#here").split() == ["ada", "grace"]
    say("grace", "Hello, Ada. <b>Is</b> this on?")
    say("ada", "It is. Grüße! \u2014 from a window that is another one.")
    for who in windows:
        hear(who, "Hello, Ada. <b>Is</b> this on?", "Grüße!")
        browser.keep(f"chat-{who}")
    assert browser.complaints() == []

    chat.stop()
    for who in windows:
        browser.turn_to(windows[who])
        browser.wait_until(lambda: "trying again" in browser.text("#state"))
    browser.keep("chat-connection-lost")
    chat.start_again()
    say("ada", "Are you back?")
    say("grace", "I am.")
    for who in windows:
        hear(who, "Are you back?", "I am.")
        assert browser.text("#here").split() == ["ada", "grace"]
    browser.keep("chat-after-a-restart")
    browser.turn_to(windows["ada"])
    browser.driver.close()
    hear("grace", "ada has left")
    assert browser.text("#here") == "grace"


def test_the_ticker_draws(ticker: Sample, browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "ticker.log"
    windows = [browser.open(ticker.url) for _ in range(2)]

    def grow(*numbers: int) -> None:
        with log.open("a") as file:
            file.writelines(f"{number}\n" for number in numbers)
        for window in windows:
            browser.turn_to(window)
            browser.wait_until(lambda: browser.text("#line") == str(numbers[-1]))

    def painted() -> int:
        """How many dots of the line there are."""
        return int(
            browser.run(
                """
                const canvas = document.querySelector("canvas");
                const dots = canvas.getContext("2d")
                    .getImageData(0, 0, canvas.width, canvas.height).data;
                let found = 0;
                for (let at = 0; at < dots.length; at += 4)
                    found += dots[at] === 0x2b && dots[at + 1] === 0x5f && dots[at + 3] === 255;
                return found;
                """
            )
        )

    for window in windows:
        browser.turn_to(window)
        browser.wait_until(lambda: int(browser.text("#ticks")) >= 2)
        browser.wait_until(lambda: browser.text("#state") == "connected")
    assert painted() == 0
    grow(*(abs(at % 40 - 20) ** 2 for at in range(60)))
    assert browser.complaints() == []
    few = painted()
    assert few > 500
    browser.keep("ticker")

    ticker.stop()
    for window in windows:
        browser.turn_to(window)
        browser.wait_until(lambda: "trying again" in browser.text("#state"))
    browser.keep("ticker-connection-lost")
    ticker.start_again()
    for window in windows:
        browser.turn_to(window)
        browser.wait_until(lambda: browser.text("#state") == "connected")
        browser.wait_until(lambda: 1 <= int(browser.text("#ticks")) < 20)
    grow(*(400 - at for at in range(30)))
    assert painted() > few
    browser.keep("ticker-after-a-restart")
