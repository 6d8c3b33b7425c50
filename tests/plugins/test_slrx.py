"""SLRX computes the definition, whatever the cut of the scene."""

from __future__ import annotations

import numpy as np
import pytest

import had_cli
from had_cli.engine.executor import Executor
from had_cli.scenes.scene import Scene
from had_slrx.detector import detect, product_of_scaled
from had_slrx.distances import LocalDistances


def literal(cube, valid, size):
    """Return SLRX by its definition, one set of background pixels after the other."""
    x = cube.astype(np.float32)
    low, high = x[valid].min(), x[valid].max()
    x = ((x - low) / (high - low)).astype(np.float64)
    rows, cols, bands = x.shape
    maps = np.full((3, rows, cols), np.nan)

    def statistics(pixels):
        return pixels.mean(axis=0), np.linalg.inv(np.cov(pixels, rowvar=False) + 1e-6 * np.eye(bands))

    def pixels_of(row, col):
        part = slice(row, row + size), slice(col, col + size)
        return x[part][valid[part]]

    everything = statistics(x[valid])
    for row in range(0, rows, size):
        for col in range(0, cols, size):
            around = [
                pixels_of(r, c)
                for r in (row - size, row, row + size)
                for c in (col - size, col, col + size)
                if 0 <= r < rows and 0 <= c < cols and (r, c) != (row, col)
            ]
            around = np.concatenate(around) if around else np.empty((0, bands))
            near = statistics(around) if len(around) > 1 else everything
            own = statistics(pixels_of(row, col)) if len(pixels_of(row, col)) > 1 else near
            for layer, (mean, inverse) in enumerate((own, near, everything)):
                for r in range(row, min(row + size, rows)):
                    for c in range(col, min(col + size, cols)):
                        if valid[r, c]:
                            d = x[r, c] - mean
                            maps[layer, r, c] = np.sqrt(d @ inverse @ d)
    low, high = (f(maps, axis=(1, 2), keepdims=True) for f in (np.nanmin, np.nanmax))
    return np.prod((maps - low) / (high - low), axis=0)


def cube_of(rows, cols, bands, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.normal(size=(rows, cols, 3)), axis=1)
    return (smooth @ rng.normal(size=(3, bands)) + 0.3 * rng.normal(size=(rows, cols, bands))).astype(
        np.float32
    )


@pytest.mark.parametrize(
    ("name", "cube", "size"), [("slrx", ("rx", 60, 50, 40), 4), ("slrx_odd", ("rx-odd", 47, 53, 30), 5)]
)
def test_golden_vectors(shared, golden_cube, name, cube, size):
    expected = np.load(shared / "vectors" / f"{name}.npz")["scores"]
    scores = had_cli.detect(golden_cube(*cube), "slrx", block_size=size).scores
    assert np.abs(scores - expected).max() <= 3e-3
    assert np.linalg.norm(scores - expected) <= 2e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("rows", "cols", "bands", "size"),
    [(24, 24, 10, 4), (23, 26, 10, 4), (17, 9, 30, 3), (5, 40, 6, 8), (8, 8, 5, 8), (21, 13, 4, 4)],
)
def test_the_definition_pixel_by_pixel(rows, cols, bands, size):
    cube = cube_of(rows, cols, bands)
    valid = np.ones((rows, cols), bool)
    np.testing.assert_allclose(
        had_cli.detect(cube, "slrx", block_size=size).scores, literal(cube, valid, size), atol=1e-5
    )


def test_nodata_counts_in_no_set_and_lonely_pixels_borrow_statistics():
    cube = cube_of(21, 22, 8)
    valid = np.ones((21, 22), bool)
    valid[3:9, 2:11] = False
    valid[12:16, 12:16] = False
    valid[13, 14] = True  # one valid pixel in its block: no covariance of its own
    cube[~valid] = -9999
    found = had_cli.detect(Scene.from_array(cube, nodata=-9999.0), "slrx", block_size=4)
    np.testing.assert_array_equal(np.isfinite(found.scores), valid)
    np.testing.assert_allclose(found.scores[valid], literal(cube, valid, 4)[valid], atol=1e-5)


