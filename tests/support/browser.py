"""A headless Chromium: pictures and prints of a page, its console and its requests."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limits import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find_browser() -> str | None:
    """Give the path of a browser, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Seen:
    """The lines on a page's console, and the addresses that the page requested."""

    console: list[str]
    requests: list[str]


@dataclass(frozen=True)
class Browser:
    """A browser with a profile of its own, in a folder that also takes its logs."""

    path: str
    folder: Path

    def screenshot(self, url: str, file: Path, *, width=1100, height=1600, dark=False) -> Seen:
        """Take a picture of the top of a page."""
        scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
        return self._run(url, f"--window-size={width},{height}", f"--screenshot={file}", *scheme)

    def print(self, url: str, file: Path) -> Seen:
        """Print a page as PDF."""
        return self._run(url, f"--print-to-pdf={file}", "--no-pdf-header-footer")

    def text_of(self, url: str, id_: str) -> str:
        """Give the text of an element once the page's scripts have run."""
        found = re.search(rf'id="?{id_}"?>([^<]*)<', self._output(url, "--dump-dom").stdout)
        return html.unescape(found[1]) if found else ""

    def _run(self, url: str, *more: str) -> Seen:
        log = self.folder / "net.json"
        done = self._output(url, f"--log-net-log={log}", *more)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return Seen(console, _requests(log.read_text(), url))

    def _output(self, url: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path, *FLAGS, f"--user-data-dir={self.folder / 'profile'}", *more, url],
            capture_output=True,
            check=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
        )


def _requests(log: str, page: str) -> list[str]:
    """List a page's requests; the browser's own have another initiator or none.

    The request of an icon comes from the browser too.
    """
    origin = page.rpartition("/")[0]
    found = (event.get("params", {}) for event in json.loads(log)["events"])
    urls = [entry["url"] for entry in found if "url" in entry and entry.get("initiator") == origin]
    return [url for url in urls if url != f"{origin}/favicon.ico"]
