"""Large tiles: the network sees in them what it saw in small ones, wherever they are cut."""

import numpy as np
import pytest
import torch
from tdd_small import model

from had_cli import detect
from had_cli.engine.executor import Executor
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_tdd.attention import GlobalAttention
from had_tdd.large import LargeTileMap, LargeTiling
from had_tdd.network import for_large_images
from had_tdd.normalising import Normalisation, Normaliser
from had_tdd.tiles import Tiling


def drawn(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_an_image_of_the_size_of_training_has_the_same_map():
    network = model(16).network
    with torch.inference_mode():
        image = drawn(2, 16, 32, 32)
        torch.testing.assert_close(for_large_images(network, 32).score(image), network.score(image))


def test_a_deep_convolution_that_saw_its_neighbours_keeps_all_taps():
    network = model(16).network
    assert for_large_images(network, 96).encoder.conv6.kernel_size == (1, 1)
    assert for_large_images(network, 104).encoder.conv6.kernel_size == (3, 3)
    assert network.encoder.conv6.kernel_size == (3, 3)  # the one that is trained on


@pytest.mark.parametrize(("rows", "cols"), [(20, 28), (11, 9), (8, 30), (5, 12)])
def test_in_windows_a_pixel_attends_to_what_surrounds_its_square(rows, cols):
    side, step = 8, 4
    attention = GlobalAttention(6)
    features = drawn(2, 6, rows, cols)
    with torch.inference_mode():
        attention.side = side
        found = attention(features)
        attention.side = None
        for row in range(0, rows, step):
            for col in range(0, cols, step):
                top, left = (
                    min(max(0, first - 2), max(0, size - side)) for first, size in ((row, rows), (col, cols))
                )
                around = attention(features[:, :, top : top + side, left : left + side])
                expected = around[:, :, row - top :, col - left :][:, :, :step, :step]
                torch.testing.assert_close(found[:, :, row : row + step, col : col + step], expected)


@pytest.mark.parametrize(
    ("side", "size", "step"), [(40, 80, 4), (40, 224, 10), (24, 32, 6), (37, 80, 37), (20, 224, 5)]
)
def test_tiles_begin_at_whole_pixels_of_the_deepest_features(side, size, step):
    large = LargeTiling.of(Tiling(side - 2 * (side // 4), side // 4, size), 4000)
    assert large.step == step
    for length in (large.core, large.pad, large.length(1), large.length(large.core)):
        assert large.enlarged(length) * side == length * size
        assert large.enlarged(length) % 8 == 0
    assert large.length(1) >= side
    assert large.pad >= side // 4


@pytest.mark.parametrize("block_pixels", [1, 2000, 10**6])
def test_the_map_does_not_depend_on_how_the_scene_is_cut(block_pixels):
    cube, _ = example_cube(70, 83, 16)
    cube[20:24, 30:33] = np.nan
    known = model(16)
    normaliser = Normaliser(Normalisation("max"), np.zeros(16, np.float32), np.eye(16, dtype=np.float32))
    tiling = LargeTiling(Tiling(12, 6, 32), core=24, pad=6)
    function = LargeTileMap(known.network, normaliser, np.full(16, 0.5, np.float32), tiling)
    maps = []
    for stream, pixels in ((False, None), (True, block_pixels)):
        with Executor(Scene.from_array(cube), stream=stream, block_pixels=pixels) as run:
            maps.append(run.map(function, halo=tiling.pad, align=tiling.core, parallel=False))
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-5)
    np.testing.assert_array_equal(np.isnan(maps[0]), np.isnan(cube).any(axis=-1))


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (3, 50), (24, 24), (60, 25)])
def test_scenes_smaller_than_a_tile_of_training_are_continued(tmp_path, rows, cols):
    path = tmp_path / "tdd.safetensors"
    model(16).weights().save(path)
    cube = np.random.default_rng(0).random((rows, cols, 16), np.float32)
    scores = detect(cube, "tdd", weights=path, device="cpu").scores
    assert scores.shape == (rows, cols)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("attention", "options"), [("released", {}), ("exact", {"blend": False})])
def test_what_is_bound_to_the_side_of_a_tile_goes_tile_by_tile(tmp_path, attention, options):
    path = tmp_path / "tdd.safetensors"
    model(16, attention=attention).weights().save(path)
    cube, _ = example_cube(40, 50, 16)
    assert "large_tile" not in detect(cube, "tdd", weights=path, device="cpu", **options).facts


def test_large_tiles_rank_pixels_as_tiles_of_training_do(tmp_path):
    path = tmp_path / "tdd.safetensors"
    model(16, "whiten").weights().save(path)
    cube, _ = example_cube(80, 90, 16)
    large, small = (
        detect(cube, "tdd", weights=path, device="cpu", large_tiles=flag).scores for flag in (True, False)
    )
    ranks = [scores.ravel().argsort().argsort() for scores in (large, small)]
    assert np.corrcoef(*ranks)[0, 1] > 0.9
