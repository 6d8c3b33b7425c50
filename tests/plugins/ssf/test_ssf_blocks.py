"""The result does not depend on the cut of the scene, the number of threads, or the memory."""

from __future__ import annotations

import numpy as np
import pytest
from ssf_runs import maps_of, scores_of, textured, with_holes

from had_cli.scenes.scene import Scene
from had_ssf import detector, fusion, opening


@pytest.fixture(scope="module")
def holed():
    return with_holes(textured(101, 97))[0]


@pytest.fixture(scope="module")
def whole(holed):
    return scores_of(holed)


@pytest.mark.parametrize("block_pixels", [1, 8200, 9500])
def test_streamed_equals_in_memory(holed, whole, block_pixels):
    streamed = scores_of(holed, stream=True, block_pixels=block_pixels)
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


def test_maps_have_no_seams(holed):
    in_memory = maps_of(holed)
    streamed = maps_of(holed, stream=True, block_pixels=1)
    np.testing.assert_allclose(streamed, in_memory, rtol=3e-7)


def test_threads_change_no_bit(holed, whole, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = scores_of(holed, block_pixels=8200)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert scores_of(holed, block_pixels=8200).tobytes() == alone.tobytes()


def test_maps_in_scratch_files_give_the_same(holed, whole):
    np.testing.assert_allclose(scores_of(holed, stream=True, memory=100_000), whole, atol=1e-4)


def test_the_opening_is_put_together_across_strips(holed, whole, monkeypatch):
    monkeypatch.setattr(opening, "AT_ONCE", 0)
    for rows in (9, 50):
        monkeypatch.setattr(opening, "STRIP", rows * 97)
        np.testing.assert_array_equal(scores_of(holed), whole)


def test_counted_ranks_are_near_the_exact_ones(holed, whole, monkeypatch):
    monkeypatch.setattr(fusion, "EXACT", 100)
    monkeypatch.setattr(opening, "EXACT", 100)
    counted = scores_of(holed)
    known = np.isfinite(whole)
    error = np.abs(counted - whole)[known]
    assert np.median(error) < 0.003
    assert np.quantile(error, 0.99) < 0.07
    top = np.argsort(whole[known])[-100:]
    assert len(np.intersect1d(top, np.argsort(counted[known])[-100:])) >= 95


def test_a_wide_scene_is_cut_into_columns():
    scene = Scene.from_array(textured(40, 400, bands=5))
    np.testing.assert_allclose(scores_of(scene, stream=True, block_pixels=8200), scores_of(scene), atol=1e-4)
    assert detector.ALIGN < 40
