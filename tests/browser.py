"""browser: Chromium, headless, for tests that are marked `needs("chromium", "chromedriver")`.

What it shows can be kept: `Browser.keep` puts screenshots into var/screenshots, which git ignores.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.waiting import PATIENCE

__all__ = ["Browser", "browser"]

ROOT = Path(__file__).parents[1]
SCREENSHOTS = ROOT / "var" / "screenshots"

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=800,600",
)


class Browser:
    """One browser, with a window or more."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)

    def open(self, url: str) -> str:
        """Open a page in a window of its own, which is the present one from then on; its name."""
        self.driver.switch_to.new_window("window")
        self.driver.get(url)
        return self.driver.current_window_handle

    def turn_to(self, window: str) -> None:
        """Make a window the present one."""
        self.driver.switch_to.window(window)

    def text(self, selector: str) -> str:
        """What stands in an element of the present page."""
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def write(self, selector: str, text: str) -> None:
        """Write into an element; an end of line is the Enter key."""
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_until(self, happened: Callable[[], object]) -> None:
        """Wait for what the page does."""
        WebDriverWait(self.driver, PATIENCE, 0.02).until(lambda _: happened())

    def complaints(self) -> list[str]:
        """What the pages have written to the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def keep(self, name: str) -> Path:
        """Keep a picture of the present window."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        assert self.driver.save_screenshot(path)
        return path


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that nobody has used before."""
    browser = Browser(tmp_path / "profile")
    yield browser
    browser.driver.quit()
