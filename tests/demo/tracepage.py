"""A real browser (Debian's Chromium) that opens the receiver's pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.skips import CHROMIUM_ABSENT

_WIDTH: Final = 1280
_HEIGHT: Final = 720


@dataclass(frozen=True, slots=True)
class DrawnSpan:
    """A row of a waterfall as a person sees it.

    Args:
        service: The service it names.
        label: All that the row's first column shows.
        level: How deep it stands; 1 for a root.
        left: Where its bar begins, in pixels from the bars' left edge.
        width: How wide its bar is, in pixels.
        links: Where the marks in its last column lead, without the page's address.
    """

    service: str
    label: str
    level: int
    left: float
    width: float
    links: tuple[str, ...]


@contextmanager
def browser() -> Iterator[Chrome]:
    """Start a browser; skips the test where there is none.

    It resolves no names, so that a page that needs something from elsewhere fails here, too.
    """
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip(CHROMIUM_ABSENT)
    with TemporaryDirectory(prefix="kafkascope-browser-") as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        for argument in (
            "--headless=new",
            "--no-sandbox",  # Chromium refuses to run as root with it
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--window-size={_WIDTH},{_HEIGHT}",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = Chrome(options=options, service=Service(driver))
        try:
            yield chrome
        finally:
            chrome.quit()


def show_trace(chrome: Chrome, base_url: str, trace_id: str, screenshot: Path) -> list[DrawnSpan]:
    """Open a trace's waterfall, take its picture, and tell what it shows.

    Args:
        chrome: A browser.
        base_url: The receiver's address without a path.
        trace_id: The trace.
        screenshot: PNG file to write; its folder is made.

    Returns:
        The rows from top to bottom.

    Raises:
        AssertionError: The page complains, loads something from elsewhere, or draws no span.
    """
    chrome.get(f"{base_url}/traces/{trace_id}")
    rows = chrome.find_elements(By.CSS_SELECTOR, ".rows > li")
    assert rows, f"no span is drawn: {chrome.find_element(By.TAG_NAME, 'main').text}"
    drawn = [_drawn(row) for row in rows]
    assert_sound(chrome, base_url)
    save_page(chrome, screenshot)
    return drawn


def assert_sound(chrome: Chrome, base_url: str) -> None:
    """Assert that the open page loaded all it needs from the receiver, without a complaint."""
    complaints = [entry["message"] for entry in chrome.get_log("browser")]  # type: ignore[no-untyped-call]
    assert not complaints
    loaded: list[str] = chrome.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [url for url in loaded if not url.startswith(f"{base_url}/")] == []
    assert any(url.endswith(".css") for url in loaded)


def save_page(chrome: Chrome, screenshot: Path) -> None:
    """Write a picture of the open page from top to bottom, but of 4,000 pixels at most."""
    screenshot.parent.mkdir(parents=True, exist_ok=True)
    height = chrome.execute_script("return document.documentElement.scrollHeight")
    chrome.set_window_size(_WIDTH, min(4_000, int(height) + _HEIGHT // 4))
    assert chrome.save_screenshot(str(screenshot))
    chrome.set_window_size(_WIDTH, _HEIGHT)


def _drawn(row: WebElement) -> DrawnSpan:
    bars = row.find_element(By.CSS_SELECTOR, "summary .bar")
    bar = bars.find_element(By.TAG_NAME, "rect").rect
    links = row.find_elements(By.CSS_SELECTOR, ".links a")
    return DrawnSpan(
        service=row.find_element(By.CSS_SELECTOR, ".name b").text,
        label=row.find_element(By.CSS_SELECTOR, ".name").text.partition("\n")[0],
        level=1 + len(row.find_elements(By.CSS_SELECTOR, ".name i")),
        left=bar["x"] - bars.rect["x"],
        width=bar["width"],
        links=tuple(str(link.get_dom_attribute("href")) for link in links),
    )
