"""ENVI headers that lie: one line that names the field, or a note where the scene can be read."""

import json

import generate
import numpy as np
import pytest
from command_line import files

CUBE = generate.make_cube(rows=14, cols=15, bands=6)


@pytest.fixture
def lying(tmp_path):
    """Return ``lying(**fields)``: a scene's header with fields replaced, or left out where None."""

    def write(**fields):
        path = generate.write_envi(tmp_path / "scene.hdr", CUBE)
        names = {name.replace("_", " ") for name in fields}
        kept = [line for line in path.read_text().splitlines() if line.split(" = ")[0] not in names]
        added = [f"{n.replace('_', ' ')} = {v}" for n, v in fields.items() if v is not None]
        path.write_text("\n".join([*kept, *added]) + "\n")
        return path

    return write


@pytest.mark.parametrize("method", ["grx", "slrx"])
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("bands", "7", "the file is truncated"),
        ("bands", "-6", "is no raster"),
        ("bands", "0", "is no raster"),
        ("bands", "6.5", "not a whole number"),
        ("bands", "six", "not a number"),
        ("bands", "nan", "not a whole number"),
        ("bands", "1e400", "not a whole number"),
        ("bands", "1000000000000", "the file is truncated"),
        ("bands", None, "has no 'bands'"),
        ("lines", "9" * 40, "the file is truncated"),
        ("samples", None, "has no 'samples'"),
        ("data_type", "5", "the file is truncated"),
        ("data_type", "6", "complex values"),
        ("data_type", "99", "data type 99 is unknown"),
        ("data_type", "int16", "not a number"),
        ("interleave", "bos", "interleave is 'bos'"),
        ("interleave", None, "interleave is ''"),
        ("byte_order", "2", "byte order 2"),
        ("header_offset", "-3", "is no raster"),
        ("header_offset", "1000000000000000000", "the file is truncated"),
        ("bbl", "{0, 0, 0, 0, 0, 0}", "every band is marked bad"),
        ("wavelength", "{400, 500", "opens a brace that is never closed"),
        ("data_ignore_value", "none", "not a number"),
        ("data_gain_values", "{1, nan, 1, 1, 1, 1}", "scale holds values that are not finite"),
        ("data_offset_values", "{0, 0, inf, 0, 0, 0}", "offset holds values that are not finite"),
        ("had_metadata", "zzz", "is damaged"),
        ("had_metadata", "[" * 100_000, "is damaged"),
    ],
)
def test_a_field_that_cannot_be(had, lying, method, field, value, reason, tmp_path):
    path = lying(**{field: value})
    assert reason in had("detect", "-m", method, path, "-o", "map.tif").line
    assert files(tmp_path / "here") == []
    assert reason in had("info", path).line


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"bands": 5}, "420 bytes longer"),
        ({"file_compression": 1}, "compressed, but they are not"),
        ({"bbl": "{1, 1}"}, "2 values of 'bbl' for 6 bands: they are ignored"),
        ({"bbl": "{a, b, c, d, e, f}"}, "'bbl' are not numbers and are ignored"),
        ({"wavelength": "{400, 500}"}, "2 values of 'wavelength' for 6 bands: they are ignored"),
        (
            {"wavelength": "{a, b, c, d, e, f}"},
            "a wavelength is not a number: the field 'wavelength' is ignored",
        ),
        ({"band_names": "{one}"}, "1 values of 'band names' for 6 bands: they are ignored"),
        (
            {"fwhm": "{1, 2}", "wavelength": "{400, 410, 420, 430, 440, 450}"},
            "2 values of 'fwhm' for 6 bands",
        ),
        ({"wavelength": "{0, 0, 0, 0, 0, 0}"}, "not positive numbers and are ignored"),
        ({"wavelength": "{1e400, 2, 3, 4, 5, 6}"}, "beyond all measure and are ignored"),
        (
            {"wavelength": "{1, 2, 3, 4, 5, 6}", "wavelength_units": "furlongs"},
            "not understood and are ignored",
        ),
        ({"reflectance_scale_factor": 0}, "is not positive and is ignored"),
        ({"reflectance_scale_factor": "nan"}, "is not positive and is ignored"),
        ({"map_info": "{UTM, 1, 1}"}, "is incomplete and is ignored"),
        ({"map_info": "{UTM, 1, 1, nan, 4e6, 1, 1, 11, North, WGS-84}"}, "is incomplete and is ignored"),
        ({"map_info": "{UTM, 1, 1, 5e5, 4e6, 0, 0, 11, North, WGS-84}"}, "is incomplete and is ignored"),
        ({"coordinate_system_string": "{blah}"}, "is not understood and is ignored"),
    ],
)
def test_what_can_be_left_aside_is_told(had, lying, fields, note, capfd):
    path = lying(**fields)
    ended = had("detect", "-m", "grx", path, "-o", "map.tif")
    assert ended.status == 0
    assert note in ended.err
    document = json.loads(had("info", path, "--json").out, parse_constant=pytest.fail)
    assert any(note in known for known in document["notes"])
    assert capfd.readouterr() == ("", "")  # GDAL speaks past Python


