"""``had detect --background``."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import rasterio
from drawn import CHOSEN, COLS, ROWS, by_numpy, polygons_as


def run(*words, folder):
    return subprocess.run(
        [sys.executable, "-m", "had_cli", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_takes_both_files_and_the_map_tells_them(scene_file, tmp_path, cube):
    fields = polygons_as("gpkg", tmp_path)
    holes = np.zeros((ROWS, COLS), np.uint8)
    holes[5:7, 8:12] = 1
    np.save(tmp_path / "holes.npy", holes)
    words = ["detect", "-m", "grx", "--background", fields, "--background-exclude", "holes.npy", "scene.tif"]
    done = run(*words, "--json", "-o", "map.tif", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)["facts"]
    assert facts["background"] == "fields.gpkg without holes.npy"
    assert facts["background_pixels"] == CHOSEN.sum() - 8
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert json.loads(raster.tags()["had_facts"])["background_pixels"] == CHOSEN.sum() - 8
        x, _, inverse = by_numpy(cube, CHOSEN & (holes == 0))
        np.testing.assert_allclose(raster.read(1), np.einsum("rci,ij,rcj->rc", x, inverse, x), rtol=1e-4)


def test_another_method_is_wrong_usage_and_the_files_are_not_replaced(scene_file, tmp_path):
    fields = polygons_as("geojson", tmp_path)
    done = run("detect", "-m", "ssf", "--background", fields, "scene.tif", "-o", "map.tif", folder=tmp_path)
    assert done.returncode == 2
    assert "these do: ferd, fers, grx" in done.stderr
    assert not (tmp_path / "map.tif").exists()
    mask = polygons_as("tif", tmp_path)
    before = mask.read_bytes()
    for option in ("--background", "--background-exclude"):
        done = run(
            "detect", "-m", "grx", option, mask, "scene.tif", "-o", mask, "--overwrite", folder=tmp_path
        )
        assert done.returncode == 1
        assert "background itself" in done.stderr
        assert mask.read_bytes() == before
