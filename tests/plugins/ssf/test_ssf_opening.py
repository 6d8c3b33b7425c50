"""The area opening at levels, by strips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from ssf_literal import opening as literal

from had_ssf import opening


def taken_back(fused, share=1.0):
    result = fused.astype(np.float32)
    opening.take_back(result, share, opening.AREA)
    return result


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30), st.booleans())
def test_strips_of_any_height_give_what_the_definition_gives(seed, height, holes):
    rng = np.random.default_rng(seed)
    fused = ndimage.gaussian_filter(rng.random((47, 53)), rng.choice([1, 2, 4])).astype(np.float32)
    valid = rng.random(fused.shape) > (0.1 if holes else -1)
    fused[~valid] = np.nan
    expected = np.where(valid, fused - literal(fused.astype(np.float64), valid), np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "AT_ONCE", 0)
        patch.setattr(opening, "STRIP", height * 53)
        np.testing.assert_allclose(taken_back(fused), expected, atol=1e-6)


def test_what_is_large_is_taken_back_and_what_is_small_stays():
    fused = np.random.default_rng(0).random((80, 80))
    fused[10:30, 10:25] = 9  # 300 pixels
    fused[50:63, 40:63] = 9  # 299, with a corner missing
    fused[50, 40] = 0
    left = taken_back(fused)
    assert (left[10:30, 10:25] < 0.5).all()
    assert (left[51:63, 41:63] > 7).all() or (left[51:63, 41:63] < 0.5).all()


def test_one_pixel_fewer_than_large_is_small():
    for pixels, large in ((300, True), (299, False)):
        fused = np.zeros((60, 60), np.float32)
        fused.reshape(-1)[: 60 * 20] = np.linspace(0, 0.5, 1200)
        block = np.zeros(300, bool)
        block[:pixels] = True
        fused[35:50, 20:40][block.reshape(15, 20)] = 9
        assert (taken_back(fused)[35, 20:40] < 1).all() == large


def test_corners_connect():
    fused = np.zeros((60, 60), np.float32)
    fused[:10] = np.linspace(0, 0.5, 600).reshape(10, 60)
    fused[20:30, 20:35] = 9
    fused[30:40, 35:50] = 9  # touches at a corner only
    assert (taken_back(fused)[20:30, 20:35] < 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (17, 17), (500, 1)], ids=str)
def test_small_maps_and_constant_ones(shape):
    fused = np.full(shape, 2.5, np.float32)
    np.testing.assert_array_equal(taken_back(fused), 0)  # nothing is above the lowest level
