"""GRX computes the definition: vectors, closed forms, peers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import had_cli
from had_cli.engine import statistics
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import Deflation, SecondMoments
from had_cli.errors import SceneError
from had_cli.scenes.scene import Scene
from had_grx.detector import detect
from had_grx.whitening import whitening

PLAIN = SimpleNamespace(shrinkage="none", shrinkage_weight=1e-3, components=None, algorithm="rxd")


def literal(cube):
    """Return the Mahalanobis distances of all pixels, by the text-book formula."""
    x = cube.reshape(-1, cube.shape[-1]).astype(np.float64)
    deviation = x - x.mean(axis=0)
    inverse = np.linalg.inv(np.cov(x, rowvar=False))
    return np.einsum("ij,jk,ik->i", deviation, inverse, deviation).reshape(cube.shape[:2])


def correlated(rows, cols, bands, seed=0, condition=1e7):
    """Return a cube whose covariance has about the condition number of a real scene."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(bands, bands)))[0]
    spread = np.geomspace(1, condition**-0.5, bands)
    noise = rng.normal(size=(rows, cols, bands)) * spread
    return (3000 + 900 * (noise @ directions)).astype(np.float32)


def test_golden_vector(shared, golden_cube):
    expected = np.load(shared / "vectors" / "grx.npz")["scores"]
    scores = had_cli.detect(golden_cube("rx", 60, 50, 40).astype(np.float64), "grx").scores
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_the_text_book_formula(engine):
    cube = correlated(40, 30, 20)
    scores = had_cli.detect(cube, "grx", engine=engine).scores
    np.testing.assert_allclose(scores, literal(cube), rtol=1e-5)


def test_invalid_pixels_take_part_in_no_statistic():
    cube = correlated(30, 30, 10)
    cube[4:9] = 30_000
    scene = Scene.from_array(cube, nodata=30_000.0)
    scores = had_cli.detect(scene, "grx").scores
    assert np.isnan(scores[4:9]).all()
    rest = np.concatenate([cube[:4], cube[9:]])
    np.testing.assert_allclose(np.concatenate([scores[:4], scores[9:]]), literal(rest), rtol=1e-5)


@given(seed=st.integers(0, 50), gain=st.floats(0.01, 100), offset=st.floats(-1000, 1000))
@settings(max_examples=20, deadline=None)
def test_scores_do_not_change_under_affine_maps_of_the_spectra(seed, gain, offset):
    rng = np.random.default_rng(seed)
    cube = rng.normal(size=(12, 11, 5))
    mixed = (cube @ (rng.normal(size=(5, 5)) + 3 * np.eye(5))) * gain + offset
    np.testing.assert_allclose(
        had_cli.detect(mixed, "grx").scores, had_cli.detect(cube, "grx").scores, rtol=2e-2
    )


def test_the_mean_score_is_the_number_of_bands():
    # the trace of S^-1 S, times (N - 1) / N
    cube = correlated(50, 40, 12)
    assert had_cli.detect(cube, "grx").scores.mean() == pytest.approx(12 * (2000 - 1) / 2000, rel=1e-5)


def test_single_precision_with_a_deflation_is_as_good_as_double(monkeypatch):
    cube = correlated(300, 200, 60, condition=1e8)
    with Executor(Scene.from_array(cube)) as run:
        exact = detect(run, PLAIN)
        monkeypatch.setattr(statistics, "SMALL", 0)
        np.testing.assert_allclose(detect(run, PLAIN), exact, rtol=5e-5)
        # without the deflation, the same products would be off by percents
        shift = cube.mean(axis=(0, 1))
        nothing = Deflation(shift, np.zeros((60, 1), np.float32), np.zeros((1, 60), np.float32))
        plain = nothing.undo(run.reduce(SecondMoments(nothing)))
    matrix = whitening(plain.covariance, plain.mean).matrix
    naive = (((cube.astype(np.float64) - plain.mean) @ matrix) ** 2).sum(axis=-1)
    assert np.abs(naive / exact - 1).max() > 1e-3


def test_an_ill_conditioned_large_scene_is_computed_in_double(monkeypatch):
    cube = correlated(120, 100, 30).astype(np.float64)
    cube[..., 7] = cube[..., 6] + 1e-3 * cube[..., 3]
    with Executor(Scene.from_array(cube)) as run:
        exact = detect(run, PLAIN)
    monkeypatch.setattr(statistics, "SMALL", 0)
    with Executor(Scene.from_array(cube)) as run:
        np.testing.assert_allclose(detect(run, PLAIN), exact, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e18, 3e34])
