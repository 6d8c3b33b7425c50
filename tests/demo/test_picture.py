"""A quick look shows the scene beside its scores, whatever the scene's size."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from matplotlib.image import imread

from had_cli.errors import OutputError, OutputExistsError, SceneError
from had_cli.results.picture import composite, composite_bands, quicklook, read_thinned, thin_maximum
from had_cli.scenes.scene import Scene


def scene_of(rows, cols, bands, **metadata):
    cube = np.random.default_rng(1).random((rows, cols, bands)).astype(np.float32)
    return Scene.from_array(cube, name="made", **metadata)


def test_it_writes_a_png_with_both_panels(tmp_path):
    scene = scene_of(20, 30, 8)
    truth = np.zeros((20, 30), dtype=bool)
    truth[5, 7] = True
    path = quicklook(scene, tmp_path / "look.png", scores=scene.read()[..., 0], truth=truth)
    both = imread(path)
    alone = imread(quicklook(scene, tmp_path / "alone.png"))
    assert both.shape[1] > 1.5 * alone.shape[1]
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_name_in_letters_that_the_font_has_not_is_drawn_in_silence(tmp_path):
    scene = Scene.from_array(np.random.default_rng(1).random((9, 9, 4)), name="ü日本")
    with warnings.catch_warnings(action="error"):
        assert quicklook(scene, tmp_path / "look.png").is_file()


def test_colours_are_chosen_by_wavelength():
    scene = scene_of(4, 4, 5, wavelengths=np.array([448.0, 500.0, 552.0, 640.0, 900.0]))
    assert composite_bands(scene) == (3, 2, 0)


@pytest.mark.parametrize("wavelengths", [None, np.linspace(1000, 2500, 8)])
def test_colours_are_chosen_by_index_where_no_visible_light_is_known(wavelengths):
    assert composite_bands(scene_of(4, 4, 8, wavelengths=wavelengths)) == (6, 4, 2)


@pytest.mark.parametrize("bands", [1, 2, 3])
def test_a_scene_of_few_bands_has_a_composite_too(bands):
    assert composite(scene_of(6, 5, bands)).shape == (6, 5, 4)


def test_invalid_pixels_are_transparent():
    cube = np.random.default_rng(2).random((6, 7, 4)).astype(np.float32)
    cube[2, 3] = -1
    opacity = composite(Scene.from_array(cube, nodata=-1.0))[..., 3]
    assert opacity[2, 3] == 0
    assert opacity.sum() == 6 * 7 - 1


def test_a_scene_without_a_valid_pixel_is_drawn_empty(tmp_path):
    scene = Scene.from_array(np.full((5, 6, 3), np.nan, dtype=np.float32))
    assert quicklook(scene, tmp_path / "empty.png", scores=np.full((5, 6), np.nan)).is_file()


@pytest.mark.parametrize("block", [None, (1, 53), (16, 16)])
def test_a_large_scene_is_thinned_out_without_reading_it_whole(block):
    scene = scene_of(61, 53, 6, block=block)
    largest = 0
    read = scene.source.read

    def counting(window, bands):
        nonlocal largest
        largest = max(largest, window.width * window.height * (6 if bands is None else len(bands)))
        return read(window, bands)

    scene.source.read = counting
    thin = read_thinned(scene, 7)
    if block is not None:
        assert largest <= block[0] * 53 * 6
    assert np.array_equal(thin, scene.read()[::7, ::7])


def test_thinned_scores_keep_the_largest_value_of_each_cell():
    scores = np.full((5, 7), np.nan)
    scores[:3] = 1.0
    scores[4, 6] = 9.0
    thin = thin_maximum(scores, 3)
    assert thin.shape == (2, 3)
    assert thin[1, 2] == 9.0
    assert np.isnan(thin[1, 0])
    assert (thin[0] == 1.0).all()


def test_an_existing_picture_is_kept_unless_overwritten(tmp_path):
    path = tmp_path / "look.png"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match=r"look\.png"):
        quicklook(scene_of(4, 4, 3), path)
    assert path.read_text() == "mine"
    quicklook(scene_of(4, 4, 3), path, overwrite=True)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_map_of_another_size_is_refused(tmp_path):
    with pytest.raises(SceneError, match=r"\(3, 3\).*\(4, 4\)"):
        quicklook(scene_of(4, 4, 3), tmp_path / "look.png", scores=np.zeros((3, 3)))


def test_a_missing_folder_is_told_in_one_line(tmp_path):
    with pytest.raises(OutputError, match="no folder") as caught:
        quicklook(scene_of(4, 4, 3), tmp_path / "none" / "look.png")
    assert "\n" not in str(caught.value)


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OutputError, match=r"had\[plot\]"):
        quicklook(scene_of(4, 4, 3), tmp_path / "look.png")