@pytest.mark.parametrize(
    "fields",
    [
        {"wavelength": "{900, 800, 700, 600, 500, 400}", "wavelength_units": "nm"},
        {"wavelength": "{500, 500, 500, 600, 600, 600}", "wavelength_units": "nm"},
        {"bbl": "{1, 1.0, 1., 1e0, 01, 1}"},
        {"data_ignore_value": "inf"},
        {"data_ignore_value": "-9999.5"},
    ],
)
def test_what_is_odd_but_right_is_taken_in_silence(had, lying, fields):
    ended = had("detect", "-m", "grx", lying(**fields), "-o", "map.npy")
    assert (ended.status, ended.err) == (0, "")
    plain = had("detect", "-m", "grx", lying(), "-o", "plain.npy")
    assert plain.status == 0
    np.testing.assert_array_equal(np.load("map.npy"), np.load("plain.npy"))


def test_bands_of_descending_wavelengths_are_chosen_by_wavelength(had, lying):
    path = lying(wavelength="{900, 800, 700, 600, 500, 400}", wavelength_units="nm")
    assert had("detect", "-m", "grx", path, "-o", "a.npy", "--bands", "450-750nm").status == 0
    assert had("detect", "-m", "grx", path, "-o", "b.npy", "--bands", "3-5").status == 0
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


@pytest.mark.parametrize("spoil", [lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")])
def test_headers_saved_by_other_editors(had, lying, spoil):
    path = lying()
    path.write_bytes(spoil(path.read_bytes()))
    for given in (path, path.with_suffix(".img")):
        assert had("detect", "-m", "grx", given, "-o", "map.npy", "--overwrite").status == 0


def test_data_that_are_missing_or_a_folder(had, lying):
    path = lying()
    path.with_suffix(".img").unlink()
    assert "there is no data file" in had("detect", "-m", "grx", path).line
    path.with_suffix(".img").mkdir()
    assert "there is no data file" in had("detect", "-m", "grx", path).line


def test_a_dataset_that_was_never_written(had, tmp_path):
    import h5py

    with h5py.File(tmp_path / "scene.mat", "w") as file:
        file.create_dataset("data", shape=(200, 10**6, 10**6), dtype="f4", chunks=(10, 100, 100))
    assert "were never written" in had("detect", "-m", "grx", tmp_path / "scene.mat").line


def test_of_two_headers_the_one_taken_is_told(had, tmp_path):
    generate.write_envi(tmp_path / "line.hdr", generate.make_cube(6, 5, 4))
    (tmp_path / "line.img.hdr").write_bytes((tmp_path / "line.hdr").read_bytes())
    told = "line.hdr is taken as the header of line.img; also there: line.img.hdr"
    assert told in had("info", tmp_path / "line.img").out
    (tmp_path / "line.img.hdr").write_text("no header")
    assert "is taken" not in had("info", tmp_path / "line.img").out


def test_of_two_data_files_the_one_taken_is_told(had, tmp_path):
    generate.write_envi(tmp_path / "line.hdr", generate.make_cube(6, 5, 4))
    (tmp_path / "line.dat").write_bytes((tmp_path / "line.img").read_bytes())
    told = "line.img is taken as the data of line.hdr; also there: line.dat"
    assert told in had("info", tmp_path / "line.hdr").out
