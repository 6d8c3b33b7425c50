"""ENVI headers as ENVI, instruments and people write them."""

from __future__ import annotations

import generate
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.errors import SceneError
from had_cli.formats.envi_header import Header, listed, parse, representable
from had_cli.formats.units import number
from had_cli.scenes.open import open_scene

UTM = "{UTM, 1, 1, 606263.2, 4078421.7, 1.7, 1.7, 11, North, WGS-84, units=Meters}"


def scene_with(tmp_path, cube=None, **fields):
    return open_scene(
        generate.write_envi(tmp_path / "scene.hdr", generate.make_cube() if cube is None else cube, **fields)
    )


class TestWavelengths:
    def test_nanometres(self, tmp_path):
        scene = scene_with(
            tmp_path, wavelength=[400, 500.5, 600, 700, 800, 900], wavelength_units="Nanometers"
        )
        np.testing.assert_array_equal(scene.wavelengths, [400, 500.5, 600, 700, 800, 900])

    def test_micrometres_become_nanometres_without_losing_a_digit(self, tmp_path):
        scene = scene_with(
            tmp_path,
            wavelength=[0.4, 0.4505, 0.6, 0.7, 1.1234567, 2.5],
            fwhm=[0.01] * 6,
            wavelength_units="Micrometers",
        )
        np.testing.assert_array_equal(scene.wavelengths, [400, 450.5, 600, 700, 1123.4567, 2500])
        np.testing.assert_array_equal(scene.info.fwhm, [10] * 6)

    @pytest.mark.parametrize(
        ("values", "nanometres"), [([0.4, 2.5], [400, 2500]), ([400, 2500], [400, 2500])]
    )
    @pytest.mark.parametrize("units", [None, "Unknown"])
    def test_absent_units_are_told_from_the_magnitude_and_noted(self, tmp_path, values, nanometres, units):
        scene = scene_with(tmp_path, generate.make_cube(bands=2), wavelength=values, wavelength_units=units)
        np.testing.assert_array_equal(scene.wavelengths, nanometres)
        assert "the unit of the wavelengths is not stated" in scene.info.notes[0]

    def test_wavenumbers(self, tmp_path):
        scene = scene_with(
            tmp_path, generate.make_cube(bands=2), wavelength=[1000, 800], wavelength_units="Wavenumber"
        )
        np.testing.assert_array_equal(scene.wavelengths, [10_000, 12_500])

    @pytest.mark.parametrize(("values", "units"), [([1, 2], "Index"), ([0, 0], "Nanometers"), ([1, 2], None)])
    def test_what_is_no_wavelength_is_ignored_with_a_note(self, tmp_path, values, units):
        scene = scene_with(tmp_path, generate.make_cube(bands=2), wavelength=values, wavelength_units=units)
        assert scene.wavelengths is None
        assert "ignored" in scene.info.notes[0]


class TestValues:
    @pytest.mark.parametrize("bbl", [[1, 0, 1, 1, 0, 1], ["1.000", "0.0", "1.0", "1", "0.00", "1."]])
    def test_bad_bands_as_ints_and_floats_are_left_out(self, tmp_path, bbl):
        scene = scene_with(tmp_path, bbl=bbl)
        assert scene.bands.tolist() == [0, 2, 3, 5]
        np.testing.assert_array_equal(scene.read(), generate.make_cube()[..., [0, 2, 3, 5]])

    def test_stored_counts_are_divided_by_the_reflectance_scale_factor(self, tmp_path):
        scene = scene_with(tmp_path, reflectance_scale_factor=10000)
        np.testing.assert_allclose(scene.read(), generate.make_cube() / 1e4, rtol=1e-6)

    def test_gains_and_offsets(self, tmp_path):
        gains, offsets = [1, 2, 3, 4, 5, 6.5], [0, 0, 0, 1, 1, -1]
        scene = scene_with(tmp_path, data_gain_values=gains, data_offset_values=offsets)
        np.testing.assert_allclose(scene.read(), generate.make_cube() * np.array(gains) + offsets, rtol=1e-6)

    @pytest.mark.parametrize(
        ("dtype", "stored", "text"), [("i2", -9999, "-9999"), ("f4", -3.4028235e38, "-3.4028235e+38")]
    )
    def test_ignored_values_are_nan(self, tmp_path, dtype, stored, text):
        cube = generate.make_cube(dtype=dtype)
        cube[3, 4] = stored
        values = scene_with(tmp_path, cube, data_ignore_value=text).read()
        assert np.isnan(values[3, 4]).all()
        assert np.isnan(values).sum() == 6

    def test_an_ignored_value_that_the_type_cannot_hold_hides_nothing(self, tmp_path):
        cube = generate.make_cube(dtype="u1")
        cube[0, 0, 0] = 1  # -255 in eight bits
        assert np.isfinite(scene_with(tmp_path, cube, data_ignore_value=-255).read()).all()

    @pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_every_data_type(self, tmp_path, kind, order):
        cube = generate.make_cube(dtype=kind)
        scene = scene_with(tmp_path, cube, order=order)
        np.testing.assert_array_equal(scene.read(), cube.astype("f4"))

    def test_header_offset(self, tmp_path):
        np.testing.assert_array_equal(scene_with(tmp_path, offset=1234).read(), generate.make_cube())


