"""What the network sees of a scene does not depend on what it need not know."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid, resampling
from had_tdd.normalising import Normalisation, Statistics, groups, of_scaled, of_scene, scaling


def seen(cube, normalisation, bands=None):
    spectra = resampling(BandGrid(cube.shape[-1]), BandGrid(bands or cube.shape[-1]))
    known = Statistics(spectra).compute(cube.reshape(-1, cube.shape[-1]), np)
    return normalisation.features(of_scene(normalisation, spectra, known)(torch.from_numpy(cube))).numpy()


@pytest.fixture
def cube():
    return example_cube(30, 40, 12)[0]


def test_max_divides_every_band_by_its_maximum(cube):
    np.testing.assert_allclose(seen(cube, Normalisation("max")), cube / cube.max(axis=(0, 1)), rtol=1e-5)


def test_a_band_without_positive_values_is_left_as_it_is_by_max(cube):
    cube[..., 3] = -cube[..., 3]
    cube[..., 5] = 0
    found = seen(cube, Normalisation("max"))
    np.testing.assert_allclose(found[..., 3], cube[..., 3], rtol=1e-5)
    assert not found[..., 5].any()


def test_among_the_whitened_channels_is_the_mahalanobis_distance_on_a_logarithmic_scale(cube):
    last = seen(cube, Normalisation("whiten", 12))[..., 12 + len(groups(12))]
    pixels = cube.reshape(-1, 12).astype(np.float64)
    deviations = pixels - pixels.mean(axis=0)
    covariance = np.cov(deviations, rowvar=False)
    covariance += 1e-6 * np.trace(covariance) * np.eye(12)
    distances = (deviations @ np.linalg.inv(covariance) * deviations).sum(axis=1)
    np.testing.assert_allclose(np.expm1(last).ravel() * 12, distances, rtol=1e-3)


def test_whitened_energies_do_not_depend_on_units_and_offset_of_the_scene(cube):
    normalisation = Normalisation("whiten", 6)
    energies = slice(6, None)
    np.testing.assert_allclose(
        seen(3000 * cube - 500, normalisation)[..., energies],
        seen(cube, normalisation)[..., energies],
        atol=2e-3,
    )


def test_a_scene_seen_through_its_scaled_spectra_is_the_same(cube):
    for normalisation in (Normalisation("whiten", 6), Normalisation("max")):
        spectra = resampling(BandGrid(12), BandGrid(20))
        known = Statistics(spectra).compute(cube.reshape(-1, 12), np)
        scaled = (spectra(cube) / scaling(known)).astype(np.float32)
        through = of_scaled(normalisation, spectra, known)(torch.from_numpy(scaled))
        at_once = of_scene(normalisation, spectra, known)(torch.from_numpy(cube))
        torch.testing.assert_close(through, at_once, rtol=1e-3, atol=1e-3)


def test_components_that_a_scene_lacks_are_zero(cube):
    found = seen(cube[..., :3].copy(), Normalisation("whiten", 10))
    assert found.shape[-1] == Normalisation("whiten", 10).channels(3)
    assert not found[..., 3:10].any()
    assert np.isfinite(found).all()


@pytest.mark.parametrize("components", [1, 2, 3, 6, 24, 100])
def test_groups_of_components_follow_each_other_without_a_gap(components):
    found = groups(components)
    assert found[0][0] == 0
    assert found[-1][1] == components
    assert all(before[1] == after[0] for before, after in pairwise(found))


def test_the_last_whitened_channel_is_the_distance_from_the_surroundings():
    cube = np.random.default_rng(0).standard_normal((40, 40, 5)).astype(np.float32)
    cube[10:26, 10:26] += 5 * np.arange(5, dtype=np.float32)  # another material, many pixels wide
    found = seen(cube, Normalisation("whiten", 5))
    everywhere, around = found[..., 5 + len(groups(5))], found[..., -1]
    within, outside = (slice(15, 21), slice(15, 21)), (slice(0, 6), slice(None))
    assert everywhere[within].mean() > 1.2 * everywhere[outside].mean()
    assert around[within].mean() < 1.2 * around[outside].mean()
