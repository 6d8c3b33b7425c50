"""A scene read block by block gives the map of the scene read whole, to a relative 1e-5."""

from types import SimpleNamespace

import generate
import numpy as np
import pytest

import had_grx.detector
import had_slrx.detector
import had_ssf.detector
from had_cli.engine.executor import Executor
from had_cli.scenes.open import open_scene, open_scores

ROWS, COLS, BANDS, NODATA = 61, 53, 9, -9999


def holed():
    """Return correlated bands with a wedge, a band-wise hole and a lone pixel of nodata."""
    rng = np.random.default_rng(11)
    cube = 3000 + np.cumsum(rng.normal(0, 200, (ROWS, COLS, BANDS)), axis=2)
    cube[30, 40] += 1500
    cube = np.round(cube).astype("i2")
    rows, cols = np.mgrid[:ROWS, :COLS]
    cube[rows + cols < 25] = NODATA
    cube[50:54, 20:29, 3] = NODATA  # invalid in one band is invalid
    cube[10, 45] = NODATA
    return cube


CUBE = holed()
INVALID = (CUBE == NODATA).any(axis=2)
FILES = {
    "bip": lambda folder: generate.write_envi(folder / "s.hdr", CUBE, "bip", data_ignore_value=NODATA),
    "bil": lambda folder: generate.write_envi(folder / "s.hdr", CUBE, "bil", data_ignore_value=NODATA),
    "bsq-big": lambda folder: generate.write_envi(
        folder / "s.hdr", CUBE, "bsq", ">", data_ignore_value=NODATA
    ),
    "geotiff-tiled-pixel": lambda folder: generate.write_geotiff(
        folder / "s.tif", CUBE, "pixel", tiled=True, nodata=NODATA
    ),
    "geotiff-tiled-band": lambda folder: generate.write_geotiff(
        folder / "s.tif", CUBE, "band", tiled=True, nodata=NODATA
    ),
    "geotiff-striped": lambda folder: generate.write_geotiff(folder / "s.tif", CUBE, "band", nodata=NODATA),
    "npy-nan-fortran": lambda folder: generate.write_npy(
        folder / "s.npy", np.where(CUBE == NODATA, np.nan, CUBE).astype("f4"), fortran=True
    ),
}


@pytest.fixture(params=FILES)
def path(request, tmp_path):
    return FILES[request.param](tmp_path)


@pytest.mark.parametrize("method", ["grx", "slrx"])
@pytest.mark.parametrize("memory", ["1B", "30KB", "400KB"])
def test_on_the_command_line(had, path, method, memory):
    assert had("detect", "-m", method, path, "-o", "whole.npy", "--engine", "memory").status == 0
    ended = had(
        "detect",
        "-m",
        method,
        path,
        "-o",
        "streamed.npy",
        "--engine",
        "stream",
        "--memory",
        memory,
        "--verbose",
    )
    assert ended.status == 0
    assert "engine: stream" in ended.err
    whole, streamed = open_scores("whole.npy")[0], open_scores("streamed.npy")[0]
    np.testing.assert_array_equal(np.isnan(whole), INVALID)
    np.testing.assert_allclose(streamed, whole, rtol=1e-5)
    if method == "grx":
        assert np.nanargmax(streamed) == 30 * COLS + 40


METHODS = {
    "grx": (
        had_grx.detector.detect,
        SimpleNamespace(shrinkage="ledoit-wolf", shrinkage_weight=1e-3, components=None, algorithm="rxd"),
    ),
    "slrx": (had_slrx.detector.detect, SimpleNamespace(block_size=3)),
    "ssf": (had_ssf.detector.detect, SimpleNamespace(save_parts=None, wide=True)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pixels", [7, 150, 997])
def test_with_blocks_that_do_not_divide_the_scene(path, method, pixels):
    function, params = METHODS[method]
    with open_scene(path) as scene, Executor(scene) as run:
        whole = function(run, params)
    with open_scene(path) as scene, Executor(scene, stream=True, block_pixels=pixels) as run:
        np.testing.assert_allclose(function(run, params), whole, rtol=1e-5)


def test_a_window_of_some_bands_under_a_mask(had, path, tmp_path):
    mask = np.random.default_rng(5).random((ROWS, COLS)) > 0.2
    np.save(tmp_path / "mask.npy", mask)
    selection = ["--window", 5, 4, 41, 50, "--bands", "1-4,7,9", "--mask", tmp_path / "mask.npy"]
    for engine in ("memory", "stream"):
        words = ["--engine", engine, "--memory", "9KB", *selection]
        assert had("detect", "-m", "slrx", path, "-o", f"{engine}.npy", *words).status == 0
    whole = open_scores("memory.npy")[0]
    np.testing.assert_allclose(open_scores("stream.npy")[0], whole, rtol=1e-5)
    invalid = (CUBE[..., [0, 1, 2, 3, 6, 8]] == NODATA).any(axis=2) | ~mask
    np.testing.assert_array_equal(np.isnan(whole), invalid[4:54, 5:46])


def test_results_that_the_disk_cannot_hold_are_refused_before_work_begins(path, monkeypatch):
    from had_cli.errors import OutputError

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    with (
        open_scene(path) as scene,
        Executor(scene, stream=True, memory=1000) as run,
        pytest.raises(OutputError, match=r"results take .* set TMPDIR to another folder"),
    ):
        run.map(lambda block: block.core_of(block.cube)[..., 0])
