"""What ``had convert`` keeps on the way from ENVI to GeoTIFF and back, and the other way round."""

import json

import generate
import numpy as np
import pytest
import rasterio

from had_cli.scenes.open import open_scene

CUBE = generate.make_cube(rows=19, cols=23, bands=6)
WAVES = [400.25, 450.5, 500, 1400.125, 2200, 2450.75]
WIDTHS = [9.5, 9.5, 10, 10, 11, 11]
BAD = [0, 0, 0, 1, 0, 0]


def envi(folder, interleave="bil", order="<", **fields):
    cube = CUBE.copy()
    cube[2, 3] = -9999
    return generate.write_envi(
        folder / "scene.hdr",
        cube,
        interleave,
        order,
        wavelength=WAVES,
        wavelength_units="Nanometers",
        fwhm=WIDTHS,
        bbl=[1 - bad for bad in BAD],
        data_ignore_value=-9999,
        map_info="{UTM, 1, 1, 500000, 4100000, 30, 30, 11, North, WGS-84}",
        **fields,
    )


def geotiff(folder, interleave="band", **profile):
    def annotate(raster):
        raster.update_tags(bbl="{" + ",".join(str(1 - bad) for bad in BAD) + "}")
        for band, (centre, width) in enumerate(zip(WAVES, WIDTHS, strict=True), start=1):
            micrometres = {"CENTRAL_WAVELENGTH_UM": str(centre / 1000), "FWHM_UM": str(width / 1000)}
            raster.update_tags(band, ns="IMAGERY", **micrometres)

    cube = CUBE.copy()
    cube[2, 3] = -9999
    place = rasterio.Affine(30, 0, 500_000, 0, -30, 4_100_000)
    return generate.write_geotiff(
        folder / "scene.tif",
        cube,
        interleave,
        annotate=annotate,
        crs="EPSG:32611",
        transform=place,
        nodata=-9999,
        **profile,
    )


def described(had, path):
    """Return what ``had info --json`` says, but what a format must change."""
    ended = had("info", path, "--json")
    assert ended.status == 0, ended.err
    own = ("path", "name", "format", "interleave", "file_bytes", "tags", "notes")
    return {name: value for name, value in json.loads(ended.out).items() if name not in own}


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_envi_to_geotiff_and_back(had, interleave, order, tmp_path):
    first = envi(tmp_path, interleave, order)
    assert had("convert", first, "there.tif").status == 0
    assert had("convert", "there.tif", "back.hdr").status == 0
    known = described(had, first)
    assert known["wavelengths_nm"] == WAVES
    assert known["bad_bands"] == [4]
    assert known["crs"]["epsg"] == 32611
    assert described(had, "there.tif") == known
    assert described(had, "back.hdr") == known
    np.testing.assert_array_equal(open_scene("back.hdr").read(), open_scene(first).read())


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("tiled", [False, True])
def test_geotiff_to_envi_and_back(had, interleave, tiled, tmp_path):
    first = geotiff(tmp_path, interleave, tiled=tiled)
    assert had("convert", first, "there.hdr").status == 0
    assert had("convert", "there.hdr", "back.tif").status == 0
    known = described(had, first)
    assert known["wavelengths_nm"] == WAVES
    assert known["fwhm_nm"] == WIDTHS
    assert known["nodata"] == -9999
    assert described(had, "there.hdr") == known
    assert described(had, "back.tif") == known
    with rasterio.open(first) as one, rasterio.open("back.tif") as other:
        assert (one.crs, one.transform, one.nodata) == (other.crs, other.transform, other.nodata)
        np.testing.assert_array_equal(one.read(), other.read())


@pytest.mark.parametrize("suffix", [".tif", ".mat", ".npy", ".npz"])
def test_the_map_of_a_copy_is_the_map_of_the_scene(had, suffix, tmp_path):
    first = envi(tmp_path, reflectance_scale_factor=10000)
    assert had("convert", first, f"copy{suffix}").status == 0
    for path, out in ((first, "one.npy"), (f"copy{suffix}", "other.npy")):
        assert had("detect", "-m", "grx", path, "-o", out).status == 0
    one = np.load("one.npy")
    np.testing.assert_array_equal(np.load("other.npy"), one)
    assert np.isnan(one[2, 3])
    assert np.isnan(one).sum() == 1


def test_a_nodata_value_for_every_band(had, tmp_path):
    cube = CUBE.copy()
    values = [-9999, 7, None, None, -9999, 0]
    scene = generate.write_npy(tmp_path / "scene.npy", cube)
    scene.with_name("scene.npy.json").write_text(json.dumps({"nodata": values}))
    assert had("convert", scene, "there.tif").status == 0
    assert had("convert", "there.tif", "back.hdr").status == 0
    assert described(had, "there.tif")["nodata"] == values
    assert described(had, "back.hdr")["nodata"] == values


@pytest.mark.parametrize(("stored", "kind"), [("f8", "float32"), ("u4", "float16"), ("f4", "float16")])
def test_numbers_do_not_become_infinite(had, stored, kind, tmp_path):
    cube = generate.make_cube(dtype=stored)
    cube[3, 3, 3] = {"f8": 1e300, "u4": 70_000, "f4": 1e10}[stored]
    path = generate.write_npy(tmp_path / "scene.npy", cube)
    for out in ("out.tif", "out.hdr", "out.npy"):
        assert f"do not fit {kind}" in had("convert", path, out, "--dtype", kind).line
    assert had("convert", path, "out.npy", "--dtype", "float64").status == 0
    np.testing.assert_array_equal(np.load("out.npy"), cube)


@pytest.mark.parametrize("out", ["out.tif", "out.hdr", "out.mat", "out.npy"])
def test_a_type_that_no_format_holds(had, out, tmp_path):
    ended = had("convert", generate.write_npy(tmp_path / "scene.npy", CUBE), out, "--dtype", "longdouble")
    assert "give --dtype float64" in ended.line


def test_nodata_beyond_single_precision_may(had, tmp_path):
    cube = generate.make_cube(dtype="f8")
    cube[1, 2] = -1.7e308
    path = generate.write_envi(tmp_path / "scene.hdr", cube, data_ignore_value="-1.7e308")
    assert had("convert", path, "out.tif", "--dtype", "float32").status == 0
    with open_scene("out.tif") as scene:
        assert np.argwhere(np.isnan(scene.read()).any(axis=2)).tolist() == [[1, 2]]