class TestPlace:
    def test_utm(self, tmp_path):
        info = scene_with(tmp_path, map_info=UTM).info
        assert info.transform == (1.7, 0, 606263.2, 0, -1.7, 4078421.7)
        assert rasterio.CRS.from_wkt(info.crs).to_epsg() == 32611

    def test_reference_pixel_other_than_the_first(self, tmp_path):
        info = scene_with(tmp_path, map_info="{UTM, 11, 21, 5000, 8000, 2, 4, 11, North, WGS-84}").info
        assert info.transform == (2, 0, 4980, 0, -4, 8080)

    def test_rotation_turns_about_the_reference_pixel(self, tmp_path):
        info = scene_with(
            tmp_path, map_info="{UTM, 3, 5, 1000, 2000, 2, 2, 11, North, WGS-84, rotation=30}"
        ).info
        a, b, c, d, e, f = info.transform
        assert (2 * a + 4 * b + c, 2 * d + 4 * e + f) == pytest.approx((1000, 2000))
        assert (a, b, d, e) == pytest.approx((3**0.5, 1, 1, -(3**0.5)))

    def test_gdal_agrees_on_a_rotated_raster(self, tmp_path):
        path = generate.write_envi(
            tmp_path / "scene.hdr", generate.make_cube(), map_info=UTM[:-1] + ", rotation=-28}"
        )
        with rasterio.open(path.with_suffix(".img")) as theirs, open_scene(path) as ours:
            assert ours.info.transform == pytest.approx(tuple(theirs.transform)[:6])

    def test_a_coordinate_system_string_counts_in_its_own_unit(self, tmp_path):
        wkt = rasterio.CRS.from_epsg(2229).to_wkt(version="WKT1_ESRI")  # US survey feet
        info = scene_with(
            tmp_path,
            map_info="{California 5, 1, 1, 5, 6, 2, 2, units=Feet}",
            coordinate_system_string=f"{{{wkt}}}",
        ).info
        assert rasterio.CRS.from_wkt(info.crs) == rasterio.CRS.from_epsg(2229)

    def test_arbitrary_unit_pixels_are_no_place(self, tmp_path):
        info = scene_with(tmp_path, map_info="{Arbitrary, 1, 1, 0, 0, 1, 1, 0, North}").info
        assert info.transform is None
        assert info.crs is None

    def test_a_broken_map_info_is_noted(self, tmp_path):
        info = scene_with(tmp_path, map_info="{UTM, 1, 1, here, there}").info
        assert info.transform is None
        assert "map info is incomplete" in info.notes[0]


