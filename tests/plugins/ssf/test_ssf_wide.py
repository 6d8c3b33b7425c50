"""Wide targets: seen where a scene has room for some, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from ssf_runs import scores_of, textured, with_holes

from had_cli.engine.derived import averaged
from had_cli.engine.executor import Executor
from had_cli.results.metrics.evaluation import evaluate
from had_cli.scenes.scene import Scene
from had_ssf.averages import calmest
from had_ssf.robust import RobustDistance, bulk
from had_ssf.scales import ROOM, WIDEST, enlarged, has_room


def with_square(side, at=(40, 50)):
    """Return a textured cube with one half-mixed foreign square, and its truth."""
    cube = textured(100, 110)
    rng = np.random.default_rng(5)
    place = slice(at[0], at[0] + side), slice(at[1], at[1] + side)
    foreign = cube.mean(axis=(0, 1)) + 1.5 * cube.std() * rng.normal(size=cube.shape[2])
    cube[place] = 0.5 * cube[place] + 0.5 * foreign.astype(np.float32)
    truth = np.zeros(cube.shape[:2], bool)
    truth[place] = True
    return cube, truth


@pytest.mark.parametrize("side", [12, 16, 22])
def test_a_wide_foreign_square_is_found(side):
    cube, truth = with_square(side)
    scene = Scene.from_array(cube)
    assert evaluate(scores_of(scene), truth).auc > 0.93
    if side > 17:  # more than 300 pixels are taken back by the plain definition
        assert evaluate(scores_of(scene, wide=False), truth).auc < 0.9


def test_a_scene_without_room_is_scored_by_the_plain_definition():
    assert has_room(ROOM * WIDEST)
    assert not has_room(ROOM * WIDEST - 1)
    scene = Scene.from_array(textured(60, 70))
    np.testing.assert_array_equal(scores_of(scene), scores_of(scene, wide=False))


def test_no_score_falls_below_the_plain_one():
    scene, _ = with_holes(textured(90, 80))
    wide, plain = scores_of(scene), scores_of(scene, wide=False)
    np.testing.assert_array_equal(np.isnan(wide), np.isnan(plain))
    known = np.isfinite(plain)
    assert (wide[known] >= plain[known]).all()


@pytest.mark.parametrize("shape", [(8, 6), (9, 7), (1, 5)])
def test_squares_are_the_means_of_their_valid_pixels(shape):
    cube = np.random.default_rng(1).normal(size=(*shape, 3)).astype(np.float32)
    cube[:2, :2] = np.nan
    cube[-1, -1, 1] = np.nan
    found = averaged(cube, 2)
    for row in range(found.shape[0]):
        for col in range(found.shape[1]):
            part = cube[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].reshape(-1, 3)
            part = part[np.isfinite(part).all(axis=1)]
            expected = part.mean(axis=0) if len(part) else np.full(3, np.nan)
            np.testing.assert_allclose(found[row, col], expected, rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"stream": True, "block_pixels": 500}], ids=str)
def test_a_run_averaged_by_squares_is_that_of_the_averaged_cube(options):
    scene, _ = with_holes(textured(53, 41, bands=5))
    with Executor(scene, **options) as run:
        small = run.shrunk(2)
        assert small.scene.shape == (27, 21, 5)
        found = small.scene.read()
    np.testing.assert_array_equal(found, averaged(scene.read(), 2))


def test_enlarging_is_linear_between_the_centres_of_squares():
    rows, cols = np.mgrid[:20, :14]
    small = (3 * rows + 5 * cols).astype(np.float32)
    found = enlarged(small, slice(0, 39), (39, 28))
    y, x = np.mgrid[:39, :28]
    expected = 3 * np.clip((y + 0.5) / 2 - 0.5, 0, 19) + 5 * np.clip((x + 0.5) / 2 - 0.5, 0, 13)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(enlarged(small, slice(7, 15), (39, 28)), found[7:15])


def test_a_square_without_value_takes_no_part_in_enlarging():
    small = np.ones((6, 6), np.float32)
    small[2, 3] = np.nan
    found = enlarged(small, slice(0, 12), (12, 12))
    np.testing.assert_allclose(found[np.isfinite(found)], 1)


def test_a_third_of_the_scene_that_is_foreign_does_not_move_the_bulk():
    rng = np.random.default_rng(2)
    clean = rng.normal(size=(6000, 4)) * [4, 2, 1, 0.5]
    foreign = rng.normal(size=(3000, 4)) * 0.1 + [0, 0, 0, 30]
    found = bulk(np.concatenate([clean, foreign]))
    np.testing.assert_allclose(found.mean, 0, atol=0.2)
    near = np.sum(((clean - found.mean) @ found.root) ** 2, axis=1)
    far = np.sum(((foreign - found.mean) @ found.root) ** 2, axis=1)
    assert far.min() > 20 * np.median(near)


def test_the_sample_of_the_bulk_does_not_depend_on_the_blocks():
    scene, _ = with_holes(textured(61, 47, bands=6))
    member = RobustDistance(scene.shape[:2], np.ones(6))

    class Survey:
        compute, merge = staticmethod(member.measured), staticmethod(member.merged)

    found = []
    for pixels in (None, 300, 2000):
        with Executor(scene, block_pixels=pixels) as run:
            sample = run.reduce_blocks(Survey(), halo=member.halo)
        order = np.argsort(sample.place)
        found.append((sample.place[order], sample.values[order]))
    for place, values in found[1:]:
        np.testing.assert_array_equal(place, found[0][0])
        np.testing.assert_array_equal(values, found[0][1])


def test_a_pixel_takes_the_calmest_of_the_squares_it_lies_in():
    rng = np.random.default_rng(4)
    cube = rng.normal(size=(30, 34, 3)).astype(np.float32) * 0.01
    cube[:, 17:] += 5  # an edge: squares across it vary far more than those on either side
    cube[12, 5] = np.nan
    scene = Scene.from_array(cube)

    class Shown:
        def __call__(self, block):
            return calmest(block, lambda averaged: averaged[..., 0], np.ones(3))

    for options in ({}, {"stream": True, "block_pixels": 90}):
        with Executor(scene, **options) as run:
            found = run.map(Shown(), halo=4)
        np.testing.assert_allclose(found[:, :17][np.isfinite(found[:, :17])], 0, atol=0.05)
        np.testing.assert_allclose(found[:, 17:], 5, atol=0.05)
        assert np.isnan(found[12, 5])
