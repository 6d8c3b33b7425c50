"""Backgrounds and implants: what is drawn, from what, and that it is drawn again."""

from __future__ import annotations

import numpy as np
import pytest

from had_cli.errors import UsageError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_cli.training.backgrounds import Backgrounds, Variety
from had_cli.training.implants import ANOMALY, UNSURE, Implants, differences, local_whitening
from had_cli.training.outlines import OUTLINES, covered

PLAIN = Variety(
    side=(30, 30),
    bands=(12, 12),
    covered=(1, 1),
    response=(0, 0),
    coarser=0,
    finer=1,
    joined=0,
    noise=0,
    brightness=0,
    slope=0,
)


def scene(rows=60, cols=50, bands=12, seed=0, **metadata):
    return Scene.from_array(example_cube(rows, cols, bands, seed=seed)[0], name=f"s{seed}", **metadata)


def drawn(scenes, seed=0, variety=None):
    return Backgrounds(scenes, variety).draw(np.random.default_rng(seed))


def test_the_same_seed_draws_the_same_background_and_another_another():
    scenes = [scene(), scene(seed=1)]
    first, again, other = drawn(scenes), drawn(scenes), drawn(scenes, seed=1)
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [(200, 150, 40), (20, 20, 300), (3, 400, 102), (64, 64, 2)], ids=str)
def test_scenes_of_any_size_give_backgrounds_within_the_variety(shape):
    variety = Variety()
    backgrounds = Backgrounds([scene(*shape)], variety)
    for seed in range(6):
        cube = backgrounds.draw(np.random.default_rng(seed))
        assert np.isfinite(cube).all()
        assert min(cube.shape[:2]) >= min(variety.side[0], *(2 * n for n in shape[:2])) - 1
        assert max(cube.shape[:2]) <= variety.side[1]
        assert cube.shape[2] <= min(variety.bands[1], shape[2])
        assert cube.dtype == np.float32


def test_without_variety_a_background_is_a_turned_crop_of_mean_one():
    source = scene()
    cube = drawn([source], variety=PLAIN)
    assert cube.shape == (30, 30, 12)
    assert cube.mean() == pytest.approx(1, rel=1e-4)
    # every pixel is one of the scene, up to the gain; a band is never quite a single one
    pixels = source.read().reshape(-1, 12)
    direction = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    found = cube.reshape(-1, 12) / np.linalg.norm(cube.reshape(-1, 12), axis=1, keepdims=True)
    assert (found @ direction.T).max(axis=1).min() > 0.999


def test_scenes_are_read_by_windows_only(monkeypatch):
    source, seen = scene(300, 280), []
    read = Scene.read

    def recorded(self, window=None):
        seen.append(window)
        return read(self, window)

    monkeypatch.setattr(Scene, "read", recorded)
    drawn([source])
    assert seen
    assert all(window is not None and window.height * window.width <= 200**2 for window in seen)


def test_invalid_pixels_show_the_mean_of_the_others():
    cube = example_cube(40, 40, 12)[0]
    cube[:10] = -9999
    background = drawn([Scene.from_array(cube, nodata=-9999.0)], variety=PLAIN)
    assert np.isfinite(background).all()
    assert background.min() > 0


def test_no_scene_is_an_error_of_one_line():
    with pytest.raises(UsageError, match="at least one scene"):
        Backgrounds([])


# -- outlines -------------------------------------------------------------------------------------
@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.__name__)
@pytest.mark.parametrize("size", [1.5, 3.0, 9.0])
def test_a_blurred_outline_keeps_its_area_and_covers_no_pixel_twice(outline, size):
    shape = outline(np.random.default_rng(0), size)
    areas = []
    for angle in (0.0, 0.7):
        _, cover = covered((41, 41), (20.0, 20.0), angle, size, shape, 0.5)
        assert cover.min() >= 0
        assert cover.max() <= 1 + 1e-6
        areas.append(float(cover.sum()))
    assert areas[0] == pytest.approx(areas[1], rel=0.25, abs=0.1)
    assert 0 < areas[0] <= 1.1 * size**2 + 0.1


