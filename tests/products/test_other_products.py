"""DESIS, AVIRIS-3 and -5, NEON and Tanager."""

import json

import h5py
import numpy as np
import pytest
import rasterio
from every_product import check_cube, check_detection, refusal
from products_made import (
    COLS,
    DESIS,
    PLACE,
    ROWS,
    make_aviris,
    make_desis,
    make_neon,
    make_tanager,
)

from had_cli import open_scene


def epsg(wkt):
    return rasterio.CRS.from_wkt(wkt).to_epsg()


def masks(had, path):
    known = json.loads(had("info", path, "--json").out)
    return {mask["name"]: (mask["pixels"], mask["applied"]) for mask in known["quality"]}


class TestDesis:
    def test_cube_by_the_image_and_by_the_metadata(self, tmp_path):
        made = make_desis(tmp_path)
        check_cube(made)
        check_cube(made, made.extra["metadata"])
        with open_scene(made.path) as scene:
            info = scene.source.info
            assert info.format == "DESIS L2A"
            assert np.allclose(info.fwhm, 3.5)
            assert epsg(info.crs) == 32632
            assert info.transform == tuple(PLACE["transform"])[:6]

    def test_masks(self, tmp_path, had):
        made = make_desis(tmp_path)
        flags, masking = made.extra["flags"], {"cloud", "haze", "shadow"}
        assert masks(had, made.path) == {
            name: (int(flag.sum()), name in masking) for name, flag in flags.items()
        }
        masked = np.any([np.isnan(made.cube).any(axis=2), *(flags[name] for name in masking)], axis=0)
        check_detection(made.path, masked, 6, had)

    def test_damage(self, tmp_path, had):
        made = make_desis(tmp_path)
        made.extra["metadata"].write_text("<hsi_doc/>")
        assert "has no bandCharacterisation" in refusal(had, made.path)
        made.extra["metadata"].unlink()
        assert f"needs {DESIS}-METADATA.XML" in refusal(had, made.path)


class TestAviris:
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize("mapping", ["transverse_mercator", "projection"])
    def test_cube_and_place(self, tmp_path, mapping, turned):
        made = make_aviris(tmp_path, mapping=mapping, turned=turned)
        check_cube(made)
        with open_scene(made.path) as scene:
            info = scene.source.info
            assert info.format == "AVIRIS reflectance"
            assert info.block == (8, 8)
            assert epsg(info.crs) == 32611
            assert rasterio.Affine(*info.transform).to_gdal() == made.extra["transform"]

    def test_detection(self, tmp_path, had):
        made = make_aviris(tmp_path, turned=True)
        check_detection(made.path, np.isnan(made.cube).any(axis=2), 7, had)
        with rasterio.open("slrx.tif") as found:
            assert found.transform.to_gdal() == made.extra["transform"]

    def test_coordinates_place_a_file_without_geotransform(self, tmp_path):
        made = make_aviris(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file["transverse_mercator"].attrs["GeoTransform"]
        with open_scene(made.path) as scene:
            place = rasterio.Affine(*scene.info.transform).to_gdal()
            assert place == pytest.approx(made.extra["transform"])

    def test_radiance_on_the_sensors_grid_has_its_table(self, tmp_path, had):
        made = make_aviris(tmp_path, raw=True)
        check_cube(made)
        assert had("detect", "-m", "grx", made.path, "-o", "map.tif").status == 0
        with rasterio.open("map.tif") as found:
            assert (found.height, found.width) == made.extra["glt"][0].shape
            assert found.transform.to_gdal() == made.extra["transform"]

    @pytest.mark.parametrize("missing", ["reflectance/reflectance", "reflectance/wavelength", "reflectance"])
    def test_damage(self, tmp_path, had, missing):
        made = make_aviris(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file[missing]
        assert "has no /reflectance/" in refusal(had, made.path)


class TestNeon:
    def test_cube_place_and_bad_bands(self, tmp_path, had):
        made = make_neon(tmp_path)
        check_cube(made)
        with open_scene(made.path) as scene:
            info = scene.source.info
            assert info.format == "NEON SERC"
            assert np.allclose(info.fwhm, 5.8)
            assert np.array_equal(info.bad_bands, made.extra["bad"])
            assert epsg(info.crs) == 32618
            assert info.transform == (1, 0, 368000, 0, -1, 4307000)
        assert "3 bands lie in the file's windows of water vapour (1340 to 1445, 1790 to 1955 nm)" in (
            had("info", made.path).out
        )

    def test_masks(self, tmp_path, had):
        made = make_neon(tmp_path)
        flags = made.extra["flags"]
        assert masks(had, made.path) == {
            name: (int(flag.sum()), name != "water") for name, flag in flags.items()
        }
        masked = np.isnan(made.cube).any(axis=2) | flags["cloud"] | flags["cirrus"] | flags["haze"]
        check_detection(made.path, masked, 5, had)

    def test_without_a_map_of_classes(self, tmp_path, had):
        made = make_neon(tmp_path, classes=False)
        assert masks(had, made.path) == {}
        check_detection(made.path, np.isnan(made.cube).any(axis=2), 5, had)

    @pytest.mark.parametrize(
        ("missing", "told"),
        [
            ("SERC/Reflectance/Reflectance_Data", "has no /SERC/Reflectance/Reflectance_Data"),
            ("SERC/Reflectance/Metadata/Spectral_Data", "has no /SERC/Reflectance/Metadata/Spectral_Data"),
            ("SERC", "has no group SITE/Reflectance"),
        ],
    )
    def test_damage(self, tmp_path, had, missing, told):
        made = make_neon(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file[missing]
        assert told in refusal(had, made.path)


class TestTanager:
    @pytest.mark.parametrize("kind", ["GRIDS", "SWATHS"])
    def test_cube_place_and_bad_bands(self, tmp_path, kind):
        made = make_tanager(tmp_path, kind=kind)
        check_cube(made)
        with open_scene(made.path) as scene:
            info = scene.source.info
            assert info.format == "Tanager surface reflectance"
            assert np.array_equal(info.bad_bands, made.extra["bad"])
            assert info.block == (7, 6)
            if kind == "GRIDS":
                assert epsg(info.crs) == 32632
                assert info.transform == (30, 0, 345660, 0, -30, 6286110)
            else:
                assert "the ortho product is on a map" in info.notes[0]

    def test_masks(self, tmp_path, had):
        made = make_tanager(tmp_path)
        assert masks(had, made.path) == {"cloud": (4, True), "cirrus": (4, True)}
        masked = np.zeros((ROWS, COLS), bool)
        masked[:, :3] = True
        check_detection(made.path, masked | made.extra["cloud"] | made.extra["cirrus"], 5, had)

    def test_pixels_outside_the_strip_are_no_choice(self, tmp_path):
        made = make_tanager(tmp_path)
        with h5py.File(made.path, "r+") as file:
            file["HDFEOS/GRIDS/HYP/Data Fields/nodata_pixels"][10, 10] = 1
        with open_scene(made.path, quality="none") as scene:
            assert np.isnan(scene.read()[10, 10]).all()

    @pytest.mark.parametrize(
        ("missing", "told"),
        [
            ("HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance", "has no /HDFEOS/GRIDS/HYP/Data Fields"),
            ("HDFEOS", "has no HDFEOS/GRIDS/HYP/Data Fields"),
        ],
    )
    def test_damage(self, tmp_path, had, missing, told):
        made = make_tanager(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file[missing]
        assert told in refusal(had, made.path)
