"""SSF computes its definition: the golden vectors, and pixel by pixel where some are invalid."""

from __future__ import annotations

import numpy as np
import pytest
from ssf_literal import ssf
from ssf_runs import maps_of, scores_of, textured, with_holes

import had_cli
from had_cli.scenes.scene import Scene
from had_ssf.fusion import fused
from had_ssf.opening import AREA, take_back


@pytest.fixture(scope="module")
def golden(shared):
    return dict(np.load(shared / "vectors" / "ssf.npz"))


def test_the_three_maps_are_those_of_the_golden_vectors(golden):
    maps = maps_of(Scene.from_array(golden["cube"]))
    for layer, name in enumerate(("th", "rcf", "near")):
        np.testing.assert_allclose(maps[..., layer], golden[name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(maps[..., 1], golden["rcf_double"], rtol=1e-5)


def test_sum_and_score_are_those_of_the_golden_maps(golden):
    layers = np.stack([golden[name] for name in ("th", "rcf", "near")], axis=-1)
    total = np.empty(layers.shape[:2], np.float32)
    assert fused(layers, total)
    np.testing.assert_allclose(total, golden["fused"], atol=1e-4)
    take_back(total, 0.7, AREA)
    np.testing.assert_allclose(total, golden["score"], atol=1e-4)


def test_the_score_is_that_of_the_golden_vectors_but_for_neighbours_in_rank(golden):
    # rcf of the vectors is in single precision: two of its pixels change places with their neighbours
    scores = had_cli.detect(golden["cube"], "ssf").scores
    error = np.abs(scores - golden["score"])
    assert np.count_nonzero(error > 1e-4) <= 10
    assert error.max() < 2e-3


@pytest.mark.parametrize("rows_cols_bands", [(45, 52, 24), (30, 61, 6), (26, 26, 40)], ids=str)
def test_invalid_pixels_are_no_part_of_erosion_ring_rank_or_statistics(rows_cols_bands):
    scene, valid = with_holes(textured(*rows_cols_bands))
    cube = np.array(scene.read())
    expected, maps = ssf(cube, valid)
    found = maps_of(scene)
    for layer, part in enumerate(maps):
        np.testing.assert_allclose(found[valid, layer], part[valid], rtol=2e-5, atol=1e-6)
    scores = scores_of(scene)
    np.testing.assert_array_equal(np.isfinite(scores), valid)
    # log-ranks of pixels that are neighbours in rank may change places by rounding
    error = np.abs(scores - expected)[valid]
    assert np.median(error) < 1e-5
    assert np.count_nonzero(error > 1e-3) <= 4


def test_the_seed_chooses_the_random_features_only():
    scene = Scene.from_array(textured(30, 31))
    first, second = maps_of(scene, seed=0), maps_of(scene, seed=5)
    np.testing.assert_array_equal(first[..., [0, 2]], second[..., [0, 2]])
    assert not np.allclose(first[..., 1], second[..., 1])


def test_draws_are_numbered_from_the_seed():
    # seeds 0 and 1 share two of their three draws
    cube = textured(30, 31)
    valid = np.ones((30, 31), bool)
    found = maps_of(Scene.from_array(cube), seed=1)[..., 1]
    np.testing.assert_allclose(found, ssf(cube, valid, seed=1)[1][1], rtol=1e-5, atol=1e-6)
