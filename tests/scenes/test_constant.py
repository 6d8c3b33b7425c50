"""Bands that say nothing are found whatever their neighbours hold, and are read no further than needed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from had_cli.api import detect
from had_cli.scenes import constant, origin
from had_cli.scenes.constant import constant_bands, without_constant
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

METHODS = ["grx", "slrx", "ssf"]


def cube_of(rows=40, cols=30, bands=6, seed=1):
    mixed = np.random.default_rng(seed).normal(size=(rows, cols, bands)).astype(np.float32)
    return mixed + np.arange(bands, dtype=np.float32)


class Counted:
    """A source that counts the values read of it."""

    def __init__(self, source):
        self.source, self.info, self.values = source, source.info, 0

    def read(self, window, bands):
        block = self.source.read(window, bands)
        self.values += block.size
        return block

    def valid(self, window):
        return self.source.valid(window)

    def close(self):
        self.source.close()


class TestFinding:
    def test_one_value_no_value_and_nodata(self):
        cube = cube_of()
        cube[..., 1] = 7
        cube[..., 3] = np.nan
        cube[..., 4] = np.where(np.arange(30) < 9, -1, 5)  # nodata, and one value elsewhere
        found = constant_bands(Scene.from_array(cube, nodata=-1.0))
        assert found.bands.tolist() == [False, True, False, True, True, False]
        assert found.empty.tolist() == [False, False, False, True, False, False]

    def test_a_band_that_is_one_value_and_holes_does_not_take_pixels_away(self):
        cube = cube_of()
        cube[..., 2] = np.where(np.arange(30) < 9, np.nan, 5)
        found = detect(cube, "grx")
        assert found.valid_pixels == cube[..., 0].size
        assert found.facts["constant_bands"] == "3"

    def test_one_pixel_that_differs_is_found_wherever_it_lies(self):
        for row, col in ((0, 0), (39, 29), (17, 3)):
            cube = cube_of()
            cube[..., 5] = 0
            cube[row, col, 5] = 1
            assert not constant_bands(Scene.from_array(cube)).bands.any()

    def test_only_the_window_and_the_mask_count(self):
        cube = cube_of()
        cube[:, 5:, 0] = 3
        scene = Scene.from_array(cube)
        assert not constant_bands(scene).bands[0]
        assert constant_bands(scene.select(window=Window(5, 0, 20, 40))).bands[0]
        mask = np.zeros((40, 30), bool)
        mask[:, 5:] = True
        assert constant_bands(scene.select(mask=mask)).bands[0]

    @settings(max_examples=60, deadline=None)
    @given(
        hnp.arrays(
            np.float32,
            hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
            elements=st.sampled_from([0.0, 1.0, np.nan, np.inf]),
        ),
        st.integers(8, 200),
    )
    def test_it_is_what_the_definition_says(self, cube, block_bytes):
        expected = []
        for band in np.moveaxis(cube, -1, 0):
            values = band[np.isfinite(band)]
            expected.append(len(np.unique(values)) <= 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constant, "BLOCK_BYTES", block_bytes)
            patch.setattr(origin, "PIECES", 1)
            assert constant_bands(Scene.from_array(cube)).bands.tolist() == expected


class TestCost:
    @pytest.mark.parametrize("suffix", [".hdr", ".tif", ".npy"])
    def test_a_scene_without_such_bands_is_hardly_read(self, tmp_path, suffix):
        from had_cli.scenes.convert import convert

        np.save(tmp_path / "plain.npy", cube_of(400, 300, 20))
        path = tmp_path / "plain.npy"
        if suffix != ".npy":
            path = convert(path, tmp_path / f"scene{suffix}").path
        with open_scene(path) as scene:
            scene.source = Counted(scene.source)
            assert not constant_bands(scene).bands.any()
            assert scene.source.values <= origin.PIECES * origin.PIECE * 20

    def test_of_the_rest_only_the_bands_in_doubt_are_read(self, tmp_path):
        cube = cube_of(400, 300, 20)
        cube[..., 7] = 1
        scene = Scene.from_array(cube)
        scene.source = Counted(scene.source)
        assert np.flatnonzero(constant_bands(scene).bands).tolist() == [7]
        assert scene.source.values <= origin.PIECES * origin.PIECE * 20 + 400 * 300


class TestDetecting:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("engine", ["memory", "stream"])
    def test_scores_are_those_of_the_scene_without_these_bands(self, method, engine):
        cube = cube_of()
        wide = np.insert(cube, [0, 3, 6], 0, axis=2)
        wide[..., 4] = np.nan
        plain, found = detect(cube, method, engine=engine), detect(wide, method, engine=engine)
        np.testing.assert_array_equal(plain.scores, found.scores)
        assert found.facts["constant_bands"] == "1,5,9"
        assert found.tags()["had_bands"] == "2-4,6-8"
        assert any(
            "3 bands are constant or without any value and are left out: 1,5,9" in w for w in found.warnings
        )
        assert "constant_bands" not in plain.facts

    def test_they_can_be_kept(self):
        cube = cube_of()
        cube[..., 2] = 4
        found = detect(cube, "grx", keep_constant_bands=True)
        assert found.scene.shape[2] == 6
        assert "constant_bands" not in found.facts

    def test_a_scene_of_nothing_else_is_left_to_the_method(self):
        assert np.isfinite(detect(np.ones((9, 8, 4), np.float32), "grx").scores).all()


class TestTraining:
    def test_scenes_of_the_same_bands_stay_alike(self):
        first, second, other = cube_of(), cube_of(seed=2), cube_of(bands=4)
        first[..., 1] = 0
        scenes, lines = without_constant([Scene.from_array(c) for c in (first, second, other)])
        assert [scene.bands.tolist() for scene in scenes] == [[0, 2, 3, 4, 5], [0, 2, 3, 4, 5], [0, 1, 2, 3]]
        assert len(lines) == 2

    def test_one_blank_scene_takes_nothing_from_the_others(self):
        scenes, lines = without_constant([Scene.from_array(np.zeros((5, 5, 6))), Scene.from_array(cube_of())])
        assert [scene.shape[2] for scene in scenes] == [6, 6]
        assert lines == []
