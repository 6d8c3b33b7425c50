"""Which pixels polygons and masks choose as background."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from affine import Affine
from drawn import CHOSEN, COLS, NORTH_UP, ROWS, UTM, features, polygons_as, rectangle, write_vector
from rasterio.warp import transform_geom

import had_cli
from had_cli.errors import SceneError
from had_cli.results.places.geojson import document
from had_cli.scenes.polygons import pixels_within, read_polygons
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Ortho

SQUARE = '"coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'


FORMS = (
    "geojson", "geojson of QGIS", "geojson of QGIS in UTM", "gpkg", "gpkg in WGS84", "shp", "npy", "tif",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_chooses_the_same_pixels(form, scene_file, tmp_path):
    with had_cli.open_scene(scene_file, background=polygons_as(form, tmp_path)) as scene:
        np.testing.assert_array_equal(scene.background.mask, CHOSEN)


def test_excluded_pixels_are_none_of_the_background(cube, scene_file, tmp_path):
    out = np.zeros((ROWS, COLS), np.uint8)
    out[:, 20:] = 1
    fields = polygons_as("geojson", tmp_path)
    with had_cli.open_scene(scene_file, background=fields, background_exclude=out) as scene:
        np.testing.assert_array_equal(scene.background.mask, CHOSEN & (out == 0))
        assert scene.background.name == "fields.geojson without a mask"
    with had_cli.open_scene(scene_file, background_exclude=out) as scene:
        np.testing.assert_array_equal(scene.background.mask, out == 0)


def test_a_window_has_its_part_of_the_background(scene_file, tmp_path):
    fields = polygons_as("geojson", tmp_path)
    part = (10, 1, 25, 12)
    with had_cli.open_scene(scene_file, background=fields, window=part) as scene:
        np.testing.assert_array_equal(scene.background.mask, CHOSEN[1:13, 10:35])
        again = scene.select(window=had_cli.scenes.source.Window(0, 0, 25, 3))
        np.testing.assert_array_equal(again.background.mask, CHOSEN[1:4, 10:35])


def test_a_background_outside_the_scene_is_refused(scene_file, tmp_path):
    path = tmp_path / "far.geojson"
    far = transform_geom(UTM, "EPSG:4326", rectangle(rows=(300, 320)))
    path.write_text(json.dumps(features(far)))
    with pytest.raises(SceneError, match=r"no pixel of the scene is .* chosen by far\.geojson"):
        had_cli.open_scene(scene_file, background=path)


def test_polygons_on_the_earth_need_a_scene_that_lies_there(cube, tmp_path):
    path = tmp_path / "cube.npy"
    np.save(path, cube)
    with pytest.raises(SceneError, match="has no coordinate system; draw them in pixels"):
        had_cli.open_scene(path, background=polygons_as("geojson", tmp_path))
    in_pixels = tmp_path / "pixels.geojson"
    square = features(rectangle(Affine.identity()), coordinates_are="pixels: column, row")
    in_pixels.write_text(json.dumps(square))
    with had_cli.open_scene(path, background=in_pixels) as scene:
        np.testing.assert_array_equal(scene.background.mask, CHOSEN)


def test_the_places_of_a_map_can_be_left_out_of_the_background(cube, scene_file, tmp_path):
    """What had writes as places, on the Earth and in pixels, it reads as polygons."""
    with had_cli.open_scene(scene_file) as scene:
        found = had_cli.detect(scene, "grx")
        high = float(np.quantile(found.scores, 0.9))
        places = had_cli.find_places(found.scores, high, crs=scene.info.crs, transform=scene.info.transform)
        places.save(tmp_path / "places.geojson")
        inside = pixels_within(read_polygons(tmp_path / "places.geojson"), scene)
    np.testing.assert_array_equal(inside, places.mask)
    flat = had_cli.find_places(found.scores, high)
    (tmp_path / "flat.geojson").write_text(json.dumps(document(flat.places, flat.ground)))
    inside = pixels_within(read_polygons(tmp_path / "flat.geojson"), Scene.from_array(cube))
    np.testing.assert_array_equal(inside, flat.mask)


def test_polygons_find_the_pixels_of_a_scene_on_a_sensors_grid(cube):
    """The lookup table mirrors the scene, so a rectangle on the map is a mirrored one on the grid."""

    def lookup(window):
        rows, cols = np.mgrid[window.rows, window.cols]
        return rows, COLS - 1 - cols

    table = Ortho(shape=(ROWS, COLS), crs=UTM, transform=tuple(NORTH_UP)[:6], lookup=lookup)
    scene = Scene.from_array(cube, ortho=table)
    polygons = had_cli.scenes.polygons.Polygons("drawn", (rectangle(),), UTM)
    np.testing.assert_array_equal(pixels_within(polygons, scene), CHOSEN[:, ::-1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as GeoJSON"),
        ("[1, 2]", "is no GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no polygon"),
        ('{"type": "Point", "coordinates": [1, 2]}', "holds no polygon"),
        (f'{{"type": "Polygon", "crs": 7, {SQUARE}', "a way that is not known"),
        (f'{{"type": "Polygon", "crs": {{"properties": {{"name": "EPSG:9"}}}}, {SQUARE}', "no way is known"),
    ],
)
def test_a_bad_file_of_polygons_is_told_in_a_line(scene_file, tmp_path, text, words):
    path = tmp_path / "bad.geojson"
    path.write_text(text)
    with pytest.raises(SceneError, match=words) as told:
        had_cli.open_scene(scene_file, background=path)
    assert "\n" not in str(told.value)
    assert str(path) in str(told.value)


def test_a_geopackage_of_two_layers_and_a_broken_shapefile_are_refused(scene_file, tmp_path):
    path = tmp_path / "two.gpkg"
    write_vector(path, rectangle(), UTM, layer="fields")
    write_vector(path, rectangle(), UTM, layer="roads", append=True)
    with pytest.raises(SceneError, match=r"several layers \(fields, roads\)"):
        had_cli.open_scene(scene_file, background=path)
    path = tmp_path / "broken.shp"
    path.write_bytes(b"no shapefile")
    with pytest.raises(SceneError, match="cannot be read"):
        had_cli.open_scene(scene_file, background=path)


def test_without_pyogrio_geojson_goes_on_and_geopackage_says_what_to_install(
    scene_file, tmp_path, monkeypatch
):
    fields = polygons_as("gpkg", tmp_path), polygons_as("geojson", tmp_path)
    monkeypatch.setitem(sys.modules, "pyogrio.raw", None)
    monkeypatch.setitem(sys.modules, "pyogrio.errors", None)
    with pytest.raises(SceneError, match=r'pip install "had\[vector\]"'):
        had_cli.open_scene(scene_file, background=fields[0])
    had_cli.open_scene(scene_file, background=fields[1]).close()
