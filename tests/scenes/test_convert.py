"""Conversions lose nothing, and hold little in memory."""

from __future__ import annotations

import itertools
import subprocess
import sys

import generate
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from had_cli.errors import OutputError, SceneError, UsageError
from had_cli.scenes.convert import convert, windows
from had_cli.scenes.open import open_scene, open_source
from had_cli.scenes.source import Window

CUBE, TRUTH = generate.make_cube(), generate.make_truth()
SUFFIXES = [".tif", ".hdr", ".mat", ".npy", ".npz"]
FIELDS = ("wavelengths", "fwhm", "band_names", "bad_bands", "nodata", "scale", "offset", "transform", "tags")


def flight_line(folder, cube=CUBE, **fields):
    """Write an ENVI scene with everything an instrument team puts into a header."""
    stated = {
        "description": "{line 7}",
        "wavelength": [400.123, 0.1 + 500.2, 600, 700, 1 / 3 * 2400, 900],
        "wavelength units": "Nanometers",
        "fwhm": [9.87] * 6,
        "bbl": [1, 1, 0, 1, 1, 0],
        "band names": ["Blue", "Green", "water", "Red", "NIR 1", "NIR 2"],
        "data ignore value": -9999,
        "reflectance scale factor": 10000,
        "map info": "{UTM, 1, 1, 606263.123456789, 4078421.7, 1.7, 1.7, 11, North, WGS-84, units=Meters}",
        **fields,
    }
    return generate.write_envi(
        folder / "line.hdr", cube, **{k.replace(" ", "_"): v for k, v in stated.items()}
    )


def read(path):
    source = open_source(path, {})
    rows, cols, _ = source.info.shape
    cube = source.read(Window(0, 0, cols, rows), None)
    source.close()
    return source.info, cube


def assert_same(one, other):
    for name in FIELDS:
        np.testing.assert_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.crs is None) == (other.crs is None)
    assert one.crs is None or rasterio.CRS.from_wkt(one.crs) == rasterio.CRS.from_wkt(other.crs)


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(SUFFIXES, 2)))
def test_from_format_to_format_and_back_everything_survives(tmp_path, first, second):
    source = flight_line(tmp_path)
    path = source
    for step, suffix in enumerate((first, second, first, ".hdr")):
        path = convert(path, tmp_path / f"step{step}{suffix}").path
        info, cube = read(path)
        np.testing.assert_array_equal(cube, CUBE)
        assert cube.dtype == CUBE.dtype
        assert_same(read(source)[0], info)


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip", "band", "pixel"])
@pytest.mark.parametrize("suffix", [".tif", ".hdr"])
def test_interleave(tmp_path, interleave, suffix):
    path = convert(flight_line(tmp_path), tmp_path / f"out{suffix}", interleave=interleave).path
    info, cube = read(path)
    np.testing.assert_array_equal(cube, CUBE)
    pixel = interleave in {"bip", "pixel"}
    if suffix == ".tif":
        assert info.interleave == ("pixel" if pixel else "band")
    else:
        assert info.interleave == {"band": "bsq", "pixel": "bip"}.get(interleave, interleave)


def test_bad_bands_are_copied_and_stay_marked(tmp_path):
    info, _ = read(convert(flight_line(tmp_path), tmp_path / "out.tif").path)
    assert info.bad_bands.tolist() == [False, False, True, False, False, True]
    info, cube = read(convert(tmp_path / "line.hdr", tmp_path / "part.tif", bands="500-900nm").path)
    np.testing.assert_array_equal(cube, CUBE[..., 1:])
    info, cube = read(convert(tmp_path / "line.hdr", tmp_path / "less.tif", exclude_bands="3,6").path)
    np.testing.assert_array_equal(cube, CUBE[..., [0, 1, 3, 4]])
    assert info.band_names == ("Blue", "Green", "Red", "NIR 1")
    assert not info.bad_bands.any()


def test_a_window_keeps_its_place_on_the_ground(tmp_path):
    info, cube = read(convert(flight_line(tmp_path), tmp_path / "out.tif", window=(4, 3, 5, 6)).path)
    np.testing.assert_array_equal(cube, CUBE[3:9, 4:9])
    _, _, c, _, _, f = info.transform
    assert (c, f) == pytest.approx((606263.123456789 + 4 * 1.7, 4078421.7 - 3 * 1.7))


class TestTypes:
    def test_a_wider_one(self, tmp_path):
        info, cube = read(convert(flight_line(tmp_path), tmp_path / "out.hdr", dtype="float32").path)
        assert info.dtype == np.float32
        np.testing.assert_array_equal(cube, CUBE)

    def test_integers_are_refused_where_a_value_would_not_survive(self, tmp_path):
        with pytest.raises(SceneError, match="holds values that do not fit uint8; choose a wider --dtype"):
            convert(flight_line(tmp_path), tmp_path / "out.tif", dtype="u1")
        floats = generate.write_npy(tmp_path / "f.npy", np.full((2, 2, 2), 0.5))
        with pytest.raises(SceneError, match="do not fit int16"):
            convert(floats, tmp_path / "out.tif", dtype="i2")
        assert not (tmp_path / "out.tif").exists()


