"""One description, two engines: in memory and streamed give the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from had_cli.engine import derived, statistics
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import Deflation, GlobalExtrema, Joint, SecondMoments, principal_components
from had_cli.errors import HadError, OutputError, SceneError
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window


def cube_with_holes(rows=37, cols=23, bands=6, seed=0):
    rng = np.random.default_rng(seed)
    cube = rng.normal(100, 5, (rows, cols, bands)).astype(np.float32)
    cube[3:9, 5:11, 2] = np.nan
    cube[20, 7, 0] = np.inf
    cube[-1, :, :] = -9999
    return cube


def scene_with_holes(**kwargs):
    return Scene.from_array(cube_with_holes(**kwargs), nodata=-9999.0)


def valid_of(scene):
    return np.isfinite(scene.read()).all(axis=-1)


class BandSum:
    """The sum over bands."""

    def __call__(self, block):
        return block.xp.sum(block.core_of(block.cube), axis=-1)


@dataclass(frozen=True)
class WindowSum:
    """The sum of the valid pixels' first band in a square window: needs a halo."""

    radius: int

    def __call__(self, block):
        first = np.where(block.valid, block.cube[..., 0], 0)
        padded = np.pad(first, self.radius)
        rows, cols = first.shape
        side = 2 * self.radius + 1
        return block.core_of(
            sum(padded[r : r + rows, c : c + cols] for r in range(side) for c in range(side))
        )


class Origins:
    """Where the block's core begins, and what part of the scene came along."""

    def __call__(self, block):
        row, col = block.window.row + block.core.row, block.window.col + block.core.col
        shape = (block.core.height, block.core.width)
        return np.stack([np.full(shape, row), np.full(shape, col)], axis=-1)


