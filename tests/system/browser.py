"""
Chromium without a screen, driven through its debugging port, so that a test sees what a person sees.

Every name leads to one address; certificates are not judged here (curl and openssl do that).
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from websockets.sync.client import ClientConnection, connect

from tests.e2e.world import START_S, WAIT_S, until

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    "--window-size=1000,800",
)


@frozen(kw_only=True)
class Visit:
    """
    What stands on the screen, and the network error where it is not a page of the site.

    `width` in pixels, of all that would be scrolled to; `paper` the background, as `rgb(...)`.
    """

    title: str
    text: str
    width: int
    paper: str
    error: str


class Passing(Exception):
    """The tab cannot say: it is between two documents, as a rule."""


@define(eq=False)
class Browser:
    """One tab."""

    channel: ClientConnection
    _number: int = field(init=False, default=0)

    def visit(self, url: str, screenshot: Path, *, dark: bool = False, width: int = 1000) -> Visit:
        """Go there, wait until it is drawn, and keep a picture of it."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._do("Emulation.setEmulatedMedia", features=[scheme])
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        went = self._do("Page.navigate", url=url)
        until(lambda: self._stands(went["loaderId"]), "the page", START_S)
        picture = self._do("Page.captureScreenshot")["data"]
        screenshot.write_bytes(base64.b64decode(picture))
        return Visit(
            title=self._value("document.title"),
            text=self._value("document.body.innerText"),
            width=self._value("document.documentElement.scrollWidth"),
            paper=self._value("getComputedStyle(document.body).backgroundColor"),
            error=went.get("errorText", ""),
        )

    def _stands(self, loader: str) -> bool:
        """Whether it is this document that is there, and its own programs have heard that it is loaded."""
        try:
            there = self._do("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]
            return bool(there == loader and self._value("performance.timing.loadEventEnd > 0"))
        except Passing:
            return False

    def _value(self, expression: str) -> Any:
        return self._do("Runtime.evaluate", expression=expression)["result"].get("value")

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        """Errors: Passing."""
        self._number += 1
        self.channel.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            said: dict[str, Any] = json.loads(self.channel.recv(WAIT_S))
            if said.get("id") == self._number:
                if "result" not in said:
                    raise Passing(said)
                result: dict[str, Any] = said["result"]
                return result


@contextmanager
def chromium(address: str) -> Iterator[Browser]:
    """A browser for which every name lives at `address`."""
    with tempfile.TemporaryDirectory(prefix="starship-chromium-", ignore_cleanup_errors=True) as home:
        rules = f"--host-resolver-rules=MAP * {address}, EXCLUDE 127.0.0.1"
        command = ["chromium", *FLAGS, rules, f"--user-data-dir={home}/profile", "about:blank"]
        quiet, own = subprocess.DEVNULL, {**os.environ, "TMPDIR": home}
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=own, start_new_session=True)
        try:
            note = Path(home) / "profile" / "DevToolsActivePort"
            port = until(lambda: note.exists() and note.read_text().partition("\n")[0], "chromium's port", START_S)
            tab = until(lambda: _tab(port), "chromium's tab", START_S)
            with connect(tab, max_size=None, open_timeout=START_S) as channel:
                yield Browser(channel)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(WAIT_S)


def _tab(port: str) -> str:
    """Where the first one is spoken to; empty while there is none."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=WAIT_S) as answer:
        tabs = json.load(answer)
    return next((str(tab["webSocketDebuggerUrl"]) for tab in tabs if tab["type"] == "page"), "")
