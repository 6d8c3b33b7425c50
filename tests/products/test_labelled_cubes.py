"""NetCDF and Zarr cubes with a coordinate of wavelengths, in any order of axes."""

import json

import h5py
import numpy as np
import pytest
import rasterio
from every_product import check_cube, check_detection, refusal
from products_made import make_netcdf, make_zarr

from had_cli import open_scene
from had_cli.errors import SceneError

ORDERS = ["byx", "yxb", "ybx", "xyb", "bxy"]


def check_metadata(path, block):
    with open_scene(path) as scene:
        info = scene.source.info
        assert np.allclose(info.fwhm, 10)
        assert rasterio.CRS.from_wkt(info.crs).to_epsg() == 32633
        assert info.transform == pytest.approx((10, 0, 500000, 0, -10, 4650000))
        assert info.block == block


@pytest.mark.parametrize("order", ORDERS)
def test_netcdf(tmp_path, order):
    made = make_netcdf(tmp_path, order)
    check_cube(made)
    chunks = dict(zip(order, (4, 5, 6), strict=True))
    check_metadata(made.path, (chunks["y"], chunks["x"]))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("order", ORDERS)
def test_zarr(tmp_path, order, version):
    made = make_zarr(tmp_path, order, version=version)
    check_cube(made)
    check_metadata(made.path, (8, 6))


def test_detection_on_netcdf(tmp_path, had):
    made = make_netcdf(tmp_path)
    check_detection(made.path, np.isnan(made.cube).any(axis=2), 8, had)


def test_detection_on_zarr(tmp_path, had):
    made = make_zarr(tmp_path)
    check_detection(made.path, np.isnan(made.cube).any(axis=2), 8, had)
    known = json.loads(had("info", made.path, "--json").out)
    assert known["format"] == "Zarr, reflectance"
    assert known["file_bytes"] is None


def test_which_variable_is_the_cube_is_said_and_can_be_chosen(tmp_path, had):
    made = make_netcdf(tmp_path)
    assert "the cube is reflectance; others are reflectance_uncertainty" in had("info", made.path).out
    with open_scene(made.path, variable="reflectance_uncertainty") as scene:
        assert (scene.read() == 0).all()


def test_latitude_and_longitude_are_degrees(tmp_path):
    made = make_netcdf(tmp_path, names={"y": "lat", "x": "lon"})
    with h5py.File(made.path, "r+") as file:
        del file["spatial_ref"]
        del file["reflectance"].attrs["grid_mapping"]
    with open_scene(made.path) as scene:
        assert rasterio.CRS.from_wkt(scene.info.crs).to_epsg() == 4326


def test_uneven_coordinates_place_nothing(tmp_path, had):
    made = make_netcdf(tmp_path)
    with h5py.File(made.path, "r+") as file:
        file["x"][5] += 4
        del file["spatial_ref"].attrs["GeoTransform"]
    with open_scene(made.path) as scene:
        assert scene.info.transform is None
        assert "not evenly spaced" in " ".join(scene.info.notes)


def test_netcdf_without_wavelengths_is_left_to_gdal(tmp_path, had):
    made = make_netcdf(tmp_path, names={"b": "time"})
    with open_scene(made.path, variable="reflectance") as scene:
        assert scene.source.info.format == "netCDF"


def test_a_store_without_a_cube_is_refused(tmp_path, had):
    made = make_zarr(tmp_path)
    with pytest.raises(SceneError, match="no cube called ndvi with a coordinate of wavelengths"):
        open_scene(made.path, variable="ndvi")
    (made.path / "reflectance" / "zarr.json").write_text("{")
    assert refusal(had, made.path)


def test_a_folder_that_is_no_store(tmp_path, had):
    folder = tmp_path / "empty.zarr"
    folder.mkdir()
    assert "no scene lies in this folder" in refusal(had, folder)


@pytest.mark.parametrize("attribute", ["DIMENSION_LIST", "DIMENSION_LABELS", "CLASS", "REFERENCE_LIST"])
@pytest.mark.parametrize("value", ["a text", np.arange(3.0), np.zeros((), "S16"), np.int64(7)], ids=str)
def test_axes_that_are_something_else_end_no_process(tmp_path, attribute, value, had):
    # HDF5's own functions for axes read beyond an attribute of another type
    made = make_netcdf(tmp_path)
    with h5py.File(made.path, "r+") as file:
        for name in ("reflectance", "wavelength", "fwhm"):
            if attribute in file[name].attrs:
                del file[name].attrs[attribute]
            file[name].attrs[attribute] = value
    for _ in range(3):
        ended = had("info", made.path)
        assert ended.status in {0, 1}
        assert len(ended.err.splitlines()) == ended.status
