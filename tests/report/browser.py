"""A headless Chromium that opens a report and is asked what it shows."""

from __future__ import annotations

import base64
import json
import shutil
import time
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

__all__ = ["By", "Keys", "Viewer", "installed"]

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def installed() -> tuple[str, str] | None:
    """Return the programs (Chromium, its driver), or None where one is missing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return None if chromium is None or driver is None else (chromium, driver)


class Viewer:
    """A browser window of a given size."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 900) -> None:
        chromium, driver = installed()
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for switch in (*_SWITCHES, f"--user-data-dir={folder}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.size(width, height)

    def size(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, page: Path) -> None:
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # of the page before
        self.driver.get(page.as_uri())
        ready = "return document.documentElement.dataset.ready"
        end = time.monotonic() + 30
        while self.run(ready) != "" and time.monotonic() < end:
            time.sleep(0.05)
        assert self.run(ready) == "", self.complaints()
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what it was asked for."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))"
        )

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """Return what the console has received since it was asked last: errors, warnings, violations."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses asked for since this was asked last.

        Not those inside the page (``data:``), nor what the page's own policy has stopped on its way.
        """
        found = {}
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            told = message["params"]
            if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}:
                found[told["requestId"]] = told.get("request", told)["url"]
            elif message["method"] == "Network.loadingFailed" and told.get("blockedReason") == "csp":
                found.pop(told["requestId"], None)
        return [url for url in found.values() if not url.startswith("data:")]

    def __getitem__(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return self[selector].text

    def layer(self, name: str) -> np.ndarray:
        """Return the rows x cols x 4 bytes of a layer of the map."""
        flat, rows, cols = self.run(
            "const c = document.getElementById(arguments[0]);"
            # through a copy: reading the page's own canvas back makes the browser complain
            "const copy = new OffscreenCanvas(c.width, c.height)"
            ".getContext('2d', {willReadFrequently: true});"
            "copy.drawImage(c, 0, 0);"
            "const d = copy.getImageData(0, 0, c.width, c.height).data;"
            "let s = ''; for (const b of d) s += String.fromCharCode(b);"
            "return [btoa(s), c.height, c.width]",
            name,
        )
        return np.frombuffer(base64.b64decode(flat), np.uint8).reshape(rows, cols, 4)

    def mask(self) -> np.ndarray:
        return self.layer("mask")[..., 3] > 0

    def type_threshold(self, value: float) -> None:
        self["#threshold-value"].send_keys(Keys.CONTROL + "a", Keys.NULL, repr(float(value)))
        self.settle()

    def slide(self, *keys: str) -> None:
        self["#threshold"].send_keys(*keys)
        self.settle()

    def place(self, row: int, col: int) -> dict[str, float]:
        """Return where the middle of a cell of the map stands in the window."""
        return self.run(
            "const [row, col] = arguments; const sheet = document.querySelector('.sheet');"
            "sheet.scrollIntoView({block: 'center'});"
            "const box = sheet.getBoundingClientRect(); const map = document.getElementById('mask');"
            "return {x: box.left + (col + 0.5) / map.width * box.width,"
            " y: box.top + (row + 0.5) / map.height * box.height}",
            row,
            col,
        )

    def mouse(self, kind: str, x: float, y: float) -> None:
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        self.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {**event, "buttons": int(kind != "mouseReleased")}
        )

    def click(self, row: int, col: int) -> None:
        """Click into the middle of a cell of the map."""
        at = self.place(row, col)
        self.mouse("mousePressed", **at)
        self.mouse("mouseReleased", **at)
        self.settle()

    def facts(self, selector: str) -> dict[str, str]:
        """Return the terms and texts of a description list."""
        names = [item.text for item in self.all(f"{selector} dt")]
        return dict(zip(names, [item.text for item in self.all(f"{selector} dd")], strict=True))

    def line(self, selector: str) -> np.ndarray:
        """Return the points, n x 2, of a line in a chart."""
        path = self[selector].get_attribute("d")
        return np.array(
            [point.split() for point in path.replace("M", "L").replace("Z", "").split("L")[1:]], float
        )
