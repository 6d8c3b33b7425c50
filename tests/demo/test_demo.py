"""``had demo`` ends with maps, figures and pictures that hold what they say."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import rasterio

from had_cli import detect, evaluate, open_scene
from had_cli.detection.demo import METHODS, run_demo
from had_cli.errors import OutputExistsError
from had_cli.scenes.demo import make_scene
from had_cli.scenes.synthetic import NODATA


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    lines = []
    result = run_demo(tmp_path_factory.mktemp("demo") / "new", say=lines.append)
    return result, lines


def test_the_scene_is_read_back_with_all_its_metadata(demo):
    files = demo[0].files
    with open_scene(files.scene) as scene:
        info = scene.source.info
        assert info.shape == (120, 160, 120)
        assert info.dtype == np.uint16
        assert info.nodata == NODATA
        assert info.wavelengths[0] == 400
        assert info.bad_bands.sum() == 120 - scene.shape[2] > 10
        cube = scene.read()
    assert 0 < np.nanmean(cube) < 0.5, "reflectances, not stored integers"
    with rasterio.open(files.truth) as truth:
        assert truth.crs.to_epsg() == 32632
        assert 15 <= np.count_nonzero(truth.read(1)) <= 60


def test_every_built_in_method_has_a_georeferenced_map(demo):
    assert set(demo[0].maps) == set(METHODS) == {"ssf", "grx", "slrx"}
    for method, made in demo[0].maps.items():
        with rasterio.open(made.map) as dataset:
            assert dataset.shape == (120, 160)
            assert dataset.crs.to_epsg() == 32632
            assert dataset.res == (4, 4)
            assert np.isnan(dataset.nodata)
            assert dataset.tags()["had_method"] == method
            assert np.isnan(dataset.read(1)[0, 0])


def test_the_figures_are_those_of_the_files(demo):
    files = demo[0].files
    for method, made in demo[0].maps.items():
        assert made.evaluation.auc == evaluate(made.map, files.truth).auc
        with open_scene(files.scene) as scene:
            again = detect(scene, method, truth=files.truth)
        assert again.evaluation.auc == made.evaluation.auc


def test_the_scene_is_neither_trivial_nor_hopeless(demo):
    for made in demo[0].maps.values():
        assert 0.7 < made.evaluation.auc < 0.995


def test_each_map_has_a_picture(demo):
    for made in demo[0].maps.values():
        assert made.picture.read_bytes().startswith(b"\x89PNG")


def test_it_says_where_everything_lies(demo):
    result, lines = demo
    text = "\n".join(lines)
    for path in (result.files.scene, result.files.truth):
        assert str(path) in text
    for made in result.maps.values():
        assert str(made.map) in text
        assert str(made.picture) in text
        assert f"{made.evaluation.auc:.4f}" in text


def test_its_json_names_every_file(demo):
    document = demo[0].to_json()
    assert [made["method"] for made in document["maps"]] == list(METHODS)
    assert all(0 < made["auc"] < 1 for made in document["maps"])


def test_files_of_an_earlier_demo_are_kept_unless_overwritten(tmp_path):
    make_scene(tmp_path, rows=30, cols=40, bands=20)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputExistsError):
        make_scene(tmp_path, rows=30, cols=40, bands=20, seed=9)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    make_scene(tmp_path, rows=30, cols=40, bands=20, seed=9, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} != before


def test_without_matplotlib_there_are_maps_and_a_word_on_the_picture(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lines = []
    result = run_demo(tmp_path, say=lines.append)
    assert all(made.picture is None and made.map.is_file() for made in result.maps.values())
    assert "had[plot]" in "\n".join(lines)
