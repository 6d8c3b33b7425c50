"""The synthetic scene is what the demo says it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from had_cli.scenes.synthetic import NODATA, SCALE, synthesise


@pytest.fixture(scope="module")
def scene():
    return synthesise(seed=3)


def test_the_same_seed_gives_the_same_pixels(scene):
    again = synthesise(seed=3)
    assert np.array_equal(scene.stored, again.stored)
    assert np.array_equal(scene.truth, again.truth)
    assert not np.array_equal(scene.stored, synthesise(seed=4).stored)


def test_it_has_the_size_asked_for():
    small = synthesise(50, 70, 30, objects=4)
    assert small.stored.shape == (50, 70, 30)
    assert small.wavelengths.shape == small.fwhm.shape == small.bad_bands.shape == (30,)


def test_every_object_is_small_and_stands_alone(scene):
    groups, count = label(scene.truth, structure=np.ones((3, 3)))
    assert count == 15
    assert max(np.bincount(groups.ravel())[1:]) <= 6


def test_objects_lie_within_the_flight_line_whose_corners_hold_no_data(scene):
    outside = scene.stored == NODATA
    assert np.array_equal(outside.all(axis=-1), outside.any(axis=-1))
    assert outside[0, 0].all()
    assert outside[-1, -1].all()
    assert 0.02 < outside[..., 0].mean() < 0.2
    assert not (scene.truth & outside[..., 0]).any()


def test_bands_in_water_vapour_are_bad_and_noisy(scene):
    assert scene.bad_bands[np.abs(scene.wavelengths - 1390) < 30].all()
    assert scene.bad_bands[np.abs(scene.wavelengths - 1880) < 40].all()
    assert not scene.bad_bands[scene.wavelengths < 1300].any()
    valid = scene.stored[(scene.stored != NODATA).all(axis=-1)] * SCALE
    roughness = np.abs(np.diff(valid, n=2, axis=0)).mean(axis=0)
    assert roughness[scene.bad_bands].mean() > 2 * roughness[~scene.bad_bands].mean()


def test_reflectances_are_physical(scene):
    valid = scene.stored[(scene.stored != NODATA).all(axis=-1)][:, ~scene.bad_bands] * SCALE
    assert 0.05 < valid.mean() < 0.5
    assert valid.max() < 1.2
