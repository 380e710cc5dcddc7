# SPDX-License-Identifier: Apache-2.0
"""A service as an operator starts it, a browser, and pages on which nothing may go wrong."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
AXE = Path(os.environ.get("WAARMERK_AXE", "")) / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MEDIA = ROOT / "samples" / "media"
SHOTS = os.environ.get("WAARMERK_SHOTS")  # a folder, for whoever wants to look

needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="WAARMERK_AXE names no folder with axe-core")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the account that runs the service."""
    return tmp_path_factory.mktemp("home")


def environment_of(home: Path) -> dict[str, str]:
    """What programs of that account are started with."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}


@pytest.fixture(scope="session")
def address(home: Path) -> Iterator[str]:
    """A service as an operator starts it."""
    if not shutil.which(CHROMIUM):
        pytest.skip(f"no browser at {CHROMIUM}")
    log = home / "log"
    command = [sys.executable, "-m", "waarmerk.cli", "serve", "--port", "0", "--trust", str(ROOT / "samples" / "trust")]
    with log.open("wb") as errors:
        environment = environment_of(home)
        service = subprocess.Popen(command, stdout=errors, stderr=errors, env=environment)
        try:
            yield _listening(service, log)
        finally:
            service.terminate()
            service.wait(30)


def _listening(service: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(600):
        for line in log.read_text("utf-8").splitlines():
            if "listening on " in line:
                return line.rpartition(" ")[2]
        assert service.poll() is None, log.read_text("utf-8")
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as tool:
        started = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Watched:
    """A page, and everything that went wrong on it or was fetched from elsewhere."""

    def __init__(self, context: Any, address: str) -> None:
        self.page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._fetched(request.url, address))

    def _said(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 401" not in text:  # how a browser speaks of a page that asks for a key
            self.wrong.append(text)

    def _fetched(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:")):
            self.wrong.append(f"fetched {url}")


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    made: list[tuple[Any, Watched]] = []

    def open_page(**options: Any) -> Any:
        context = browser.new_context(**{"locale": "nl-NL", "viewport": {"width": 1100, "height": 900}, **options})
        watched = Watched(context, address)
        watched.page.goto(address)
        made.append((context, watched))
        return watched.page

    yield open_page
    for context, watched in made:
        context.close()
        assert watched.wrong == []


def shot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def accessible(page: Any) -> None:
    """Nothing that axe-core finds, and nothing cut off."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => window.axe.run(document, { runOnly: tags })", TAGS)
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
