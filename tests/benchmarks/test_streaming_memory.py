"""A scene larger than the memory allowed is scored within it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_measuring import measured

ROWS, COLS, BANDS = 5000, 3000, 200  # of int16: 6.0 GB
HEADER = """ENVI
samples = {cols}
lines = {rows}
bands = {bands}
header offset = 0
data type = 2
interleave = {interleave}
byte order = 0
data ignore value = -9999
"""


def write_scene(folder: Path, interleave: str) -> Path:
    """Write a scene of correlated noise with a wedge of nodata, a strip of rows at a time."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, BANDS)).astype(np.float32)
    strip = rng.normal(size=(250, COLS, 6)).astype(np.float32) @ mixing * 300
    strip = (2000 + strip + 20 * rng.normal(size=strip.shape).astype(np.float32)).astype("<i2")
    header = folder / "scene.hdr"
    with (folder / "scene.img").open("wb") as file:
        for row in range(0, ROWS, len(strip)):
            strip[:, : row // 50] = -9999
            order = {"bip": (0, 1, 2), "bil": (0, 2, 1)}[interleave]
            np.ascontiguousarray(strip.transpose(order)).tofile(file)
    header.write_text(HEADER.format(rows=ROWS, cols=COLS, bands=BANDS, interleave=interleave))
    return header


@pytest.mark.benchmark
@pytest.mark.parametrize(("method", "interleave"), [("grx", "bil"), ("slrx", "bip")])
def test_six_gigabytes_are_scored_in_less_than_one(tmp_path, method, interleave, capsys):
    scene = write_scene(tmp_path, interleave)
    size = (tmp_path / "scene.img").stat().st_size
    assert size >= 6e9
    out = tmp_path / "out.tif"
    command = [sys.executable, "-m", "had_cli", "detect", "-m", method, "--engine", "stream", "--json"]
    status, output, peak, seconds = measured([*command, str(scene), "-o", str(out)])
    assert status == 0
    document = json.loads(output)
    assert document["engine"] == "stream"
    assert 0 < document["valid_pixels"] < ROWS * COLS
    with capsys.disabled():
        print(
            f"\n{method} on {size / 1e9:.1f} GB ({interleave}): peak RSS {peak / 1e6:.0f} MB, {seconds:.0f} s"
        )
    assert peak < 1e9
