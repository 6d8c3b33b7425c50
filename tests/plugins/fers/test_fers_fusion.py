"""Sum and product as the definition has them, and when which is taken."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import untrained

from had_cli import detect
from had_cli.engine.executor import Executor
from had_cli.errors import SceneError, UsageError, WeightsError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_fers.fusion import scale01, truncated_grx


def truncated(cube: np.ndarray) -> tuple[np.ndarray, int]:
    with Executor(Scene.from_array(cube)) as run:
        return truncated_grx(run)


def with_deviations(deviations: np.ndarray, rows: int = 30) -> np.ndarray:
    """Return a cube whose bands have these deviations and do not correlate."""
    random = np.random.default_rng(0)
    white = np.linalg.qr(random.normal(size=(rows * rows, len(deviations) + 1)) + 1e-3)[0][:, 1:]
    white -= white.mean(0)
    return (white * deviations).reshape(rows, rows, -1).astype(np.float32)


@given(st.integers(2, 60))
@settings(max_examples=20)
def test_directions_below_the_rounding_of_single_precision_are_left_out(bands):
    cut = bands * np.finfo(np.float32).eps
    variances = np.full(bands, 100 * cut)
    variances[0] = 1
    variances[1:][::2] = cut / 100
    _, rank = truncated(with_deviations(np.sqrt(variances)))
    assert rank == np.count_nonzero(variances > cut)


def test_what_is_kept_is_scored_as_by_grx():
    cube = with_deviations(np.array([1.0, 0.5, 1e-5]))
    scores, rank = truncated(cube)
    assert rank == 2
    pixels = cube.reshape(-1, 3)[:, :2].astype(np.float64)
    centred = pixels - pixels.mean(0)
    expected = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(centred.T)), centred)
    np.testing.assert_allclose(scores.ravel(), expected, rtol=1e-3)


def test_maps_are_scaled_to_0_1_and_keep_their_holes():
    scores = np.array([[2.0, np.nan], [4.0, 3.0]], np.float32)
    np.testing.assert_array_equal(scale01(scores), [[0, np.nan], [1, 0.5]])
    np.testing.assert_array_equal(scale01(np.full((2, 2), 5, np.float32)), np.zeros((2, 2)))


@pytest.mark.parametrize(("bands", "rule"), [(50, "product"), (51, "sum")])
def test_few_bands_are_fused_by_product_and_many_by_sum(tmp_path: Path, bands, rule):
    untrained(bands).save(tmp_path / "w")
    cube = example_cube(30, 30, 30)[0]
    by_rule = detect(cube, "fers", weights=tmp_path / "w", device="cpu")
    assert by_rule.facts["fusion"] == rule
    named = detect(cube, "fers", weights=tmp_path / "w", fusion=rule, device="cpu")
    np.testing.assert_array_equal(by_rule.scores, named.scores)


def test_local_scoring_takes_the_sum_of_few_bands_too_and_refuses_the_product(tmp_path: Path):
    weights = untrained(50)
    dataclasses.replace(weights, header={**weights.header, "scoring": "slrx"}).save(tmp_path / "w")
    cube = example_cube(30, 30, 30)[0]
    found = detect(cube, "fers", weights=tmp_path / "w", device="cpu")
    assert (found.facts["scoring"], found.facts["fusion"]) == ("slrx", "sum")
    named = detect(cube, "fers", weights=tmp_path / "w", scoring="slrx", device="cpu")
    np.testing.assert_array_equal(found.scores, named.scores)
    with pytest.raises(UsageError, match="leave --fusion product out, or name --scoring grx"):
        detect(cube, "fers", weights=tmp_path / "w", fusion="product", device="cpu")
    by_grx = detect(cube, "fers", weights=tmp_path / "w", scoring="grx", device="cpu")
    assert by_grx.facts["fusion"] == "product"


def test_a_single_pixel_has_no_covariance(tmp_path: Path):
    untrained(5).save(tmp_path / "w")
    with pytest.raises(SceneError, match="a single valid pixel"):
        detect(np.ones((1, 1, 5), np.float32), "fers", weights=tmp_path / "w", device="cpu")


def test_weights_of_ferd_are_refused_with_what_to_do(tmp_path: Path):
    from had_cli.scenes.bands import BandGrid
    from had_ferd.fen import random_fen
    from had_ferd.weights import to_weights

    to_weights(random_fen(5), BandGrid(5)).save(tmp_path / "w")
    with pytest.raises(WeightsError, match="weights of ferd, not of fers"):
        detect(np.ones((9, 9, 5), np.float32), "fers", weights=tmp_path / "w", device="cpu")
