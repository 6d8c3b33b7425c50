"""Reports of small scenes with known answers, and a browser to look at them."""

from __future__ import annotations

import numpy as np
import pytest
from browser import Viewer, installed
from made_report import BANDS, COLS, EMPTY, NANOMETRES, ROWS, TARGETS, Made

from had_cli.report.writing import write_scene_report
from had_cli.scenes.scene import Scene


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """Return the report of a scene with an empty corner, three objects and a gap in its bands."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(3)
    cube = rng.normal(0.3, 0.02, (ROWS, COLS, BANDS)).astype(np.float32)
    cube *= np.linspace(0.6, 1.4, BANDS, dtype=np.float32)
    truth = np.zeros((ROWS, COLS), bool)
    for row, col in TARGETS:
        cube[row, col, 8:12] += 0.25
        truth[row, col] = True
    cube[EMPTY] = np.nan
    scores = (rng.gamma(2.0, 1.0, (ROWS, COLS)) + 20 * truth).astype(np.float32)
    scores[EMPTY] = np.nan
    keep = np.delete(np.arange(BANDS), [15, 16, 17])
    scene = Scene.from_array(
        cube, name="strip.img", wavelengths=NANOMETRES, transform=(2.0, 0.0, 500.0, 0.0, -2.0, 900.0)
    ).select(bands=keep)
    np.save(folder / "strip_grx.npy", scores)
    page = folder / "report.html"
    content = write_scene_report(scene, folder / "strip_grx.npy", page, truth=truth, rule="cfar:1e-2")
    return Made(page, cube[..., keep], scores, truth, content)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Yield a browser, or skip where there is none."""
    if installed() is None:
        pytest.skip("needs Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)")
    viewer = Viewer(tmp_path_factory.mktemp("profile"))
    yield viewer
    viewer.driver.quit()


@pytest.fixture
def view(browser):
    """Return the browser as a desktop window in light colours."""
    browser.size(1280, 900)
    browser.scheme("light")
    return browser
