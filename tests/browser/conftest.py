"""A browser, and a bridge with something to show that it can reach."""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from tests.browser import axe
from tests.flow.pages.troubled import troubled
from tests.flow.scene import API_KEY, Scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARTEFACTS = Path(__file__).parents[2] / ".artefacts" / "pages"
"""Where screenshots are kept; git ignores it."""


def why_missing() -> str | None:
    if not any(map(shutil.which, CHROMIUM)):
        return "no chromium on PATH (Debian: apt install chromium)"
    if importlib.util.find_spec("playwright") is None:
        return "no playwright (the extra test)"
    return axe.why_missing()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with its module: while it lives, an event loop runs in this thread, and others' tests
    could begin none."""
    if reason := why_missing():
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it may not be there

    program = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium runs only without its sandbox; all it opens is ours.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Served:
    """A bridge that a browser can reach."""

    scene: Scene
    url: str


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    scene = troubled(tmp_path_factory.mktemp("fleet"), devices=12)
    with scene.bridge.database.write() as db:
        db.execute("UPDATE outbox SET state = 'failed', error = 'broke' WHERE kind = 'read_assets'")
    scene.bridge.engine_lock.acquire(0.0)
    scene.bridge.engine_lock.beat()
    server = make_server("127.0.0.1", 0, scene.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(scene, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    scene.bridge.engine_lock.release()
    scene.bridge.close()


@dataclass
class Visit:
    """One person's browser: what it complained of, and what it asked beyond the bridge."""

    page: Page
    served: Served
    complaints: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.served.scene.bridge.engine_lock.beat()
        answer = self.page.goto(self.served.url + path)
        assert answer is not None and answer.status == 200, path

    @property
    def path(self) -> str:
        parts = urlsplit(self.page.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.served.url + "/"):
            self.outside.append(request.url)


def visit(
    browser: Browser, served: Served, *, width: int = 1280, key: str = API_KEY, **options: Any
) -> Visit:
    """A browser window with a key of the API; as strict as a person's."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        http_credentials={"username": "bridge", "password": key},
        **options,
    )
    found = Visit(context.new_page(), served)
    found.watch()
    return found
