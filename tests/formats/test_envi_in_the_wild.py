"""ENVI headers and their data as they are found: beside other files, packed, of another format, cut short."""

from __future__ import annotations

import gzip

import generate
import numpy as np
import pytest
import rasterio

from had_cli.errors import SceneError
from had_cli.scenes.open import open_scene

CUBE = generate.make_cube()  # 13 rows x 17 columns x 6 bands, int16
CENTRES = [400, 410, 420, 430, 440, 450]


def written(folder, **fields):
    return generate.write_envi(folder / "scene.hdr", CUBE, **fields)


class TestLibraries:
    @pytest.mark.parametrize("kind", ["ENVI Spectral Library", "envi spectral library"])
    @pytest.mark.parametrize("named", ["scene.hdr", "scene.sli"])
    def test_a_spectral_library_is_named_as_what_it_is(self, tmp_path, kind, named):
        spectra = np.zeros((5, 30, 1), np.float32)
        generate.write_envi(tmp_path / "scene.hdr", spectra, data=tmp_path / "scene.sli", file_type=kind)
        with pytest.raises(
            SceneError, match=r"is a spectral library \(5 spectra of 30 values\), not a scene"
        ):
            open_scene(tmp_path / named)

    def test_without_its_data_too(self, tmp_path):
        path = generate.write_envi(tmp_path / "a.hdr", CUBE, file_type="ENVI Spectral Library")
        path.with_suffix(".img").unlink()
        with pytest.raises(SceneError, match="is a spectral library"):
            open_scene(path)

    def test_sli_tells_where_the_header_does_not(self, tmp_path):
        generate.write_envi(tmp_path / "a.hdr", CUBE[..., :1], data=tmp_path / "a.sli")
        with pytest.raises(SceneError, match="is a spectral library"):
            open_scene(tmp_path / "a.sli")

    def test_a_pyramid_is_no_scene(self, tmp_path):
        path = written(tmp_path)
        path.with_suffix(".enp").write_bytes(bytes(500))
        with pytest.raises(SceneError, match="is an ENVI pyramid"):
            open_scene(path.with_suffix(".enp"))
        assert open_scene(path).shape == CUBE.shape


class TestLists:
    @pytest.mark.parametrize(
        ("field", "values"),
        [("wavelength", [400, 410]), ("band names", ["one"]), ("bbl", [1, 0]), ("wavelength", ["a"] * 6)],
    )
    def test_a_list_that_is_not_of_these_bands_is_left_aside_aloud(self, tmp_path, field, values):
        scene = open_scene(written(tmp_path, **{field.replace(" ", "_"): values}))
        assert scene.shape == CUBE.shape
        assert scene.wavelengths is None
        assert field in scene.info.notes[0]
        assert "ignored" in scene.info.notes[0]

    def test_gains_of_another_length_are_refused_for_they_change_values(self, tmp_path):
        with pytest.raises(SceneError, match="2 values of 'data gain values' for 6 bands"):
            open_scene(written(tmp_path, data_gain_values=[1, 2]))

    def test_one_zero_takes_its_place_between_its_neighbours(self, tmp_path):
        scene = open_scene(written(tmp_path, wavelength=[400, 410, 0, 430, 440, 450], wavelength_units="nm"))
        np.testing.assert_array_equal(scene.wavelengths, CENTRES)
        assert "1 wavelengths are not positive numbers (band 3)" in scene.info.notes[0]

    def test_values_without_commas_and_with_a_brace_on_the_next_line(self, tmp_path):
        path = written(tmp_path, wavelength_units="nm")
        path.write_text(path.read_text() + "wavelength =\n{400 410 420\n 430 440 450}\n")
        np.testing.assert_array_equal(open_scene(path).wavelengths, CENTRES)

    @pytest.mark.parametrize("name", ["wavelengths", "wavlength", "Wavelength"])
    def test_misspelt_fields(self, tmp_path, name):
        path = written(tmp_path, wavelength_units="nm")
        path.write_text(path.read_text() + f"{name} = {{400, 410, 420, 430, 440, 450}}\n")
        np.testing.assert_array_equal(open_scene(path).wavelengths, CENTRES)

    @pytest.mark.parametrize(
        ("values", "unit", "note"),
        [
            ([0.4, 0.41, 0.42, 0.43, 0.44, 0.45], "Nanometers", "cannot be nm"),
            (CENTRES, "Micrometers", "cannot be um"),
            (CENTRES, None, "is not stated"),
            (CENTRES, "Nannometers", "is 'Nannometers'"),
        ],
    )
    def test_a_unit_that_is_wrong_or_missing_is_told_from_the_values(self, tmp_path, values, unit, note):
        scene = open_scene(written(tmp_path, wavelength=values, wavelength_units=unit))
        np.testing.assert_array_equal(scene.wavelengths, CENTRES)
        assert note in scene.info.notes[0]

    def test_each_value_with_its_unit(self, tmp_path):
        scene = open_scene(written(tmp_path, wavelength=[f"{c} nm" for c in CENTRES]))
        np.testing.assert_array_equal(scene.wavelengths, CENTRES)
        assert scene.info.notes == ()

    def test_odd_wavelengths_of_ours_come_back_as_they_were(self, tmp_path):
        from had_cli.scenes.convert import convert

        np.save(tmp_path / "a.npy", np.zeros((3, 4, 2)))
        (tmp_path / "a.npy.json").write_text('{"wavelengths": [5, 7.5], "fwhm": [3000, 0.01]}')
        path = convert(tmp_path / "a.npy", tmp_path / "b.hdr").path
        info = open_scene(path).info
        assert (info.wavelengths.tolist(), info.fwhm.tolist()) == ([5, 7.5], [3000, 0.01])


