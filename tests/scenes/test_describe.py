"""What `had info --json` says."""

from __future__ import annotations

import json

import generate
import numpy as np
import pytest

from had_cli.scenes.describe import describe, runs
from had_cli.scenes.open import open_scene

CUBE, TRUTH = generate.make_cube(), generate.make_truth()


def test_a_flight_line(tmp_path):
    path = generate.write_envi(
        tmp_path / "line.hdr",
        CUBE,
        wavelength=[0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        fwhm=[0.01] * 6,
        wavelength_units="Micrometers",
        bbl=[1, 1, 0, 1, 1, 1],
        data_ignore_value=-9999,
        reflectance_scale_factor=10000,
        map_info="{UTM, 1, 1, 1000, 2000, 2, 3, 11, North, WGS-84}",
    )
    told = describe(open_scene(path, window=(0, 0, 5, 6)))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["rows"], told["cols"], told["bands"], told["dtype"]) == (13, 17, 6, "int16")
    assert (told["format"], told["interleave"]) == ("ENVI", "bil")
    assert told["wavelength_range_nm"] == [400, 900]
    assert told["wavelengths_nm"] == [400, 500, 600, 700, 800, 900]
    assert told["fwhm_nm"] == [10] * 6
    assert told["bad_bands"] == [3]
    assert told["nodata"] == -9999
    assert told["scale"] == 1e-4
    assert told["crs"]["epsg"] == 32611
    assert told["crs"]["name"] == "WGS 84 / UTM zone 11N"
    assert told["pixel_size"] == [2, 3]
    assert told["bounds"] == [1000, 2000 - 39, 1034, 2000]
    assert told["raster_bytes"] == CUBE.nbytes
    assert told["selection"] == {
        "bands": 5,
        "band_numbers": "1-2,4-6",
        "window": [0, 0, 5, 6],
        "masked_pixels": 0,
    }
    assert told["truth"] is None


def test_a_matlab_scene(tmp_path):
    path = generate.write_mat5(tmp_path / "s.mat", CUBE, map=TRUTH, wavelengths=np.linspace(400, 900, 6))
    told = describe(open_scene(path))
    json.dumps(told, allow_nan=False)
    assert told["truth"] == {"anomalous_pixels": 3, "pixels": 221}
    assert told["crs"] is None
    assert told["file_bytes"] == path.stat().st_size


@pytest.mark.parametrize("nodata", [float("nan"), float("inf")])
def test_json_holds_no_nan(tmp_path, nodata):
    path = generate.write_geotiff(tmp_path / "s.tif", CUBE.astype("f4"), nodata=nodata)
    assert json.loads(json.dumps(describe(open_scene(path)), allow_nan=False))["nodata"] == str(nodata)


@pytest.mark.parametrize(("numbers", "text"), [([], ""), ([4], "4"), ([1, 2, 3, 7, 9, 10], "1-3,7,9-10")])
def test_runs(numbers, text):
    assert runs(numbers) == text
