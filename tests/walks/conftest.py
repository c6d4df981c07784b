"""A running demo building and a browser. Without Chromium a user's machine skips by name; CI fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench import building
from bench.building import Building

SHOTS = Path(os.environ.get("PREWATT_SHOTS") or "var/shots")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def house(need_tool: Callable[[str], str]) -> Iterator[Building]:
    """The demo building, with its console and all its processes."""
    need_tool("chromium")
    with building.running() as running:
        yield running


@dataclass(frozen=True)
class Lines:
    """Simulated lines beside the building: where they listen, their meters, and the folder of their truth."""

    lines: list[dict[str, Any]]
    folder: Path

    def purse(self, serial: str) -> dict[str, Any]:
        """What the simulated meter itself keeps of its purse; it writes this before it acknowledges a purchase."""
        kept: dict[str, Any] = json.loads((self.folder / "state.json").read_text("utf-8"))["meters"][serial]
        return kept


@pytest.fixture(scope="session")
def new_lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Two lines of twenty meters that no estate knows yet."""
    folder = tmp_path_factory.mktemp("new-lines")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "prewatt.main.cli", "simulate", "--lines", "2", "--meters", "20", "--seed", "40",
            "--state", str(folder), "--json",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    yield Lines(json.loads(process.stdout.readline())["lines"], folder)
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def browser(need_tool: Callable[[str], str]) -> Iterator[Browser]:
    """Headless Chromium of the system."""
    path = need_tool("chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=quiet)
        yield chromium
        chromium.close()


class Walker:
    """A page of one operator that collects what the browser complains about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.address.rstrip("/") + path)

    def sign_in(self, username: str, password: str) -> None:
        self.go("/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_selector("[data-wall], .wall, main")

    def shot(self, name: str) -> None:
        """Keep a picture for the reviewer."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}.png"))


@pytest.fixture
def walk(house: Building, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Walker]:
    """A signed-in administrator; the test's ``phone`` mark makes the window a phone's."""
    phone = request.node.get_closest_marker("phone") is not None
    context = browser.new_context(viewport=PHONE if phone else DESKTOP, locale="zh-CN", has_touch=phone)  # type: ignore[arg-type]
    walker = Walker(context.new_page(), house.address)
    walker.page.set_default_timeout(20_000)
    walker.sign_in(house.username, house.password)
    yield walker
    context.close()
    assert not walker.complaints