class TestData:
    def test_compressed_data_are_unpacked(self, tmp_path):
        path = written(tmp_path, file_compression=1)
        data = path.with_suffix(".img")
        data.write_bytes(gzip.compress(data.read_bytes()))
        for named in (path, data):
            with open_scene(named) as scene:
                np.testing.assert_array_equal(scene.read(), CUBE)
                np.testing.assert_array_equal(scene.read(generate_window(2, 3, 4, 5)), CUBE[3:8, 2:6])
                assert "is compressed" in scene.info.notes[0]
        assert sorted(p.name for p in tmp_path.iterdir()) == ["scene.hdr", "scene.img"]

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda raw: gzip.compress(raw[:-2]), "truncated: 2650 bytes unpacked"),
            (lambda raw: gzip.compress(raw)[:-20], "cannot be read"),
            (lambda raw: b"\x1f\x8b" + bytes(40), "cannot be read"),
        ],
    )
    def test_damaged_compressed_data_are_one_line(self, tmp_path, spoil, reason):
        path = written(tmp_path, file_compression=1)
        data = path.with_suffix(".img")
        data.write_bytes(spoil(data.read_bytes()))
        with pytest.raises(SceneError, match=reason), open_scene(path) as scene:
            scene.read()

    def test_said_to_be_compressed_and_not(self, tmp_path):
        scene = open_scene(written(tmp_path, file_compression=1))
        np.testing.assert_array_equal(scene.read(), CUBE)
        assert "they are not" in scene.info.notes[0]

    def test_of_two_data_files_it_is_told_which_is_taken(self, tmp_path):
        path = written(tmp_path)
        path.with_suffix(".dat").write_bytes(bytes(CUBE.nbytes))
        assert (
            "scene.img is taken as the data of scene.hdr; also there: scene.dat"
            in open_scene(path).info.notes
        )

    @pytest.mark.parametrize("kind", ["TIFF", "ENVI Standard"])
    @pytest.mark.parametrize("named", ["scene.hdr", "scene.img"])
    def test_a_tiff_behind_a_header_is_read_as_one(self, tmp_path, kind, named):
        written(tmp_path, file_type=kind, wavelength=CENTRES, wavelength_units="nm")
        tiff = generate.write_geotiff(tmp_path / "t.tif", CUBE)
        tiff.rename(tmp_path / "scene.img")
        scene = open_scene(tmp_path / named)
        np.testing.assert_array_equal(scene.read(), CUBE)
        np.testing.assert_array_equal(scene.wavelengths, CENTRES)
        assert "is a TIFF" in scene.info.notes[-1]

    def test_a_header_that_says_tiff_and_no_more(self, tmp_path):
        generate.write_geotiff(tmp_path / "scene.tif", CUBE)
        (tmp_path / "scene.hdr").write_text("ENVI\nsamples = 17\nlines = 13\nbands = 6\nfile type = TIFF\n")
        np.testing.assert_array_equal(open_scene(tmp_path / "scene.hdr").read(), CUBE)

    @pytest.mark.parametrize("suffix", [".bsq", ".raw", ".img"])
    def test_raw_values_without_a_header_say_what_is_missing(self, tmp_path, suffix):
        (tmp_path / f"a{suffix}").write_bytes(bytes(600))
        with pytest.raises(SceneError, match=r"holds raw values.*put its ENVI header a\.hdr beside it"):
            open_scene(tmp_path / f"a{suffix}")


def generate_window(col, row, width, height):
    from had_cli.scenes.source import Window

    return Window(col, row, width, height)


