"""One scene in every format and layout gives the same pixels."""

from __future__ import annotations

import generate
import numpy as np
import pytest

from had_cli.scenes.open import open_scene
from had_cli.scenes.source import Window

FORMATS = generate.every_format()


@pytest.fixture(params=["i2", "u2", "f4"])
def cube(request):
    return generate.make_cube(dtype=request.param)


@pytest.mark.parametrize("name", FORMATS)
class TestEveryFormat:
    def test_whole_scene(self, name, cube, tmp_path):
        with open_scene(FORMATS[name](tmp_path, cube)) as scene:
            assert scene.shape == cube.shape
            assert scene.info.dtype == cube.dtype
            assert scene.info.dtype.isnative
            np.testing.assert_array_equal(scene.read(), cube.astype(np.float32))

    def test_windows_at_the_edges_and_band_subsets(self, name, cube, tmp_path):
        rows, cols, _ = cube.shape
        chosen = [[0], [5], [1, 2, 3], [0, 2, 5], None]
        places = [
            Window(0, 0, 1, 1),
            Window(cols - 1, rows - 1, 1, 1),
            Window(0, rows - 2, cols, 2),
            Window(cols - 3, 0, 3, rows),
            Window(4, 5, 6, 7),
        ]
        path = FORMATS[name](tmp_path, cube)
        for bands in chosen:
            with open_scene(path, bands=bands) as scene:
                expected = cube if bands is None else cube[..., bands]
                for window in places:
                    np.testing.assert_array_equal(scene.read(window), expected[window.rows, window.cols])

    def test_window_of_a_window(self, name, cube, tmp_path):
        with open_scene(FORMATS[name](tmp_path, cube), window=(3, 2, 9, 8)) as scene:
            np.testing.assert_array_equal(scene.read(Window(1, 2, 3, 4)), cube[4:8, 4:7])


@pytest.mark.parametrize("name", FORMATS)
def test_a_thousand_bands_sixty_pixels_wide(name, tmp_path):
    cube = generate.make_cube(rows=40, cols=60, bands=1000, dtype="u2")
    with open_scene(FORMATS[name](tmp_path, cube), bands="1-3,500-999") as scene:
        wanted = [0, 1, 2, *range(499, 999)]
        window = Window(58, 30, 2, 10)
        np.testing.assert_array_equal(scene.read(window), cube[window.rows, window.cols][..., wanted])


@pytest.mark.parametrize("name", FORMATS)
def test_natural_blocks_lie_within_the_scene(name, tmp_path):
    with open_scene(FORMATS[name](tmp_path, generate.make_cube())) as scene:
        block = scene.info.block
        assert block is None or min(block) >= 1
