"""A scene larger than the memory allowed is scored within it."""

from __future__ import annotations

import json
import sys

import pytest
from raw_scenes import write_scene
from test_measuring import measured

ROWS, COLS = 5000, 3000  # x 200 bands of int16: 6.0 GB


@pytest.mark.benchmark
@pytest.mark.parametrize(("method", "interleave"), [("grx", "bil"), ("slrx", "bip"), ("ssf", "bip")])
def test_six_gigabytes_are_scored_in_less_than_one(tmp_path, method, interleave, capsys):
    scene = write_scene(tmp_path, interleave, ROWS, cols=COLS)
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
