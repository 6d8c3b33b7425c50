"""had quicklook: a scene and its scores as a PNG."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from had_cli.results.picture import quicklook
from had_cli.scenes.scene import Scene


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def pixels(path):
    picture = imread(path)
    assert picture.ndim == 3
    return picture[..., :3]


def test_a_scene_is_drawn_under_its_default_name(had, scene, here):
    ended = had("quicklook", scene)
    assert ended.status == 0
    assert ended.out == "line_quicklook.png: bands 7, 5, 3 as red, green and blue\n"
    assert pixels(here / "line_quicklook.png").std() > 0


def test_scores_stand_beside_the_scene_or_over_it(had, scene, here):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif").status == 0
    for name, more in (("beside", []), ("over", ["--overlay"])):
        assert had("quicklook", scene, "map.tif", "-o", f"{name}.png", *more).status == 0
    beside, over = (pixels(here / f"{name}.png").shape for name in ("beside", "over"))
    assert beside[1] > 1.4 * over[1]


def test_places_above_a_threshold_are_ringed(had, scene, here):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif").status == 0
    for name, more in (("plain", []), ("ringed", ["--threshold", "value:60"])):
        assert had("quicklook", scene, "map.tif", "-o", f"{name}.png", *more).status == 0
    plain, ringed = (pixels(here / f"{name}.png") for name in ("plain", "ringed"))
    changed = (plain != ringed).any(axis=-1)
    assert 20 < changed.sum() < 0.02 * changed.size


def test_bands_are_chosen_by_number_in_the_order_given(had, scene, here):
    document = json.loads(had("quicklook", scene, "--rgb", "2,8,5", "--json").out)
    assert document["rgb"] == [2, 8, 5]
    assert document["output"] == "line_quicklook.png"
    assert document["threshold"] is None
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "json.md").read_text(
        encoding="utf-8"
    )
    (row,) = (line for line in page.splitlines() if line.startswith("| `had quicklook`"))
    assert all(f"`{name}`" in row for name in document)


def test_bands_are_chosen_by_wavelength_and_may_be_bad_ones(had, scene, here):
    assert had("convert", scene, "line.hdr").status == 0
    header = here / "line.hdr"
    waves = ", ".join(str(500 + 50 * band) for band in range(8))
    header.write_text(
        header.read_text()
        + f"wavelength units = Nanometers\nwavelength = {{{waves}}}\nbbl = {{1,1,1,0,1,1,1,1}}\n"
    )
    assert json.loads(had("quicklook", header, "--rgb", "850nm,648nm,500nm", "--json").out)["rgb"] == [
        8,
        4,
        1,
    ]


@pytest.mark.parametrize("rgb", ["1,2", "1,2,3,4", "1-3,4,5", "red,green,blue"])
def test_other_colours_are_wrong_usage(had, scene, rgb):
    ended = had("quicklook", scene, "--rgb", rgb)
    assert ended.status == 2
    assert ended.err.startswith("had: ")


@pytest.mark.parametrize("words", [["--overlay"], ["--threshold", "value:1"]])
def test_what_is_asked_of_scores_needs_scores(had, scene, words):
    ended = had("quicklook", scene, *words)
    assert ended.status == 2
    assert "SCORES" in ended.err


def test_a_map_of_another_size_is_refused(had, scene, here):
    np.save(here / "other.npy", np.zeros((3, 3)))
    ended = had("quicklook", scene, "other.npy")
    assert ended.status == 1
    assert list(here.glob("*.png")) == []


def test_laid_over_the_scene_low_scores_let_it_show_through(tmp_path):
    cube = np.random.default_rng(1).random((30, 30, 3)).astype(np.float32)
    scene, scores = Scene.from_array(cube, name="made"), np.zeros((30, 30))
    scores[10, 10] = 1
    scores[20:, 20:] = np.nan
    path = quicklook(scene, tmp_path / "over.png", scores=scores, overlay=True)
    assert len(np.unique(pixels(path).reshape(-1, 3), axis=0)) > 500  # the composite's many greys
