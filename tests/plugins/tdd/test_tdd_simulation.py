"""Simulated anomalies: what is changed, what is not, and what is marked."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_cli.training.job import TrainingJob
from had_tdd.backgrounds import Background, backgrounds
from had_tdd.geometry import turned, warped
from had_tdd.loss import supervised_loss
from had_tdd.normalising import Normalisation
from had_tdd.shapes import blob, rectangle, structure
from had_tdd.simulation import Mixture, published


def scenes(*cubes, spare=0.0):
    job = TrainingJob(
        scenes=[Scene.from_array(cube) for cube in cubes],
        device="cpu",
        seed=0,
        output=Path("unused"),
        checkpoint=None,
        resume=False,
        progress=lambda *_, **__: None,
        warn=pytest.fail,
    )
    return backgrounds(job, BandGrid(cubes[0].shape[-1]), Normalisation("whiten", 6), spare)


@pytest.fixture
def scene() -> Background:
    return scenes(example_cube(40, 50, 16)[0])[0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), least=st.integers(1, 9), more=st.integers(0, 9))
def test_a_shuffled_rectangle_holds_the_values_of_its_pixels_in_another_order(seed, least, more):
    random = np.random.default_rng(seed)
    patch = random.random((12, 12, 8), np.float32)
    changed, mask = published(random, patch, "shuffle", least, least + more)
    inside = mask > 0
    rows, cols = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    assert least <= len(rows) <= min(12, least + more)
    assert least <= len(cols) <= min(12, least + more)
    assert inside.sum() == len(rows) * len(cols)
    np.testing.assert_array_equal(changed[~inside], patch[~inside])
    np.testing.assert_array_equal(np.sort(changed[inside]), np.sort(patch[inside]))


@pytest.mark.parametrize("kind", ["gaussian", "uniform"])
def test_noise_is_added_and_each_band_divided_by_its_maximum(kind):
    random = np.random.default_rng(0)
    patch = random.random((12, 12, 8), np.float32)
    changed, mask = published(random, patch, kind, 12, 12)
    assert mask.all()
    np.testing.assert_allclose(changed.max(axis=(0, 1)), 1, rtol=1e-6)
    assert not np.allclose(changed, patch)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(5, 60), cols=st.integers(5, 60))
def test_published_patches_cover_the_scene_each_once_and_never_leave_it(seed, rows, cols):
    side, stride = 10, 5
    whole = Background(Scene.from_array(np.zeros((rows, cols, 1))), *[None] * 6)
    places = whole.places(side, stride)
    assert len(set(places)) == len(places)
    covered = np.zeros((rows, cols), bool)
    for row, col in places:
        assert 0 <= row <= max(0, rows - side)
        assert 0 <= col <= max(0, cols - side)
        covered[row : row + side, col : col + side] = True
    assert covered.all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), side=st.integers(6, 48))
def test_outlines_cover_something_and_lie_within(seed, side):
    random = np.random.default_rng(seed)
    for cover in (rectangle(random, side, 5, 7), blob(random, side, 1, 9)):
        assert cover.shape == (side, side)
        assert cover.min() >= 0
        assert 0.5 <= cover.max() <= 1
    assert set(np.unique(structure(random, side))) <= set(np.linspace(0, 1, 10, dtype=np.float32))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_warp_moves_image_and_mask_together(seed):
    random = np.random.default_rng(seed)
    mask = np.zeros((20, 20), np.float32)
    mask[5:15, 5:15] = 1
    image, moved = warped(random, mask[..., None].repeat(2, axis=-1), mask)
    assert set(np.unique(moved)) <= {0, 1}
    # where the image says clearly inside or outside, so does the mask
    assert (moved[image[..., 0] > 0.75] == 1).all()
    assert (moved[image[..., 0] < 0.25] == 0).all()


def test_turning_keeps_all_pixels():
    image = np.arange(2 * 25, dtype=np.float32).reshape(5, 5, 2)
    for seed in range(8):
        found = turned(np.random.default_rng(seed), image)
        np.testing.assert_array_equal(np.sort(found.ravel()), image.ravel())


def test_a_mixed_anomaly_is_as_far_from_what_it_covers_as_asked_where_its_material_is(scene):
    patch, _ = scene.patch(0, 0, 32)
    found = []
    for seed in range(40):
        image, mask = Mixture([scene], (4, 6), (10.0, 12.0))(np.random.default_rng(seed), scene, patch)
        lengths = np.linalg.norm((image - patch) @ scene.contrast.matrix, axis=-1)
        assert lengths[mask == 1].size
        found.append(np.median(lengths[mask == 1]))
    # no material of the scene may be so far away, and where two anomalies overlap they add up
    assert 9 < np.quantile(found, 0.8) < 13


def test_the_most_unusual_pixels_of_a_scene_are_not_taught_as_background():
    cube, truth = example_cube(40, 50, 16)
    whole = scenes(cube, spare=5.0)[0]
    patch, _ = whole.patch(0, 0, 50)
    unsure = whole.unsure(patch)[:40, :50]
    assert 0.02 < unsure.mean() < 0.1
    assert unsure[truth].mean() > 0.9


def test_pixels_that_say_nothing_have_no_part_in_the_loss():
    target = torch.zeros(1, 1, 32, 32)
    target[..., :8, :8] = -1
    outputs = [torch.randn(1, 1, 32 // s, 32 // s) for s in (8, 8, 8, 4, 2, 1)]
    changed = [logits.clone() for logits in outputs]
    for logits in changed:
        logits[..., : logits.shape[-1] // 4, : logits.shape[-1] // 4] += 5
    assert supervised_loss(outputs, target) == supervised_loss(changed, target)
    assert supervised_loss(outputs, target.abs()) != supervised_loss(changed, target.abs())


def test_nodata_shows_the_mean_and_patches_are_drawn_elsewhere():
    cube, _ = example_cube(40, 80, 16)
    cube[:, :30] = np.nan
    whole = scenes(cube)[0]
    patch, valid = whole.patch(0, 0, 20)
    assert valid == 0
    np.testing.assert_allclose(patch, np.broadcast_to(whole.mean / whole.scale, patch.shape))
    drawn = [whole.draw(np.random.default_rng(seed), 20) for seed in range(10)]
    assert np.mean([np.ptp(p.reshape(-1, 16), axis=0).min() > 0 for p in drawn]) == 1
