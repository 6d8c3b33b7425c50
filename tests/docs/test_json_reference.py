"""Every field that ``--json`` prints is told in the documentation, and every field told is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from had_cli.weights.file import Weights

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "json.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from had_cli.scenes.demo import make_scene

    made = tmp_path_factory.mktemp("json")
    make_scene(made, rows=40, cols=48, bands=30)
    return made


def document(folder, *words):
    done = subprocess.run(
        [sys.executable, "-m", "had_cli", *words, "--json"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def told(section):
    """Return the names in the first column of a section's table."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows)))


def told_of(command):
    """Return the names in the row of one of the other commands."""
    (row,) = re.findall(rf"^\| `{command}` \| (.+) \|$", PAGE, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


def test_detect(folder):
    printed = document(
        folder, "detect", "-m", "grx", "flightline.hdr", "--truth", "truth.tif", "-o", "map.tif"
    )
    assert set(printed) == told("had detect")


def test_evaluate(folder):
    document(folder, "detect", "-m", "grx", "flightline.hdr", "-o", "judged.tif")
    printed = document(folder, "evaluate", "judged.tif", "--truth", "truth.tif")
    assert set(printed) == told("had evaluate")
    inner = {name for field in ("pixels", "separability", "roc") for name in printed[field]}
    inner |= set(printed["separability"]["anomalous"])
    assert all(f"`{name}`" in PAGE for name in inner)


def test_info(folder):
    printed = document(folder, "info", "flightline.hdr")
    assert set(printed) == told("had info")
    assert all(f"`{name}`" in PAGE for name in {*printed["crs"], *printed["selection"]})


def test_the_others(folder):
    assert set(document(folder, "convert", "flightline.hdr", "copy.tif")) == told_of("had convert")
    document(folder, "detect", "-m", "grx", "flightline.hdr", "-o", "shown.tif")
    assert set(document(folder, "report", "flightline.hdr", "shown.tif")) <= told_of("had report")
    devices = document(folder, "devices")
    assert set(devices) | set(devices["devices"][0]) == told_of("had devices")
    plugins = document(folder, "plugins")
    assert set(plugins) | set(plugins["plugins"][0]) == told_of("had plugins")
    assert set(document(folder, "models", "list")) <= told_of("had models list")
    Weights(method="mean", tensors={}).save(folder / "w.safetensors")
    verdicts = document(folder, "models", "verify", "w.safetensors")
    told = {*verdicts, *verdicts["models"][0]}
    assert told <= told_of("had models verify") <= told | {"checksum"}
    demo = document(folder, "demo", "made")
    assert set(demo) | set(demo["maps"][0]) == told_of("had demo")


def test_the_tags_of_a_map(folder):
    import rasterio

    document(folder, "detect", "-m", "slrx", "flightline.hdr", "-o", "tagged.tif")
    page = (ROOT / "docs" / "guide" / "outputs.md").read_text(encoding="utf-8")
    with rasterio.open(folder / "tagged.tif") as dataset:
        written = {name for name in dataset.tags() if name.startswith("had_")}
    assert written <= set(re.findall(r"^\| `(had_\w+)` \|", page, re.MULTILINE))
    assert {"had_method", "had_parameters", "had_version"} <= written
