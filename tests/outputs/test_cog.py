"""Maps for servers and web maps, and what every GeoTIFF map says of itself."""

from __future__ import annotations

import warnings

import generate
import numpy as np
import pytest
import rasterio
from command_line import had
from rio_cogeo.cogeo import cog_validate

from had_cli.formats.band_statistics import BandStatistics

__all__ = ["had"]

ROWS, COLS = 700, 900


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Return a scene with nodata, wavelengths, and the time at which it was taken."""
    cube = generate.make_cube(ROWS, COLS, 4)
    cube[:30, :40] = -9999

    def annotate(raster):
        raster.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2026-05-01T10:00:00Z", SATELLITEID="EnMAP")
        raster.units = ["W m-2 sr-1 um-1"] * 4
        for band in range(4):
            raster.update_tags(band + 1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=f"{0.5 + band / 10:.1f}")

    path = tmp_path_factory.mktemp("scene") / "line.tif"
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
    return generate.write_geotiff(path, cube, nodata=-9999, annotate=annotate, **place)


def validated(path):
    """Check a COG by rio-cogeo's validation, and return the dataset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        valid, errors, remarks = cog_validate(path, strict=True)
    assert (valid, errors, remarks) == (True, [], [])
    return rasterio.open(path)


def check_statistics(raster, band):
    """Check GDAL's statistics of a band against numpy's."""
    values = raster.read(band, masked=True).compressed().astype(np.float64)
    values = values[np.isfinite(values)]
    tags = raster.tags(band)
    found = [float(tags[f"STATISTICS_{name}"]) for name in ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV")]
    np.testing.assert_allclose(found, [values.min(), values.max(), values.mean(), values.std()], rtol=1e-9)
    share = 100 * values.size / (raster.width * raster.height)
    assert float(tags["STATISTICS_VALID_PERCENT"]) == pytest.approx(share, rel=1e-3)


@pytest.mark.parametrize("cog", [False, True], ids=["plain", "cog"])
def test_a_map_says_what_it_is(had, scene, cog):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif", *(["--cog"] if cog else [])).status == 0
    with rasterio.open("map.tif") as raster:
        assert raster.descriptions == ("grx score",)
        assert raster.units == ("1",)
        assert np.isnan(raster.nodata)
        assert raster.crs.to_epsg() == 32633
        assert raster.tags()["had_method"] == "grx"
        assert raster.tags()["acquisition time"] == "2026-05-01T10:00:00Z"
        if not cog:  # GDAL's driver leaves that out
            assert raster.tags(ns="IMAGERY") == {
                "ACQUISITIONDATETIME": "2026-05-01T10:00:00Z",
                "SATELLITEID": "EnMAP",
            }
        assert np.isnan(raster.read(1)[:30, :40]).all()
        check_statistics(raster, 1)
        assert bool(raster.overviews(1)) == cog


def test_a_cog_is_valid_and_holds_the_scores_of_the_plain_map(had, scene):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif", "--cog").status == 0
    assert had("detect", "-m", "grx", scene, "-o", "plain.tif").status == 0
    with validated("map.tif") as raster, rasterio.open("plain.tif") as plain:
        np.testing.assert_array_equal(raster.read(), plain.read())
        assert raster.overviews(1) == [2]
        assert raster.tags()["had_parameters"] == plain.tags()["had_parameters"]
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_a_scene_as_a_cog(had, scene, interleave):
    assert had("convert", scene, "copy.tif", "--cog", "--interleave", interleave).status == 0
    with validated("copy.tif") as raster, rasterio.open(scene) as source:
        np.testing.assert_array_equal(raster.read(), source.read())
        assert raster.nodata == -9999
        assert raster.units == source.units
        assert raster.tags(2, ns="IMAGERY") == {"CENTRAL_WAVELENGTH_UM": "0.6"}
        for band in raster.indexes:
            check_statistics(raster, band)


def test_a_scene_smaller_than_a_tile_is_a_valid_cog(had, scene):
    assert had("convert", scene, "small.tif", "--cog", "--window", 50, 50, 20, 30).status == 0
    validated("small.tif").close()


def test_the_mask_of_anomalies_says_what_it_is(had, scene):
    words = ("--threshold", "quantile:0.99", "--mask-out", "mask.tif")
    assert had("detect", "-m", "grx", scene, *words).status == 0
    with rasterio.open("mask.tif") as raster:
        assert raster.descriptions == ("anomalous",)
        assert raster.nodata == 255
        assert raster.tags(ns="IMAGERY")["SATELLITEID"] == "EnMAP"
        check_statistics(raster, 1)


@pytest.mark.parametrize("words", [("detect", "-m", "grx"), ("convert",)])
def test_another_format_cannot_be_a_cog(had, scene, words, tmp_path):
    out = ("-o", "map.hdr") if words[0] == "detect" else ("map.hdr",)
    ended = had(*words, scene, *out, "--cog")
    assert ended.status == 1
    assert ended.err == "had: map.hdr: --cog makes a GeoTIFF; choose one of .tif, .tiff\n"
    assert not list((tmp_path / "here").iterdir())


def test_a_cog_that_fails_leaves_nothing(had, scene, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise rasterio.errors.RasterioIOError("no space left")

    monkeypatch.setattr("rasterio.shutil.copy", fail)
    ended = had("convert", scene, "copy.tif", "--cog")
    assert ended.status == 1
    assert ended.err == "had: copy.tif: cannot be written (no space left)\n"
    assert not list((tmp_path / "here").iterdir())


def test_statistics_do_not_depend_on_the_blocks():
    values = np.random.default_rng(1).normal(1e6, 1, (64, 48, 2))
    values[:7, :9, 0] = np.nan
    values[..., 1] = -1
    values[3, 3, 1] = 5
    whole, parts = BandStatistics(2, -1), BandStatistics(2, -1)
    whole.add(values)
    for row in range(0, 64, 5):
        parts.add(values[row : row + 5])
    for band in range(2):
        one, other = whole.tags(band), parts.tags(band)
        np.testing.assert_allclose(
            [float(v) for v in one.values()], [float(v) for v in other.values()], rtol=1e-9
        )
    assert float(whole.tags(1)["STATISTICS_STDDEV"]) == 0
    assert BandStatistics(1, None).tags(0) == {}