@pytest.mark.parametrize("block_pixels", [1, 100, 333, 5000])
def test_streamed_equals_in_memory(block_pixels):
    from types import SimpleNamespace

    cube = cube_of(53, 47, 20)
    cube[10:14, 30:37] = np.nan
    params = SimpleNamespace(block_size=5)
    with Executor(Scene.from_array(cube)) as run:
        whole = detect(run, params)
    with Executor(Scene.from_array(cube), stream=True, block_pixels=block_pixels) as run:
        np.testing.assert_allclose(detect(run, params), whole, rtol=1e-5, atol=1e-8)


def test_the_default_block_size_is_the_published_one():
    assert had_cli.detect(cube_of(30, 30, 60), "slrx").facts["block_size"] == 2
    assert had_cli.detect(cube_of(30, 30, 200), "slrx").facts["block_size"] == 8


def test_small_and_large_systems_give_the_same_distance(monkeypatch):
    # a block of 16 pixels with 15 or 17 bands takes either way; both are checked against the definition
    for bands in (15, 17):
        cube = cube_of(12, 12, bands)
        np.testing.assert_allclose(
            had_cli.detect(cube, "slrx", block_size=4).scores,
            literal(cube, np.ones((12, 12), bool), 4),
            atol=1e-5,
        )


def test_a_constant_scene_scores_zero_with_a_warning():
    found = had_cli.detect(np.full((12, 12, 5), 2.0), "slrx", block_size=4)
    assert (found.scores == 0).all()
    assert any("the same" in line for line in found.warnings)


def test_scaling_leaves_invalid_pixels_out():
    layers = np.array([[[1, 2, 3], [3, 2, 5], [np.nan] * 3]], np.float32)
    np.testing.assert_array_equal(product_of_scaled(layers), np.array([[0, 0, np.nan]], np.float32))


@pytest.mark.parametrize(("size", "bands"), [(4, 20), (4, 9)])
def test_a_gpu_is_given_another_text_for_the_same_distances(size, bands):
    import array_api_compat.torch as xp

    from had_cli.engine.reductions import Extrema, SecondMoments
    from had_cli.engine.run import Block
    from had_cli.scenes.source import Window
    from had_slrx.detector import scene_statistics

    cube = cube_of(22, 27, bands)
    valid = np.random.default_rng(1).random((22, 27)) > 0.1
    cube[~valid] = np.nan
    extrema = Extrema(float(cube[valid].min()), float(cube[valid].max()))
    statistics = scene_statistics(SecondMoments().compute(cube[valid], np), extrema)
    function = LocalDistances(size, extrema, statistics)
    whole = Window(0, 0, 27, 22)
    there = function(Block(cube, valid, whole, Window(4, 4, 16, 12), np))
    here = function(Block(xp.asarray(cube), xp.asarray(valid), whole, Window(4, 4, 16, 12), xp))
    inner = valid[4:16, 4:20]
    np.testing.assert_allclose(there[inner], np.asarray(here)[inner], rtol=1e-5, atol=1e-6)


def test_single_precision_is_taken_on_large_scenes_where_it_loses_nothing():
    from had_cli.engine.reductions import Extrema, SecondMoments
    from had_slrx.detector import scene_statistics

    pixels = cube_of(40, 100, 30).reshape(-1, 30)
    moments, extrema = SecondMoments().compute(pixels, np), Extrema(pixels.min(), pixels.max())
    assert scene_statistics(moments, extrema, small=False).precision == "float32"
    assert scene_statistics(moments, extrema, small=True).precision == "float64"
    alike = np.repeat(np.random.default_rng(0).random((4000, 1)), 30, axis=1)  # all variance in one direction
    moments = SecondMoments().compute(alike.astype(np.float32), np)
    assert scene_statistics(moments, Extrema(0.0, 1.0), small=False).precision == "float64"


def test_the_map_can_be_sent_to_a_worker():
    import pickle

    from had_cli.engine.reductions import Extrema
    from had_slrx.triangles import Scene as Statistics

    function = LocalDistances(4, Extrema(0.0, 1.0), Statistics(np.zeros(3), np.eye(3)))
    assert pickle.loads(pickle.dumps(function)).size == 4
