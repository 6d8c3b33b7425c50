"""The GeoTIFF that ``had detect`` writes, as others find it."""

import json

import generate
import numpy as np
import pytest
import rasterio

from had_cli import __version__

PLACE = rasterio.Affine(30, 0, 500_000, 0, -30, 4_100_000)
CUBE = generate.make_cube(rows=40, cols=50, bands=5)


@pytest.fixture
def tif(tmp_path):
    cube = CUBE.copy()
    cube[3, 4] = -9999
    return generate.write_geotiff(
        tmp_path / "scene.tif", cube, nodata=-9999, crs="EPSG:32611", transform=PLACE
    )


@pytest.fixture
def envi(tmp_path):
    return generate.write_envi(
        tmp_path / "scene.hdr",
        CUBE,
        map_info="{UTM, 1, 1, 500000, 4100000, 30, 30, 11, North, WGS-84}",
    )


@pytest.mark.parametrize("method", ["grx", "slrx"])
def test_type_layout_nodata_and_tags(had, tif, method):
    assert had("detect", "-m", method, tif, "-o", "map.tif", "--seed", 3).status == 0
    with rasterio.open("map.tif") as found:
        assert (found.count, found.dtypes) == (1, ("float32",))
        assert (found.height, found.width) == (40, 50)
        assert found.profile["tiled"]
        assert found.compression is not None
        assert np.isnan(found.nodata)
        assert (found.crs.to_epsg(), found.transform) == (32611, PLACE)
        values, tags = found.read(1), found.tags()
        assert found.read_masks(1)[3, 4] == 0
    assert list(zip(*np.nonzero(np.isnan(values)), strict=True)) == [(3, 4)]
    assert (tags["had_method"], tags["had_scene"], tags["had_version"]) == (method, "scene.tif", __version__)
    assert (tags["had_bands"], tags["had_seed"]) == ("1-5", "3")
    assert isinstance(json.loads(tags["had_parameters"]), dict)


@pytest.mark.parametrize("kind", ["tif", "envi"])
def test_a_window_lies_where_it_lay_in_the_scene(had, kind, request):
    scene = request.getfixturevalue(kind)
    assert had("detect", "-m", "grx", scene, "-o", "map.tif", "--window", 7, 11, 20, 9).status == 0
    with rasterio.open("map.tif") as found:
        assert (found.height, found.width) == (9, 20)
        assert found.crs.to_epsg() == 32611
        assert found.transform == rasterio.Affine(30, 0, 500_210, 0, -30, 4_099_670)


def test_a_scene_without_a_place_gives_a_map_without_one(had, tmp_path):
    scene = generate.write_envi(tmp_path / "scene.hdr", CUBE)
    assert had("detect", "-m", "grx", scene, "-o", "map.tif").status == 0
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open("map.tif") as found:
        assert found.crs is None


@pytest.mark.parametrize("zone", ["99", "0", "north"])
def test_a_zone_that_does_not_exist_is_told_and_gives_no_false_place(had, zone, tmp_path):
    """GDAL would call such metres degrees."""
    scene = generate.write_envi(
        tmp_path / "scene.hdr", CUBE, map_info=f"{{UTM, 1, 1, 5e5, 4e6, 30, 30, {zone}, North, WGS-84}}"
    )
    ended = had("detect", "-m", "grx", scene, "-o", "map.tif")
    assert ended.status == 0
    assert "coordinate system of the header is not understood" in ended.err
    with rasterio.open("map.tif") as found:
        assert found.crs is None
        assert found.transform.a == 30


def test_degrees_remain_degrees(had, tmp_path):
    scene = generate.write_envi(
        tmp_path / "scene.hdr", CUBE, map_info="{Geographic Lat/Lon, 1, 1, -117, 34, 1e-4, 1e-4, WGS-84}"
    )
    assert had("detect", "-m", "grx", scene, "-o", "map.tif").err == ""
    with rasterio.open("map.tif") as found:
        assert found.crs.to_epsg() == 4326