def test_a_scene_whose_products_overflow_single_precision_is_computed_in_double(monkeypatch, scale):
    cube = correlated(120, 100, 8, condition=10)
    expected = had_cli.detect(cube, "grx").scores
    monkeypatch.setattr(statistics, "SMALL", 0)
    found = had_cli.detect((cube.astype(np.float64) * scale).astype(np.float32), "grx", engine="memory")
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4)


def test_constant_and_repeated_bands_are_left_out_with_a_warning():
    cube = correlated(30, 30, 10)
    wide = np.concatenate([cube, np.full((30, 30, 1), 7, np.float32), cube[..., :2]], axis=-1)
    found = had_cli.detect(wide, "grx")
    np.testing.assert_allclose(found.scores, had_cli.detect(cube, "grx").scores, rtol=1e-4)
    assert found.facts["rank"] == 10
    assert found.facts["constant_bands"] == "11"
    assert any("rank 10 of 12" in line for line in found.warnings)
    kept = had_cli.detect(wide, "grx", keep_constant_bands=True)
    np.testing.assert_allclose(kept.scores, found.scores, rtol=1e-4)
    assert any("rank 10 of 13" in line for line in kept.warnings)


def test_fewer_pixels_than_bands_give_the_pseudo_inverse_and_a_warning():
    cube = correlated(5, 6, 50, condition=10)
    found = had_cli.detect(cube, "grx")
    assert found.facts["rank"] == 29
    # every pixel is then equally far: (N - 1)^2 / N
    np.testing.assert_allclose(found.scores, 29**2 / 30, rtol=1e-4)
    assert any("few pixels" in line for line in found.warnings)


def test_a_scene_without_any_variance_scores_zero():
    found = had_cli.detect(np.full((6, 5, 4), 3.0), "grx")
    assert (found.scores == 0).all()
    assert any("rank 0 of 4" in line for line in found.warnings)


def test_a_single_pixel_is_refused():
    with pytest.raises(SceneError, match="single"):
        had_cli.detect(np.ones((1, 1, 4)), "grx")


@pytest.mark.parametrize("kind", ["ledoit-wolf", "oas"])
def test_shrinkage_is_that_of_scikit_learn(kind):
    from sklearn.covariance import OAS, LedoitWolf

    cube = correlated(9, 11, 30, condition=1e3)
    pixels = cube.reshape(-1, 30).astype(np.float64)
    peer = (LedoitWolf() if kind == "ledoit-wolf" else OAS()).fit(pixels)
    found = had_cli.detect(cube, "grx", shrinkage=kind)
    assert found.facts["shrinkage_weight"] == pytest.approx(peer.shrinkage_, rel=1e-6)
    np.testing.assert_allclose(found.scores.ravel(), peer.mahalanobis(pixels), rtol=1e-4)


def test_a_fixed_shrinkage_of_one_is_the_euclidean_distance():
    cube = correlated(20, 20, 8, condition=100)
    found = had_cli.detect(cube, "grx", shrinkage="fixed", shrinkage_weight=1.0)
    squares = ((cube.astype(np.float64) - cube.mean(axis=(0, 1), dtype=np.float64)) ** 2).sum(axis=-1)
    variance = np.cov(cube.reshape(-1, 8), rowvar=False).trace() / 8
    np.testing.assert_allclose(found.scores, squares / variance, rtol=1e-5)


def test_leading_components_are_those_of_the_covariance():
    cube = correlated(40, 30, 12, condition=1e4)
    x = cube.reshape(-1, 12).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    expected = (((x - x.mean(axis=0)) @ vectors[:, -3:]) ** 2 / values[-3:]).sum(axis=1)
    found = had_cli.detect(cube, "grx", components=3)
    np.testing.assert_allclose(found.scores.ravel(), expected, rtol=1e-4)
    all_of_them = had_cli.detect(cube, "grx", components=500).scores
    np.testing.assert_allclose(all_of_them, had_cli.detect(cube, "grx").scores, rtol=1e-4)


@pytest.mark.parametrize(("rows", "cols", "bands"), [(2000, 60, 3), (3, 6000, 5), (20, 21, 425)])
def test_odd_shapes(rows, cols, bands):
    cube = np.random.default_rng(0).normal(size=(rows, cols, bands)).astype(np.float32)
    assert np.isfinite(had_cli.detect(cube, "grx").scores).all()