ENGINES = [{"stream": False}, *({"stream": True, "block_pixels": n} for n in (1, 17, 100, 10_000))]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_reductions_see_the_valid_pixels_and_no_other(engine):
    scene = scene_with_holes()
    pixels = scene.read()[valid_of(scene)].astype(np.float64)
    with Executor(scene, **engine) as run:
        moments, extrema = run.reduce(Joint((SecondMoments(), GlobalExtrema())))
    assert moments.count == len(pixels)
    np.testing.assert_allclose(moments.mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(pixels, rowvar=False), rtol=1e-9)
    assert extrema == (pixels.min(), pixels.max())


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_maps_are_nan_at_invalid_pixels_and_right_elsewhere(engine):
    scene = scene_with_holes()
    with Executor(scene, **engine) as run:
        scores = run.map(BandSum())
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(scores), valid_of(scene))
    np.testing.assert_allclose(scores[valid_of(scene)], scene.read()[valid_of(scene)].sum(axis=-1), rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
@pytest.mark.parametrize("radius", [1, 4])
def test_a_halo_makes_blocks_agree_with_the_whole(engine, radius):
    scene = scene_with_holes()
    with Executor(scene) as run:
        whole = run.map(WindowSum(radius), halo=radius)
    with Executor(scene, **engine) as run:
        np.testing.assert_array_equal(run.map(WindowSum(radius), halo=radius), whole)


def test_cores_begin_at_multiples_and_results_lie_where_they_belong():
    scene = Scene.from_array(np.ones((37, 23, 3), np.float32))
    with Executor(scene, stream=True, block_pixels=60) as run:
        origins = run.map(Origins(), layers=2, halo=5, align=5)
    assert (origins % 5 == 0).all()
    rows, cols = np.indices((37, 23))
    assert (origins[..., 0] <= rows).all()
    assert (rows - origins[..., 0] < 40).all()
    assert (origins[..., 1] <= cols).all()


class SumOfWindowSums:
    """A statistic of what a map with a halo makes of valid pixels."""

    def compute(self, block):
        values = WindowSum(2)(block)[block.core_of(block.valid)]
        return len(values), float(values.astype(np.float64).sum())

    def merge(self, first, second):
        return first[0] + second[0], first[1] + second[1]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
@pytest.mark.parametrize("align", [1, 8])
def test_a_statistic_of_pixels_and_their_surroundings(engine, align):
    scene = scene_with_holes()
    with Executor(scene) as run:
        sums = run.map(WindowSum(2), halo=2)
    with Executor(scene, **engine) as run:
        count, total = run.reduce_blocks(SumOfWindowSums(), halo=2, align=align)
    assert count == np.count_nonzero(valid_of(scene))
    np.testing.assert_allclose(total, np.nansum(sums, dtype=np.float64), rtol=1e-9)


def test_blocks_without_valid_pixels_are_in_no_statistic():
    cube = np.ones((20, 6, 3), np.float32)
    cube[:12] = np.nan
    with Executor(Scene.from_array(cube), stream=True, block_pixels=24) as run:
        assert run.reduce_blocks(SumOfWindowSums())[0] == 8 * 6
    with pytest.raises(SceneError, match="no valid pixel"), Executor(Scene.from_array(cube[:12])) as run:
        run.reduce_blocks(SumOfWindowSums())


def test_room_for_results_lies_on_disk_where_memory_is_short():
    scene = scene_with_holes()
    with Executor(scene, stream=True, memory=2000) as run:
        assert isinstance(run.allocate((37, 23)), np.memmap)
        assert not isinstance(run.allocate((5, 5)), np.memmap)


def test_results_are_held_within_the_memory_allowed_where_the_disk_is_full(monkeypatch):
    scene = scene_with_holes()
    asked = []
    monkeypatch.setattr("had_cli.engine.results.free_on_disk", lambda: asked.append(1) or 4000)
    with Executor(scene, stream=True, memory=20_000, results=1000) as run:
        run.allocate((10, 10))
    assert not asked  # which makes a file for a moment, to see where one can be made
    with Executor(scene, stream=True, memory=20_000, results=1000) as run:
        small, large = run.allocate((10, 30)), run.allocate((40, 40))
        assert isinstance(small, np.memmap)
        assert not isinstance(large, np.memmap)
        with pytest.raises(OutputError, match="set TMPDIR to another folder"):
            run.allocate((40, 40))


def test_results_on_disk_are_as_they_were_after_others_have_been_made():
    with Executor(scene_with_holes(), stream=True, memory=2000) as run:
        first = run.allocate((50, 50))
        first[...] = values = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
        second = run.allocate((50, 50))
        second[...] = 7
        np.testing.assert_array_equal(first, values)
        first[3] = 1
        run.allocate((50, 50))
        assert (first[3] == 1).all()
        assert (second == 7).all()


def test_results_share_the_memory_with_those_that_are_still_there():
    with Executor(scene_with_holes(), stream=True, memory=2000) as run:
        first, second = run.allocate((10, 15)), run.allocate((10, 10))
        assert not any(isinstance(array, np.memmap) for array in (first, second))
        assert isinstance(run.allocate((10, 1)), np.memmap)  # 600 + 400 bytes are half of the memory
        part = first[:2]
        del first
        assert isinstance(run.allocate((10, 1)), np.memmap)  # a part keeps the whole
        del part
        assert not isinstance(run.allocate((10, 1)), np.memmap)
    with Executor(scene_with_holes(), memory=2000) as run:
        assert not isinstance(run.allocate((37, 23)), np.memmap)


def test_features_are_made_in_squares_of_a_grid(monkeypatch):
    monkeypatch.setattr(derived, "CELL", 16)
    scene, seen = scene_with_holes(), []

    def doubled(block):
        seen.append(block.window.height)
        return block.core_of(block.cube) * 2

    with Executor(scene, stream=True) as run:
        found = run.through(doubled, bands=scene.shape[2]).scene.read()
    np.testing.assert_array_equal(found[valid_of(scene)], scene.read()[valid_of(scene)] * 2)
    assert max(seen) == 16


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_a_run_looks_through_a_block_map(engine):
    scene = scene_with_holes()
    with Executor(scene) as run:
        features = run.map(WindowSum(2), halo=2)
    with Executor(scene, **engine) as run:
        derived = run.through(WindowSum(2), bands=1, halo=2)
        assert derived.scene.shape == (37, 23, 1)
        np.testing.assert_array_equal(derived.map(BandSum()), features)
        assert derived.reduce(GlobalExtrema()).high == np.nanmax(features)


def test_features_that_are_not_kept_are_computed_once_for_the_moments(monkeypatch):
    monkeypatch.setattr(statistics, "SMALL", 0)
    scene, seen = scene_with_holes(rows=90, cols=70), []

    def same(block):
        cube = block.core_of(block.cube)
        seen.append(cube.shape[0] * cube.shape[1])
        return cube

    with Executor(scene, stream=True, block_pixels=900) as run:
        derived = run.through(same, bands=6)
        moments, _ = statistics.scene_moments(derived)
        assert sum(seen) == 90 * 70
        expected, _ = statistics.scene_moments(run)
    np.testing.assert_allclose(moments.covariance, expected.covariance, atol=1e-5)


def test_a_large_result_is_kept_on_disk():
    scene = Scene.from_array(np.ones((300, 200, 2), np.float32))
    with Executor(scene, stream=True, memory=200_000) as run:
        scores = run.map(BandSum())
    assert isinstance(scores, np.memmap)
    assert (scores == 2).all()


def test_a_sample_is_spread_over_the_scene_and_holds_valid_pixels_only():
    scene = scene_with_holes(rows=400, cols=300)
    with Executor(scene, stream=True) as run:
        sample = run.sample(2000)
    assert 1000 <= len(sample) <= 4000
    assert np.isfinite(sample).all()
    assert abs(sample.mean() - 100) < 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_scene_without_valid_pixels_is_refused(stream):
    scene = Scene.from_array(np.full((5, 6, 7), np.nan, np.float32))
    with Executor(scene, stream=stream) as run, pytest.raises(SceneError, match="no valid pixel"):
        run.reduce(GlobalExtrema())


def test_a_map_of_the_wrong_shape_is_told():
    class Wrong:
        def __call__(self, block):
            return np.zeros((1, 1))

    with Executor(scene_with_holes()) as run, pytest.raises(HadError, match="Wrong returned 1 x 1 values"):
        run.map(Wrong())


def test_progress_ends_at_one_for_each_pass():
    seen = []
    with Executor(
        scene_with_holes(), stream=True, block_pixels=50, progress=lambda *a: seen.append(a)
    ) as run:
        run.reduce(GlobalExtrema(), "statistics")
        run.map(BandSum(), label="scores")
    assert seen[0] == ("statistics", 0.0)
    assert ("statistics", 1.0) in seen
    assert seen[-1] == ("scores", 1.0)
    assert [f for label, f in seen if label == "scores"] == sorted(
        f for label, f in seen if label == "scores"
    )


@pytest.mark.parametrize("leading", [0, 2, 9])
def test_a_deflation_can_be_undone(leading):
    rng = np.random.default_rng(3)
    pixels = (rng.normal(size=(4000, 10)) @ rng.normal(size=(10, 10)) * 50 + 1000).astype(np.float32)
    deflation = Deflation.of(*principal_components(pixels[::10]), leading)
    moments = deflation.undo(SecondMoments(deflation).compute(pixels, np))
    np.testing.assert_allclose(moments.mean, pixels.astype(float).mean(axis=0), rtol=1e-6)
    expected = np.cov(pixels.astype(float), rowvar=False)
    np.testing.assert_allclose(moments.covariance, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_a_deflation_takes_as_few_components_as_the_pixels_need():
    rng = np.random.default_rng(5)
    few = rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 20)) * 300 + rng.normal(size=(4000, 20)) + 1000
    deflation = Deflation.enough(few.astype(np.float32), 1e-6)
    assert deflation is not None
    assert deflation.v.shape == (20, 3)
    # a band that is the sum of two others but for the rounding of what is read: no number of them will do
    alike = few.copy()
    alike[:, 0] = alike[:, 1] + alike[:, 2]
    assert Deflation.enough(alike.astype(np.float32), 1e-6) is None


def test_window_order_is_that_of_gdal():
    assert Window(col=1, row=2, width=3, height=4)[:2] == (1, 2)
