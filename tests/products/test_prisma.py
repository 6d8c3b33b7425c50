"""PRISMA: two detectors of (rows, bands, cols) as one cube with wavelengths that ascend."""

import json

import h5py
import numpy as np
import pytest
import rasterio
from every_product import check_cube, check_detection, refusal
from products_made import COLS, ROWS, make_prisma

from had_cli import open_scene


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("level", ["L1", "L2C", "L2D"])
def test_cube_and_wavelengths(tmp_path, level, chunked):
    made = make_prisma(tmp_path, level, chunked=chunked)
    check_cube(made)
    with open_scene(made.path) as scene:
        info = scene.source.info
        assert info.format == f"PRISMA {level}"
        assert (np.diff(info.wavelengths) > 0).all()
        assert np.allclose(info.fwhm, 11.5)
        assert info.block == ((5, 6) if chunked else (1, COLS))
        assert (info.crs is None) == (level != "L2D")


def test_bands_of_vnir_where_swir_measures_and_bands_in_error_are_left_out(tmp_path, had):
    made = make_prisma(tmp_path)
    with open_scene(made.path) as scene:
        bad = scene.source.info.bad_bands
    twice = made.extra["vnir"] & (made.wavelengths >= 943.4)
    absorbed = np.isclose(made.wavelengths, 2001.5)
    assert np.array_equal(bad, twice | absorbed)
    said = had("info", made.path).out
    assert "2 bands of VNIR between 951.4 and 972.6 nm, where SWIR measures as well, are left out" in said
    assert "1 bands have more than 25% of their pixels in the error matrices" in said


@pytest.mark.parametrize("corners", ["centres", "edges"])
def test_corners_place_the_map_whichever_they_are(tmp_path, corners):
    made = make_prisma(tmp_path, corners=corners)
    half = 15 if corners == "centres" else 0
    with open_scene(made.path) as scene:
        info = scene.info
    assert rasterio.CRS.from_wkt(info.crs).to_epsg() == 32633
    assert info.transform == pytest.approx((30, 0, 500000 - half, 0, -30, 4600000 + half))


def test_padding_errors_and_saturation_are_masked(tmp_path, had):
    made = make_prisma(tmp_path)
    masked = np.zeros((ROWS, COLS), bool)
    masked[:, :2] = masked[8, 9] = masked[9, 9] = True
    check_detection(made.path, masked, 9, had)
    known = json.loads(had("info", made.path, "--json").out)
    found = {mask["name"]: (mask["pixels"], mask["applied"]) for mask in known["quality"]}
    assert found == {"error": (1, True), "saturated": (1, True), "negative": (1, False)}
    with rasterio.open("grx.tif") as written:
        assert json.loads(written.tags()["had_quality"]) == {"error": 1, "saturated": 1}


def test_a_zero_in_one_band_is_no_padding(tmp_path):
    made = make_prisma(tmp_path)
    with open_scene(made.path, bands="1-") as scene:
        assert np.isfinite(scene.read()[3, 7]).all()


def test_clouds_and_glint_of_level_1(tmp_path, had):
    made = make_prisma(tmp_path, "L1")
    masked = np.zeros((ROWS, COLS), bool)
    masked[:, :2] = masked[8, 9] = masked[9, 9] = masked[10, 9] = True
    masked[2, 5] = masked[3, 5] = True  # clouds, sun glint; 10 and 255 are neither
    check_detection(made.path, masked, 9, had)
    assert "level L2D is on a map" in had("info", made.path).out


class TestDamage:
    @pytest.mark.parametrize(
        ("missing", "told"),
        [
            ("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube", "has no /HDFEOS/SWATHS/PRS_L2D_HCO"),
            ("HDFEOS/SWATHS/PRS_L2D_HCO", "has no HDFEOS/SWATHS/PRS_L*_HCO"),
            ("HDFEOS", "has no HDFEOS/SWATHS/PRS_L*_HCO"),
        ],
    )
    def test_what_is_missing_is_named(self, tmp_path, had, missing, told):
        made = make_prisma(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file[missing]
        assert told in refusal(had, made.path)

    @pytest.mark.parametrize(
        "name", ["List_Cw_Vnir", "List_Fwhm_Swir", "L2ScaleVnirMax", "Epsg_Code", "Product_LRcorner_easting"]
    )
    def test_an_attribute_that_is_missing_is_named(self, tmp_path, had, name):
        made = make_prisma(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file.attrs[name]
        assert f"has no attribute {name}" in refusal(had, made.path)

    def test_cubes_of_two_sizes(self, tmp_path, had):
        made = make_prisma(tmp_path)
        name = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube"
        with h5py.File(made.path, "r+") as file:
            values = file[name][:-3]
            del file[name]
            file[name] = values
        assert refusal(had, made.path)

    def test_too_few_wavelengths(self, tmp_path, had):
        made = make_prisma(tmp_path)
        with h5py.File(made.path, "r+") as file:
            file.attrs["List_Cw_Vnir"] = np.arange(5.0)
        assert "List_Cw_Vnir has 5 values for 8 bands" in refusal(had, made.path)
