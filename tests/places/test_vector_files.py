"""Places written as GeoJSON, GeoPackage and Shapefile are what their standards ask for."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform as project

from had_cli.errors import OutputError, OutputExistsError
from had_cli.results.places import find_places
from had_cli.results.places.outline import shoelace
from had_cli.results.places.place import FIELDS
from had_cli.results.places.writing import SHORT, save_layers

UTM = CRS.from_epsg(32632).to_wkt()
NORTH_UP = (4.0, 0.0, 512_000.0, 0.0, -4.0, 5_403_000.0)


@pytest.fixture
def scores():
    scores = np.zeros((60, 80))
    scores[5:12, 6:30] = 3
    scores[7:9, 10:13] = 0  # a hole
    scores[20, 40] = scores[21, 41] = 7
    scores[50, 70] = 5
    return scores


@pytest.fixture
def places(scores):
    return find_places(scores, 1, crs=UTM, transform=NORTH_UP)


def polygons(geometry):
    return geometry["coordinates"]


def test_geojson_is_in_wgs84_with_rings_by_the_right_hand_rule(places, tmp_path):
    document = json.loads(places.save(tmp_path / "places.geojson").read_text())
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document  # RFC 7946 has done away with it
    assert [f["properties"]["rank"] for f in document["features"]] == [1, 2, 3]
    assert [f["geometry"]["type"] for f in document["features"]] == ["MultiPolygon"] * 3
    for feature in document["features"]:
        for polygon in polygons(feature["geometry"]):
            for number, ring in enumerate(polygon):
                points = np.array(ring)
                assert (points[0] == points[-1]).all()
                assert (shoelace(*points.T) > 0) == (number == 0)
    holed = document["features"][2]["geometry"]["coordinates"][0]
    assert len(holed) == 2


def test_geojson_lies_where_the_raster_does(places):
    corner = min(places.to_geojson()["features"][1]["geometry"]["coordinates"][0][0])
    (x,), (y,) = project("EPSG:4326", UTM, [corner[0]], [corner[1]])
    assert x == pytest.approx(512_000 + 4 * 70, abs=0.01)
    assert y in (pytest.approx(5_403_000 - 4 * 50, abs=0.01), pytest.approx(5_403_000 - 4 * 51, abs=0.01))


def test_long_edges_follow_the_curve_of_the_other_map(tmp_path):
    scores = np.zeros((10, 2000))
    scores[3:6, 10:1990] = 1
    crs = CRS.from_epsg(3031).to_wkt()  # polar stereographic: straight edges are curves in degrees
    transform = (500.0, 0.0, -500_000.0, 0.0, -500.0, 900_000.0)
    (place,) = find_places(scores, 1, crs=crs, transform=transform).places
    found = find_places(scores, 1, crs=crs, transform=transform)
    ring = np.array(found.to_geojson()["features"][0]["geometry"]["coordinates"][0][0])
    x, y = project("EPSG:4326", crs, *((ring[:-1] + ring[1:]) / 2).T)
    rows = (900_000.0 - np.array(y)) / 500
    cols = (np.array(x) + 500_000.0) / 500
    off = np.minimum.reduce([abs(rows - 3), abs(rows - 6), abs(cols - 10), abs(cols - 1990)])
    assert off.max() < 0.02
    assert place.pixels == 3 * 1980


def test_a_place_across_the_antimeridian_is_cut_there():
    scores = np.zeros((10, 40))
    scores[4:6, 15:25] = 1
    crs = CRS.from_epsg(4326).to_wkt()
    found = find_places(scores, 1, crs=crs, transform=(0.01, 0.0, 179.8, 0.0, -0.01, 10.0))
    (feature,) = found.to_geojson()["features"]
    parts = [np.array(polygon[0]) for polygon in polygons(feature["geometry"])]
    assert sorted(np.sign(part[:, 0].mean()) for part in parts) == [-1, 1]
    assert all(abs(part[:, 0]).max() <= 180 and np.ptp(part[:, 0]) < 1 for part in parts)
    assert found.places[0].area_m2 == pytest.approx(20 * 1.0965e3 * 1.106e3, rel=0.01)


def test_without_a_coordinate_system_geojson_says_that_it_holds_pixels(scores):
    document = find_places(scores, 1).to_geojson()
    assert document["coordinates_are"] == "pixels: column, row"
    ring = np.array(document["features"][1]["geometry"]["coordinates"][0][0])
    assert ring.min(axis=0).tolist() == [70, 50]
    assert ring.max(axis=0).tolist() == [71, 51]


@pytest.mark.parametrize("crs", [UTM, None])
def test_a_geopackage_holds_fields_and_outlines_in_the_scene_s_system(scores, tmp_path, crs):
    pyogrio = pytest.importorskip("pyogrio")
    found = find_places(scores, 1, crs=crs, transform=NORTH_UP)
    path = found.save(tmp_path / "places.gpkg")
    about = pyogrio.read_info(path)
    assert about["geometry_type"] == "MultiPolygon"
    assert about["layer_name"] == "places"
    assert about["features"] == 3
    assert about["crs"] == ("EPSG:32632" if crs else None) or not crs
    assert list(about["fields"]) == list(FIELDS)
    low_x, low_y, high_x, high_y = about["total_bounds"]
    if crs:
        assert (low_x, high_y) == (512_000 + 4 * 6, 5_403_000 - 4 * 5)
    else:
        assert (low_x, low_y, high_x, high_y) == (6, 5, 71, 51)
    _, _, _, columns = pyogrio.raw.read(path)
    values = dict(zip(about["fields"], columns, strict=True))
    assert values["rank"].tolist() == [1, 2, 3]
    assert values["pixels"].tolist() == [2, 1, 7 * 24 - 6]
    assert np.isnan(values["area_m2"]).all() == (crs is None)


def test_a_geopackage_without_places_has_its_layer_all_the_same(tmp_path):
    pyogrio = pytest.importorskip("pyogrio")
    path = find_places(np.zeros((5, 5)), 1, crs=UTM, transform=NORTH_UP).save(tmp_path / "none.gpkg")
    assert pyogrio.read_info(path)["features"] == 0


def test_without_pyogrio_the_error_says_what_to_install(places, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(OutputError, match=r"had\[vector\]"):
        places.save(tmp_path / "places.gpkg")
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(places, tmp_path):
    with pytest.raises(OutputError, match=r"\.geojson, \.gpkg or \.shp"):
        places.save(tmp_path / "places.kml")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_an_existing_file_is_kept_unless_overwritten(places, tmp_path, suffix):
    path = tmp_path / f"places{suffix}"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        places.save(path)
    assert path.read_text() == "mine"
    places.save(path, overwrite=True)
    assert path.stat().st_size > 100
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_shapefile_holds_the_fields_under_short_names_and_its_whole_set_is_replaced(scores, tmp_path):
    pyogrio = pytest.importorskip("pyogrio")
    path = tmp_path / "places.shp"
    find_places(scores, 5, crs=UTM, transform=NORTH_UP).save(path)
    places = find_places(scores, 1, crs=UTM, transform=NORTH_UP)
    with pytest.raises(OutputExistsError):
        places.save(path)
    places.save(path, overwrite=True)
    about = pyogrio.read_info(path)
    assert about["features"] == 3
    assert CRS.from_string(about["crs"]).to_epsg() == 32632
    assert max(len(name) for name in about["fields"]) <= 10
    assert set(about["fields"]) == {SHORT.get(name, name) for name in FIELDS}
    meta, _, _, columns = pyogrio.raw.read(path)
    found = dict(zip(meta["fields"], columns, strict=True))
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["area_m2"] == pytest.approx([place.area_m2 for place in places.places])
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"places.{end}" for end in ("shp", "shx", "dbf", "prj", "cpg")}


def test_a_geopackage_has_a_layer_for_each_map(scores, tmp_path):
    pyogrio = pytest.importorskip("pyogrio")
    few, many = (find_places(scores, low, crs=UTM, transform=NORTH_UP) for low in (5, 1))
    path = tmp_path / "all.gpkg"
    save_layers({"few": (few.places, few.ground), "many": (many.places, many.ground)}, path)
    assert [name for name, _ in pyogrio.list_layers(path)] == ["few", "many"]
    counts = [pyogrio.read_info(path, layer=name)["features"] for name in ("few", "many")]
    assert counts == [len(few.places), len(many.places)]