class TestEsri:
    HEADER = "BYTEORDER I\nLAYOUT BIL\nNROWS 13\nNCOLS 17\nNBANDS 6\nNBITS 16\nPIXELTYPE SIGNEDINT\n"
    WAVELENGTHS = "WAVELENGTHS\n400\n410\n420\n430\n440\n450\nWAVELENGTHS_END\n"

    @pytest.mark.parametrize("named", ["a.hdr", "a.bil"])
    def test_header_and_data(self, tmp_path, named):
        (tmp_path / "a.hdr").write_text(self.HEADER + self.WAVELENGTHS)
        (tmp_path / "a.bil").write_bytes(CUBE.transpose(0, 2, 1).astype("<i2").tobytes())
        with open_scene(tmp_path / named) as scene:
            np.testing.assert_array_equal(scene.read(), CUBE)
            np.testing.assert_array_equal(scene.wavelengths, CENTRES)

    def test_cut_data_and_no_data(self, tmp_path):
        (tmp_path / "a.hdr").write_text(self.HEADER)
        with pytest.raises(SceneError, match="there is no data file a "):
            open_scene(tmp_path / "a.hdr")
        (tmp_path / "a.bil").write_bytes(bytes(2000))
        with pytest.raises(SceneError, match="truncated: 2000 bytes where its header asks for 2652"):
            open_scene(tmp_path / "a.hdr")


def test_a_header_cut_anywhere_is_the_scene_or_one_line(tmp_path):
    path = written(tmp_path, wavelength=CENTRES, wavelength_units="nm", band_names=list("abcdef"))
    text = path.read_text()
    for end in range(5, len(text)):
        path.write_text(text[:end])
        refusal, centres = "scene.", None
        try:
            with open_scene(path) as scene:
                scene.read()
                centres = scene.wavelengths
        except SceneError as error:
            refusal = str(error)
        assert "scene." in refusal
        assert "\n" not in refusal
        # what is half read is not believed
        assert centres is None or centres.tolist() == CENTRES


@pytest.mark.parametrize("end", ["wavelength = {400, 41", "wavelength", "wavelength ="])
def test_a_header_that_ends_inside_a_field_is_refused(tmp_path, end):
    path = written(tmp_path)
    path.write_text(path.read_text() + end)
    with pytest.raises(SceneError, match=r"never closed|ends in the middle of"):
        open_scene(path)


class TestSeenByGdal:
    @pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
    def test_envi_to_geotiff_to_envi_keeps_wavelengths_and_plain_gdal_sees_them(self, tmp_path):
        from had_cli.scenes.convert import convert

        centres, widths = [400.25, 410.5, 421, 430, 1440.125, 2450], [9.5, 9.5, 10, 10, 11, 12.25]
        path = written(tmp_path, wavelength=centres, fwhm=widths, wavelength_units="Nanometers")
        tiff = convert(path, tmp_path / "b.tif").path
        back = convert(tiff, tmp_path / "c.hdr").path
        for named in (tiff, back):
            info = open_scene(named).info
            assert (info.wavelengths.tolist(), info.fwhm.tolist()) == (centres, widths)
        for named, digits in ((tiff, 9), (back.with_suffix(".img"), 3)):  # GDAL rounds what it reads of ENVI
            with rasterio.open(named) as raster:
                for band, (centre, width) in enumerate(zip(centres, widths, strict=True), start=1):
                    imagery = raster.tags(band, ns="IMAGERY")
                    assert float(imagery["CENTRAL_WAVELENGTH_UM"]) == pytest.approx(
                        centre / 1000, abs=10**-digits
                    )
                    assert float(imagery["FWHM_UM"]) == pytest.approx(width / 1000, abs=10**-digits)

    def test_the_envi_domain_of_a_geotiff(self, tmp_path):
        def whole(raster):
            raster.update_tags(ns="ENVI", wavelength="{400, 410, 420, 430, 440, 450}", wavelength_units="nm")
            raster.update_tags(ns="ENVI", bbl="{1, 1, 0, 1, 1, 1}", fwhm="{9, 9, 9, 9, 9, 9}")

        def by_band(raster):
            for band, centre in enumerate(CENTRES, start=1):
                tags = {
                    "wavelength": str(centre),
                    "wavelength units": "nm",
                    "fwhm": "9",
                    "bbl": str(int(band != 3)),
                }
                raster.update_tags(band, ns="ENVI", **tags)

        for name, annotate in (("whole", whole), ("by_band", by_band)):
            path = generate.write_geotiff(tmp_path / f"{name}.tif", CUBE, annotate=annotate)
            scene = open_scene(path)
            assert scene.source.info.wavelengths.tolist() == CENTRES
            assert scene.source.info.fwhm.tolist() == [9] * 6
            assert scene.bands.tolist() == [0, 1, 3, 4, 5]

    def test_full_digits_in_the_envi_domain_go_before_rounded_ones_in_imagery(self, tmp_path):
        def annotate(raster):
            raster.update_tags(
                ns="ENVI", wavelength="{400.25, 410.5, 420, 430, 440, 450}", wavelength_units="nm"
            )
            for band, centre in enumerate([0.400, 0.411, 0.420, 0.430, 0.440, 0.450], start=1):
                raster.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=str(centre))

        path = generate.write_geotiff(tmp_path / "a.tif", CUBE, annotate=annotate)
        assert open_scene(path).wavelengths.tolist() == [400.25, 410.5, 420, 430, 440, 450]