def test_an_outline_at_the_edge_lies_in_the_image():
    (rows, cols), cover = covered(
        (10, 12), (0.0, 11.0), 0.3, 4.0, OUTLINES[0](np.random.default_rng(0), 4.0), 0.5
    )
    assert (rows.start, cols.stop) == (0, 12)
    assert cover.shape == (rows.stop - rows.start, cols.stop - cols.start)


# -- implants -------------------------------------------------------------------------------------
@pytest.fixture
def backgrounds():
    """Backgrounds of two scenes, the second with materials that the first has not."""
    other = example_cube(60, 50, 12, seed=1)[0][..., ::-1]
    return Backgrounds([scene(), Scene.from_array(other)], PLAIN)


def test_anomalies_differ_from_the_background_and_the_rest_does_not(backgrounds):
    quiet = Implants(backgrounds=backgrounds, distractors=0, spikes=0, shadow=0, spare=0, things=(3, 3))
    background = backgrounds.draw(np.random.default_rng(0))
    for seed in range(8):
        cube, truth = quiet.into(np.random.default_rng(seed), background)
        changed = np.abs(cube - background).max(axis=-1)
        assert changed[truth == ANOMALY].min(initial=np.inf) > 0
        # a trace of blur is left where a thing covers less than a twentieth
        assert changed[truth == 0].max() <= 0.06 * max(changed.max(), 1e-9)


def test_the_strength_of_the_middle_is_within_what_was_asked(backgrounds):
    implants = Implants(
        backgrounds=backgrounds, distractors=0, spikes=0, shadow=0, spare=0, things=(1, 1), strength=(2, 3)
    )
    background = backgrounds.draw(np.random.default_rng(0))
    white = local_whitening(background)
    lengths = []
    for seed in range(20):
        cube, truth = implants.into(np.random.default_rng(seed), background)
        if (truth == ANOMALY).any():
            lengths.append(float(np.linalg.norm((cube - background) @ white, axis=-1).max()))
    assert len(lengths) > 5
    assert min(lengths) > 1.9
    # the least fraction may be more than was asked for
    assert np.median(lengths) < 3.1


def test_no_more_of_the_pixels_are_anomalies_than_was_asked(backgrounds):
    implants = Implants(backgrounds=backgrounds, things=(60, 60), size=(1, 2), strength=(1, 9), most=2.0)
    for seed in range(5):
        truth = implants.draw(np.random.default_rng(seed)).truth
        assert 0 < (truth == ANOMALY).mean() < 0.04


def test_pixels_far_from_their_surroundings_are_not_told_to_be_background(backgrounds):
    background = backgrounds.draw(np.random.default_rng(0))
    background[7, 9] += 5
    implants = Implants(backgrounds=backgrounds, things=(1, 1), distractors=0, spikes=0, spare=2.0)
    truth = implants.into(np.random.default_rng(0), background).truth
    assert truth[7, 9] in (UNSURE, ANOMALY)
    assert (truth == UNSURE).mean() >= 0.015


def test_whitened_differences_have_unit_variance():
    cube = np.random.default_rng(0).normal(5, 2, (40, 40, 6)).astype(np.float32)
    white = differences(cube) @ local_whitening(cube)
    np.testing.assert_allclose(np.mean(white.reshape(-1, 6) ** 2, axis=0), 1, atol=0.01)


def test_distractors_are_put_in_and_not_marked(backgrounds):
    busy = Implants(backgrounds=backgrounds, distractors=3, spikes=5, shadow=0, spare=0, things=(1, 1))
    background = backgrounds.draw(np.random.default_rng(0))
    cube, truth = busy.into(np.random.default_rng(1), background)
    changed = np.abs(cube - background).max(axis=-1) > 0.05
    assert changed[truth == 0].mean() > 0.02


def test_a_background_of_one_value_is_no_reason_to_fail(backgrounds):
    flat = np.ones((30, 30, 12), np.float32)
    cube, truth = Implants(backgrounds=backgrounds).into(np.random.default_rng(0), flat)
    assert np.isfinite(cube).all()
    assert truth.shape == (30, 30)
