"""A real Chromium in front of a real `meshlens dashboard` process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).parents[2]

#: The browser stays on this machine: no updates, no sign-in, no prefetching.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Machines that run these tests do other things meanwhile.
TIMEOUT_MS = 60_000


@dataclass(slots=True)
class Visit:
    """One tab, and everything that went wrong in it."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page by its link and wait for its heading."""
        self.page.goto(self.url + path)
        self.page.locator("h1").first.wait_for()

    def row(self, table: str, text: str) -> None:
        """Click the first row of a table that holds `text`."""
        self.page.get_by_role("table", name=table, exact=True).locator("tbody tr", has_text=text).first.click()


def missing() -> str:
    """Why browser tests cannot run here, or nothing."""
    try:
        import playwright.sync_api  # noqa: F401 - looked for, not used
    except ImportError:
        return "playwright is not installed: `make setup`"
    return "" if shutil.which("chromium") else "there is no chromium: `apt-get install chromium`"


def start_browser(playwright: Playwright) -> Browser:
    """Debian's Chromium; playwright never downloads one."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))


@contextmanager
def served(lake: Path) -> Iterator[str]:
    """The URL that `meshlens dashboard` prints, until the block ends; the process must end by itself on SIGTERM."""
    command = [sys.executable, "-m", "meshlens", "dashboard", "--lake", str(lake), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), url
            yield url
        finally:
            process.terminate()
            rest, errors = process.communicate(timeout=60)
        assert rest == "", rest
        assert "Traceback" not in errors, errors
