"""GeoTIFF and its relatives: where GDAL's users keep nodata, masks, scales and wavelengths."""

from __future__ import annotations

import zipfile

import generate
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from had_cli.errors import SceneError
from had_cli.scenes.open import open_scene
from had_cli.scenes.source import Window

CUBE = generate.make_cube(bands=3)


def scene_with(tmp_path, annotate=None, cube=CUBE, **profile):
    return open_scene(generate.write_geotiff(tmp_path / "scene.tif", cube, annotate=annotate, **profile))


def vrt_of(path, edit):
    """Write a VRT over a GeoTIFF, its XML changed by ``edit``."""
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{b}"><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">{path.name}</SourceFilename>'
        f"<SourceBand>{b}</SourceBand></SimpleSource></VRTRasterBand>"
        for b in (1, 2, 3)
    )
    text = f'<VRTDataset rasterXSize="17" rasterYSize="13">{bands}</VRTDataset>'
    target = path.with_suffix(".vrt")
    target.write_text(edit(text))
    return target


class TestValidity:
    def test_nodata(self, tmp_path):
        cube = CUBE.copy()
        cube[1, 2] = -9999
        values = scene_with(tmp_path, cube=cube, nodata=-9999).read()
        assert np.argwhere(np.isnan(values).all(axis=2)).tolist() == [[1, 2]]

    def test_nodata_of_each_band(self, tmp_path):
        cube = CUBE.copy()
        cube[0, 0], cube[0, 1] = (-1, -2, 5), (-2, -1, 5)
        path = generate.write_geotiff(tmp_path / "scene.tif", cube)
        target = vrt_of(
            path,
            lambda text: text.replace('band="1">', 'band="1"><NoDataValue>-1</NoDataValue>').replace(
                'band="2">', 'band="2"><NoDataValue>-2</NoDataValue>'
            ),
        )
        scene = open_scene(target)
        assert scene.info.nodata == (-1, -2, None)
        values = scene.read(Window(0, 0, 2, 1))
        assert np.isnan(values[0, 0]).tolist() == [True, True, False]
        assert np.isfinite(values[0, 1]).all()
        assert open_scene(target, bands=[1]).info.nodata == (-2,)

    def test_internal_mask(self, tmp_path):
        mask = np.full((13, 17), 255, np.uint8)
        mask[4, 5] = 0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            scene = scene_with(tmp_path, lambda raster: raster.write_mask(mask))
        assert scene.source.valid(Window(0, 0, 17, 13)).sum() == 17 * 13 - 1
        assert np.argwhere(np.isnan(scene.read())[..., 0]).tolist() == [[4, 5]]
        assert np.isfinite(scene.read(Window(6, 4, 5, 5))).all()

    def test_mask_file_beside_the_raster(self, tmp_path):
        mask = np.full((13, 17), 255, np.uint8)
        mask[0] = 0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
            scene = scene_with(tmp_path, lambda raster: raster.write_mask(mask))
        assert (tmp_path / "scene.tif.msk").exists()
        assert np.isnan(scene.read()[0]).all()

    def test_alpha_is_a_mask_and_no_band(self, tmp_path):
        cube = generate.make_cube(bands=4, dtype="u1")
        cube[..., 3] = 255
        cube[7, 7, 3] = 0

        def annotate(raster):
            raster.colorinterp = [
                ColorInterp.gray,
                ColorInterp.undefined,
                ColorInterp.undefined,
                ColorInterp.alpha,
            ]

        scene = scene_with(tmp_path, annotate, cube)
        assert scene.shape == (13, 17, 3)
        assert np.isnan(scene.read()[7, 7]).all()

    def test_all_nodata_opens_and_is_all_nan(self, tmp_path):
        assert np.isnan(scene_with(tmp_path, cube=np.full((4, 5, 2), 7, "i2"), nodata=7).read()).all()


class TestValues:
    def test_scale_and_offset_of_each_band(self, tmp_path):
        def annotate(raster):
            raster.scales, raster.offsets = (0.1, 0.2, 0.3), (0, 1, 2)

        expected = CUBE * np.array([0.1, 0.2, 0.3]) + [0, 1, 2]
        np.testing.assert_allclose(scene_with(tmp_path, annotate).read(), expected, rtol=1e-6)

    def test_place(self, tmp_path):
        info = scene_with(tmp_path, crs="EPSG:32611", transform=rasterio.Affine(2, 0, 5, 0, -2, 9)).info
        assert info.transform == (2, 0, 5, 0, -2, 9)
        assert rasterio.CRS.from_wkt(info.crs).to_epsg() == 32611

    def test_a_raster_of_one_band_is_a_scene_of_one_band(self, tmp_path):
        assert scene_with(tmp_path, cube=CUBE[..., :1]).shape == (13, 17, 1)

    def test_png(self, tmp_path):
        image = generate.make_cube(bands=1, dtype="u1")[..., 0]
        generate.write_geotiff(tmp_path / "a.png", image[..., None], driver="PNG")
        np.testing.assert_array_equal(open_scene(tmp_path / "a.png").read()[..., 0], image)


def band_tags(**values):
    def annotate(raster):
        for name, texts in values.items():
            for band, text in enumerate(texts):
                raster.update_tags(band + 1, **{name: text})

    return annotate


def imagery(centres, widths=None):
    def annotate(raster):
        for band, centre in enumerate(centres):
            raster.update_tags(band + 1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=centre)
            if widths:
                raster.update_tags(band + 1, ns="IMAGERY", FWHM_UM=widths[band])

    return annotate