class TestFiles:
    @pytest.mark.parametrize(
        "data", ["scene", "scene.img", "scene.dat", "scene.bil", "scene.IMG", "scene.raw"]
    )
    def test_header_and_data_find_each_other(self, tmp_path, data):
        header = generate.write_envi(tmp_path / "scene.hdr", generate.make_cube(), data=tmp_path / data)
        for named in (header, tmp_path / data):
            with open_scene(named) as scene:
                np.testing.assert_array_equal(scene.read(), generate.make_cube())

    def test_a_header_named_after_the_data_file(self, tmp_path):
        header = generate.write_envi(
            tmp_path / "scene.img.hdr", generate.make_cube(), data=tmp_path / "scene.img"
        )
        for named in (header, tmp_path / "scene.img"):
            with open_scene(named) as scene:
                assert scene.shape == (13, 17, 6)
                assert scene.name == "scene"

    def test_of_two_data_files_the_one_of_the_right_size_is_read(self, tmp_path):
        (tmp_path / "scene.img").write_bytes(b"a map made of the scene")
        path = generate.write_envi(tmp_path / "scene.hdr", generate.make_cube(), data=tmp_path / "scene.dat")
        np.testing.assert_array_equal(open_scene(path).read(), generate.make_cube())

    def test_a_longer_data_file_is_read_with_a_note(self, tmp_path):
        path = generate.write_envi(tmp_path / "scene.hdr", generate.make_cube())
        with path.with_suffix(".img").open("ab") as file:
            file.write(b"tail")
        assert "4 bytes longer" in open_scene(path).info.notes[0]

    def test_windows_line_ends_comments_and_odd_spacing(self, tmp_path):
        path = generate.write_envi(tmp_path / "scene.hdr", generate.make_cube())
        text = (
            path.read_text().replace("samples = 17", "; the sensor = new\nSamples=17").replace("\n", "\r\n")
        )
        path.write_bytes(text.encode() + b"description = {\r\n Messung \xfcber\r\n Land}\r\n")
        info = open_scene(path).info
        assert info.shape == (13, 17, 6)
        assert info.tags["description"] == "Messung über\n Land".replace("\n ", "\n")


WRONG = {
    "no lines": ({"lines": None}, "the header has no 'lines'"),
    "text for a number": ({"samples": "many"}, "'samples' holds 'many'"),
    "half a band": ({"bands": 2.5}, "not a whole number"),
    "negative": ({"lines": -13}, "is no raster"),
    "complex": ({"data type": 6}, "holds complex values"),
    "unknown type": ({"data type": 7}, "data type 7 is unknown"),
    "byte order": ({"byte order": 2}, "byte order 2"),
    "interleave": ({"interleave": "bsx"}, "not bsq, bil or bip"),
    "too many lines": ({"lines": 9999}, "truncated: 2652 bytes where its header asks for 2039796"),
    "too few gains": ({"data gain values": [1, 2]}, "2 values of 'data gain values' for 6 bands"),
    "open brace": ({"description": "{never"}, "never closed"),
    "all bands bad": ({"bbl": [0] * 6}, "every band is marked bad"),
    "broken metadata of ours": ({"had metadata": "[["}, "'had metadata' is damaged"),
    "wrong metadata of ours": ({"had metadata": '[["transform", [1]]]'}, "'transform' is not valid"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_header_is_one_line_that_names_it(tmp_path, case):
    fields, message = WRONG[case]
    path = generate.write_envi(
        tmp_path / "scene.hdr", generate.make_cube(), **{k.replace(" ", "_"): v for k, v in fields.items()}
    )
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    assert message in str(caught.value)
    assert "scene." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_without_data(tmp_path):
    path = generate.write_envi(tmp_path / "scene.hdr", generate.make_cube())
    path.with_suffix(".img").unlink()
    with pytest.raises(SceneError, match="no data file scene "):
        open_scene(path)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_numbers_in_lists_come_back_exactly(values):
    header = Header("x.hdr", parse("wavelength = " + listed(map(number, values)), "x.hdr"))
    assert header.numbers("wavelength", len(values)) == values


@settings(max_examples=200, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=10))
def test_names_that_a_list_can_hold_come_back_exactly(names):
    if representable(names):
        assert Header("x.hdr", parse("band names = " + listed(names), "x.hdr")).texts("band names") == names


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_parses_or_is_refused(text):
    fields, refusal = {}, "the header"
    try:
        fields = parse(text, "x.hdr")
    except SceneError as error:
        refusal = str(error)
    assert "the header" in refusal
    assert all(name == name.lower() for name in fields)