class TestMasks:
    def masked(self, folder, **profile):
        mask = np.full((13, 17), 255, np.uint8)
        mask[2, 3] = 0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            return generate.write_geotiff(
                folder / "m.tif", CUBE, annotate=lambda r: r.write_mask(mask), **profile
            )

    def test_pixels_that_a_mask_leaves_out_stay_out(self, tmp_path):
        path = convert(self.masked(tmp_path), tmp_path / "out.hdr", dtype="f4").path
        assert np.argwhere(np.isnan(open_scene(path).read()).all(axis=2)).tolist() == [[2, 3]]

    def test_without_a_value_for_them_the_user_is_asked(self, tmp_path):
        with pytest.raises(
            SceneError, match="carries a mask but no nodata value to keep it by; give --dtype float32"
        ):
            convert(self.masked(tmp_path), tmp_path / "out.hdr")


class TestTruth:
    def test_goes_along_between_formats_that_hold_one(self, tmp_path):
        path = generate.write_mat5(tmp_path / "s.mat", CUBE, map=TRUTH)
        done = convert(path, tmp_path / "s.npz")
        assert done.notes == ()
        np.testing.assert_array_equal(open_scene(done.path).truth, TRUTH == 1)

    def test_staying_behind_is_told(self, tmp_path):
        path = generate.write_mat5(tmp_path / "s.mat", CUBE, map=TRUTH)
        assert "the format holds no truth; it stays in" in convert(path, tmp_path / "s.tif").notes[-1]


def test_progress_ends_at_one(tmp_path):
    seen = []
    convert(
        flight_line(tmp_path), tmp_path / "o.tif", progress=lambda label, done: seen.append((label, done))
    )
    assert seen[-1] == ("converting", 1.0)


def test_refusals(tmp_path):
    path = flight_line(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"line\.hdr: is the source itself \(.*line\.hdr\)"):
            convert(path, path, overwrite=overwrite)
    with pytest.raises(UsageError, match="--interleave takes one of bsq, bil, bip, band, pixel, not 'x'"):
        convert(path, tmp_path / "o.tif", interleave="x")
    path.with_suffix(".img").write_bytes(b"short")
    with pytest.raises(SceneError, match="truncated"):
        convert(path, tmp_path / "o.tif")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["line.hdr", "line.img"]


sizes = st.integers(1, 900)
blocks = st.none() | st.tuples(st.integers(1, 300), st.integers(1, 300))


@given(sizes, sizes, st.integers(1, 40), blocks, blocks, st.integers(100, 10**7))
def test_windows_cover_the_scene_once_within_the_limit(rows, cols, bands, source_block, sink_block, limit):
    area = 0
    last = (0, -1)
    for window in windows((rows, cols, bands), 2, source_block, sink_block, limit):
        assert 0 < window.width <= cols - window.col
        assert 0 < window.height <= rows - window.row
        assert (window.row, window.col) > last
        last = (window.row, window.col)
        assert window.width * window.height * bands * 2 <= max(limit, bands * 2)
        area += window.width * window.height
        if area > 100 and limit < 1000 and rows * cols > 10_000:
            return  # a million windows of a pixel each prove no more
    assert area == rows * cols


# prints by how much the process's peak memory grows
GROWTH = """
import sys
import h5py, rasterio, scipy.io
from had_cli.bench.memory import peak_memory
from had_cli.scenes.convert import convert
before = peak_memory()
convert(sys.argv[1], sys.argv[2])
print(peak_memory() - before)
"""


@pytest.mark.parametrize(
    ("source", "target"), [("bil", "tif"), ("bsq", "hdr"), ("bip", "npy"), ("tif", "hdr")]
)
def test_memory_is_bounded(tmp_path, source, target):
    """A scene of 300 MB goes through while the process grows by less than that."""
    rows, cols, bands = 1500, 500, 200
    header = generate.write_envi(
        tmp_path / "s.hdr", CUBE[:1, :1], "bil" if source == "tif" else source, data=tmp_path / "x"
    )
    header.write_text(
        header.read_text()
        .replace("samples = 1", f"samples = {cols}")
        .replace("lines = 1", f"lines = {rows}")
        .replace("bands = 6", f"bands = {bands}")
    )
    with (tmp_path / "s.img").open("wb") as file:
        file.truncate(rows * cols * bands * 2)  # a hole: no disk is used
    path = header
    if source == "tif":
        path = convert(header, tmp_path / "s.tif", interleave="pixel").path
    command = [sys.executable, "-c", GROWTH, str(path), str(tmp_path / f"out.{target}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 230e6