def descriptions(*texts):
    def annotate(raster):
        raster.descriptions = texts

    return annotate


def tags(**values):
    return lambda raster: raster.update_tags(**values)


PLACES = {
    "imagery domain": imagery(["0.45", "0.55", "2.5"]),
    "descriptions in nm": descriptions("450 nm", "Green 550.0nm", "2500 nanometers"),
    "descriptions in um": descriptions("0.45 um", "0.55um", "2.5 µm"),
    "descriptions by name": descriptions("wavelength = 450", "wavelength = 550", "wavelength = 2500"),
    "band tags with units": band_tags(
        wavelength=["0.45", "0.55", "2.5"], wavelength_units=["Micrometers"] * 3
    ),
    "band tags without units": band_tags(WAVELENGTH=["450", "550", "2500"]),
    "list in a tag": tags(wavelengths="{450, 550.0, 2500}", wavelength_units="nm"),
    "list in a tag, in um": tags(wavelength="0.45, 0.55, 2.5"),
    "what gdal_translate leaves of ENVI": tags(
        Band_1="450 Nanometers", Band_2="550.0 Nanometers", Band_3="2500 Nanometers"
    ),
}


class TestWavelengths:
    @pytest.mark.parametrize("place", PLACES)
    def test_found(self, tmp_path, place):
        np.testing.assert_array_equal(scene_with(tmp_path, PLACES[place]).wavelengths, [450, 550, 2500])

    def test_the_imagery_domain_goes_before_descriptions_and_those_before_tags(self, tmp_path):
        def first(raster):
            imagery(["0.4", "0.5", "0.6"], ["0.01", "0.01", "0.02"])(raster)
            second(raster)

        def second(raster):
            descriptions("700 nm", "800 nm", "900 nm")(raster)
            tags(wavelengths="1000, 1100, 1200")(raster)

        info = scene_with(tmp_path, first).info
        np.testing.assert_array_equal(info.wavelengths, [400, 500, 600])
        np.testing.assert_array_equal(info.fwhm, [10, 10, 20])
        (tmp_path / "scene.tif").unlink()
        np.testing.assert_array_equal(scene_with(tmp_path, second).wavelengths, [700, 800, 900])

    def test_descriptions_of_some_bands_are_names(self, tmp_path):
        info = scene_with(tmp_path, descriptions("450 nm", "cloud", None)).info
        assert info.wavelengths is None
        assert info.band_names == ("450 nm", "cloud", "")

    def test_bad_bands(self, tmp_path):
        assert scene_with(tmp_path, tags(bbl="{1, 0, 1.0}")).bands.tolist() == [0, 2]
        (tmp_path / "scene.tif").unlink()
        assert scene_with(tmp_path, band_tags(bbl=["1", "1", "0"])).bands.tolist() == [0, 1]

    def test_a_damaged_list_of_bad_bands_is_ignored_with_a_note(self, tmp_path):
        scene = scene_with(tmp_path, tags(bbl="1, 0"))
        assert scene.shape[2] == 3
        assert "the list of bad bands is damaged (2 values of 'bbl' for 3" in scene.info.notes[0]


class TestContainers:
    def test_zip(self, tmp_path):
        path = generate.write_geotiff(tmp_path / "scene.tif", CUBE)
        with zipfile.ZipFile(tmp_path / "scene.zip", "w") as archive:
            archive.write(path, "folder/scene.tif")
            archive.writestr("folder/README.txt", "hello")
        np.testing.assert_array_equal(open_scene(tmp_path / "scene.zip").read(), CUBE)
        np.testing.assert_array_equal(
            open_scene(f"/vsizip/{tmp_path}/scene.zip/folder/scene.tif").read(), CUBE
        )

    def test_zip_of_two_rasters_says_how_to_choose(self, tmp_path):
        path = generate.write_geotiff(tmp_path / "scene.tif", CUBE)
        with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
            archive.write(path, "a.tif")
            archive.write(path, "b.tif")
        with pytest.raises(SceneError, match=r"a\.tif, b\.tif; name it as /vsizip/"):
            open_scene(tmp_path / "two.zip")

    def test_a_url_that_cannot_be_read_is_one_line(self, monkeypatch):
        monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
        with pytest.raises(
            SceneError, match=r"/vsicurl/http://127\.0\.0\.1:9/none\.tif: the server does not answer"
        ) as caught:
            open_scene("/vsicurl/http://127.0.0.1:9/none.tif")
        assert "\n" not in str(caught.value)

    def test_a_file_without_suffix_is_recognised_by_its_content(self, tmp_path):
        path = generate.write_geotiff(tmp_path / "scene.tif", CUBE).rename(tmp_path / "scene")
        np.testing.assert_array_equal(open_scene(path).read(), CUBE)


def test_complex_values_are_refused(tmp_path):
    with pytest.raises(SceneError, match=r"scene\.tif: holds complex values"):
        scene_with(tmp_path, cube=np.ones((4, 5, 2), np.complex64))


def test_a_tile_cut_off_at_the_end_is_one_line_when_it_is_read(tmp_path):
    path = generate.write_geotiff(tmp_path / "scene.tif", generate.make_cube(rows=200, cols=200), tiled=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        SceneError, match=r"scene\.tif: GDAL cannot read it \(.*\); is it a raster, and complete\?"
    ):
        open_scene(path).read()
