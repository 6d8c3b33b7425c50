"""Draw the pictures of docs/guide/report.md: ``python docs/screenshots.py``.

They show the reports of the scene that ``had demo`` generates, in the browser that the tests use.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from scipy.io import savemat

from had_cli import detect
from had_cli.bench.results import load_results
from had_cli.report.writing import write_bench_report, write_scene_report
from had_cli.scenes.demo import make_scene
from had_cli.scenes.open import open_scene, open_truth

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "tests" / "report"))

from browser import Viewer  # noqa: E402 - found by the line above


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_scene(folder)
        detect(files.scene, "grx").save(folder / "flightline_grx.tif")
        page = folder / "report.html"
        with open_scene(files.scene) as scene:
            truth = open_truth(files.truth, scene.shape[:2])
            write_scene_report(scene, folder / "flightline_grx.tif", page, truth=truth)
        bench(folder)
        viewer = Viewer(folder / "profile", 1280, 1000)
        try:
            viewer.open(page)
            viewer.run("document.querySelectorAll('#places .go')[0].click(); scrollTo(0, 0)")
            save(viewer, "report-scene.png", 1280, 1120, few=False)
            viewer.scheme("dark")
            viewer.size(420, 900)
            viewer.open(page)
            viewer.run("document.querySelectorAll('#spectrum input[type=radio]')[1].click()")
            viewer.run("document.getElementById('threshold-panel').scrollIntoView()")
            save(viewer, "report-narrow.png", 420, 1100, "#threshold-panel")
            viewer.scheme("light")
            viewer.size(1280, 900)
            viewer.open(folder / "bench.html")
            save(viewer, "report-bench.png", 1280, 1080)
        finally:
            viewer.driver.quit()


def bench(folder: Path) -> None:
    """Compare two methods on three scenes and write the report of it."""
    import subprocess

    scenes = folder / "scenes"
    scenes.mkdir()
    for seed, name in enumerate(("fields", "harbour", "hills"), start=1):
        files = make_scene(folder / name, seed=seed)
        with open_scene(files.scene) as scene:
            truth = open_truth(files.truth, scene.shape[:2])
            savemat(scenes / f"{name}.mat", {"data": scene.read(), "map": truth})
    words = ["bench", scenes, "-m", "grx", "-m", "slrx", "-o", folder / "bench", "--no-plots"]
    subprocess.run([sys.executable, "-m", "had_cli", *map(str, words)], check=True, capture_output=True)  # noqa: S603
    assert not load_results(folder / "bench").failed  # noqa: S101 - nothing to show otherwise
    write_bench_report(folder / "bench", folder / "bench.html")


def save(viewer: Viewer, name: str, width: int, height: int, top: str = "body", *, few: bool = True) -> None:
    """Write what the browser shows from the element ``top`` on, in few colours where that does not show."""
    viewer.settle()
    start = viewer.run(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY", top
    )
    clip = {"x": 0, "y": max(0, start - 8), "width": width, "height": height, "scale": 1}
    options = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    taken = viewer.driver.execute_cdp_cmd("Page.captureScreenshot", options)
    picture = Image.open(BytesIO(base64.b64decode(taken["data"]))).convert("RGB")
    if few:
        picture = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    picture.save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
