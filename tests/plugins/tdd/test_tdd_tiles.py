"""Tiles: their weights, their blending, their size; the map of a scene in pieces is that of the whole."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tdd_small import model

from had_cli import detect
from had_cli.engine.executor import Executor
from had_cli.errors import SceneError, UsageError
from had_cli.plugin import ground_sampling_distance
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_tdd.detector import scaled_scores
from had_tdd.normalising import Normalisation, Normaliser
from had_tdd.tiles import TileMap, Tiling


@settings(max_examples=40, deadline=None)
@given(patch=st.integers(2, 60), pad=st.integers(0, 100), blend=st.booleans())
def test_the_weights_of_all_tiles_at_a_pixel_sum_to_one(patch, pad, blend):
    tiling = Tiling(patch, pad, 32, blend)
    reach = 2 * (tiling.neighbours + 1)
    total = torch.zeros(patch * (2 * reach + 1) + tiling.side)
    for number in range(2 * reach + 1):
        total[number * patch : number * patch + tiling.side] += tiling.weights()
    middle = reach * patch + pad
    torch.testing.assert_close(total[middle : middle + patch], torch.ones(patch), rtol=0, atol=1e-5)


def test_without_blending_the_patches_stand_side_by_side():
    np.testing.assert_array_equal(Tiling(4, 2, 32, blend=False).weights(), [0, 0, 1, 1, 1, 1, 0, 0])


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tdd.safetensors"
    model(16).weights().save(path)
    return path


class MeanOfTile(torch.nn.Module):
    """Gives every pixel of a tile the tile's mean: neighbouring tiles disagree as much as can be."""

    width = 1.0
    decoder = ()

    def score(self, x):
        return x.mean(dim=(1, 2, 3), keepdim=True)[:, 0].expand(len(x), *x.shape[2:])


def test_blending_spreads_the_step_between_two_tiles_evenly():
    cube = np.random.default_rng(0).random((64, 96, 1), np.float32)
    normaliser = Normaliser(Normalisation("max"), np.zeros(1, np.float32), np.eye(1, dtype=np.float32))

    def steps(blend):
        """Mean absolute step by the place within a patch of 16 columns; its first column follows a border."""
        tiling = Tiling(16, 8, 32, blend)
        function = TileMap(MeanOfTile(), normaliser, np.zeros(1, np.float32), tiling)
        with Executor(Scene.from_array(cube)) as run:
            scores = run.map(function, halo=tiling.halo, align=16, parallel=False)
        found = np.abs(np.diff(scores, axis=1)).mean(axis=0)
        return np.array([found[np.arange(1, 96) % 16 == place].mean() for place in range(16)])

    side_by_side, blended = steps(blend=False), steps(blend=True)
    assert side_by_side[1:].max() < 1e-6 < side_by_side[0]
    # all columns lie in an overlap of 16: each takes a sixteenth of the step, but for the ends of the scene
    assert blended.max() < 1.2 * blended.mean()
    assert blended.max() < side_by_side[0] / 12


def test_how_many_tiles_go_at_once_does_not_matter(weights):
    cube, _ = example_cube(40, 50, 16)
    one, many = (
        detect(cube, "tdd", weights=weights, device="cpu", large_tiles=False, tile_batch=count).scores
        for count in (1, 7)
    )
    np.testing.assert_allclose(one, many, rtol=1e-4, atol=1e-6)


def test_a_tile_in_metres_follows_from_the_size_of_pixels(weights):
    cube, _ = example_cube(40, 50, 16)
    utm = "EPSG:32633"
    for size, side in ((1.0, 24), (2.0, 12)):
        scene = Scene.from_array(cube, crs=wkt(utm), transform=(size, 0.0, 500000.0, 0.0, -size, 5000000.0))
        assert ground_sampling_distance(scene.info) == pytest.approx(size, rel=0.01)
        facts = detect(scene, "tdd", weights=weights, tile_metres=24.0, device="cpu").facts
        assert facts["patch"] + 2 * facts["pad"] == side


def wkt(code):
    from rasterio.crs import CRS

    return CRS.from_user_input(code).to_wkt()


def test_a_tile_in_metres_needs_pixels_of_known_size(weights):
    cube, _ = example_cube(40, 50, 16)
    with pytest.raises(SceneError, match="size of its pixels on the ground is not known"):
        detect(cube, "tdd", weights=weights, tile_metres=24.0, device="cpu")
    with pytest.raises(UsageError, match="one or the other"):
        detect(cube, "tdd", weights=weights, tile_metres=24.0, patch=10, device="cpu")


def test_imported_weights_that_tell_no_tile_take_a_published_one_and_say_so(tmp_path):
    path = tmp_path / "tdd.safetensors"
    model(16, tile=None).weights().save(path)
    cube, _ = example_cube(30, 30, 16)
    found = detect(cube, "tdd", weights=path, device="cpu")
    assert (found.facts["patch"], found.facts["pad"]) == (20, 10)
    assert any("--patch 20 --pad 10" in line for line in found.warnings)


def test_scores_are_divided_by_the_brightest_band_on_request(weights, monkeypatch):
    cube, _ = example_cube(30, 30, 16)
    # maps as the network gives them: without the last step, which scales to [0, 1]
    monkeypatch.setattr("had_tdd.detector.scaled_scores", lambda scores: scores)
    plain, suppressed = (
        detect(cube, "tdd", weights=weights, device="cpu", suppress_bright=flag).scores
        for flag in (False, True)
    )
    brightest = (cube / cube.max(axis=(0, 1))).max(axis=-1)
    np.testing.assert_allclose(suppressed, plain / brightest, rtol=1e-4)


def test_a_flat_map_becomes_zero():
    np.testing.assert_array_equal(scaled_scores(np.full((3, 4), 7, np.float32)), np.zeros((3, 4)))


def test_half_precision_weights_give_the_same_map_to_three_digits(tmp_path):
    cube, _ = example_cube(40, 40, 16)
    maps = []
    for half in (False, True):
        path = tmp_path / f"{half}.safetensors"
        model(16, "whiten").weights(half=half).save(path)
        maps.append(detect(cube, "tdd", weights=path, device="cpu").scores)
    assert path.stat().st_size < 0.6 * (tmp_path / "False.safetensors").stat().st_size
    np.testing.assert_allclose(*maps, atol=5e-3)


def test_a_scene_of_one_spectrum_is_told_to_say_nothing(tmp_path):
    path = tmp_path / "tdd.safetensors"
    model(16, "whiten").weights().save(path)
    found = detect(np.full((30, 30, 16), 0.3, np.float32), "tdd", weights=path, device="cpu")
    assert any("say nothing" in line for line in found.warnings)
    assert SimpleNamespace(**found.facts).normalised_by == "whiten"
