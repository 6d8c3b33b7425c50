"""What no scene is, in every format: one line, exit status 1, and nothing left behind.

Where the definition still holds, a result with a warning.
"""

import json

import generate
import numpy as np
import pytest
import scipy.io
from command_line import files

from had_cli.scenes.open import open_scores

METHODS = ["grx", "slrx"]
KINDS = ["mat5", "mat73", "envi", "geotiff", "npy", "npz"]
SUFFIX = {
    "mat5": ".mat",
    "mat73": ".mat",
    "envi": ".hdr",
    "geotiff": ".tif",
    "npy": ".npy",
    "npz": ".npz",
}
CUBE = generate.make_cube(rows=14, cols=15, bands=6)


def write(folder, kind, array):
    """Write an array, whatever its axes, into a file named like a scene."""
    path = folder / f"scene{SUFFIX[kind]}"
    match kind:
        case "mat5":
            scipy.io.savemat(path, {"data": array})
        case "mat73":
            generate.write_mat73(path, array)
        case "envi":
            generate.write_envi(path, np.atleast_3d(array))
        case "geotiff":
            generate.write_geotiff(path, np.atleast_3d(array))
        case "npy":
            np.save(path, array)
        case "npz":
            np.savez(path, data=array)
    return path


def data_file(path):
    return path.with_suffix(".img") if path.suffix == ".hdr" else path


@pytest.fixture(params=METHODS)
def detect(had, request, tmp_path):
    """Return ``detect(path)``, by each method; it looks for what a failure leaves."""
    out = tmp_path / "out"
    out.mkdir()

    def run(path, *words):
        ended = had("detect", "-m", request.param, path, "-o", out / "map.tif", *words)
        assert files(out) == ([] if ended.status else ["map.tif"])
        assert files(tmp_path / "here") == []
        assert "Traceback" not in ended.err
        return ended

    run.out = out / "map.tif"
    run.method = request.param
    return run


@pytest.mark.parametrize("kind", KINDS)
class TestNoScene:
    @pytest.mark.parametrize("part", [0.01, 0.4, 0.95])
    def test_truncated(self, detect, kind, part, tmp_path):
        path = write(tmp_path, kind, CUBE)
        file = data_file(path)
        file.write_bytes(file.read_bytes()[: max(1, int(file.stat().st_size * part))])
        assert "scene" in detect(path).line

    def test_empty(self, detect, kind, tmp_path):
        path = write(tmp_path, kind, CUBE)
        path.write_bytes(b"")
        assert "is empty" in detect(path).line
        write(tmp_path, kind, CUBE)
        data_file(path).write_bytes(b"")
        assert "scene" in detect(path).line

    def test_a_folder(self, detect, kind, tmp_path):
        path = tmp_path / f"scene{SUFFIX[kind]}"
        path.mkdir()
        assert "no scene lies in this folder" in detect(path).line

    def test_absent(self, detect, kind, tmp_path):
        assert "there is no such file" in detect(tmp_path / f"scene{SUFFIX[kind]}").line

    def test_noise(self, detect, kind, tmp_path):
        path = tmp_path / f"scene{SUFFIX[kind]}"
        path.write_bytes(np.random.default_rng(8).bytes(4000))
        assert "scene" in detect(path).line

    def test_another_format_under_this_suffix(self, detect, kind, tmp_path):
        other = "npy" if kind != "npy" else "mat5"
        source = write(tmp_path, other, CUBE)
        path = source.rename(tmp_path / f"renamed{SUFFIX[kind]}")
        assert "renamed" in detect(path).line

    def test_complex(self, detect, kind, tmp_path):
        array = CUBE.astype("c8")
        if kind == "mat73":
            array = np.zeros(CUBE.shape, [("real", "f8"), ("imag", "f8")])
        line = detect(write(tmp_path, kind, array)).line
        assert "complex" in line

    def test_not_a_number_anywhere(self, detect, kind, tmp_path):
        assert "no valid pixel" in detect(write(tmp_path, kind, np.full((7, 8, 5), np.nan, "f4"))).line

    def test_a_single_pixel(self, detect, kind, tmp_path):
        assert "a single valid pixel" in detect(write(tmp_path, kind, CUBE[:1, :1])).line

    def test_one_valid_pixel(self, detect, kind, tmp_path):
        cube = np.full((7, 8, 5), np.nan, "f4")
        cube[3, 3] = 1
        assert "a single valid pixel" in detect(write(tmp_path, kind, cube)).line

    def test_a_band_without_values_is_named(self, detect, kind, tmp_path):
        cube = CUBE.astype("f4")
        cube[..., [1, 4]] = np.nan
        path = write(tmp_path, kind, cube)
        assert "--exclude-bands 2,5" in detect(path, "--keep-constant-bands").line
        ended = detect(path)
        assert ended.status == 0
        assert "2 bands are constant or without any value and are left out: 2,5" in ended.err

    def test_json_says_it_too(self, detect, kind, tmp_path):
        path = write(tmp_path, kind, np.full((7, 8, 5), np.nan, "f4"))
        ended = detect(path, "--json")
        assert json.loads(ended.out, parse_constant=pytest.fail)["error"] == ended.line


@pytest.mark.parametrize("kind", ["mat5", "mat73", "npy", "npz"])
@pytest.mark.parametrize("shape", [(12,), (12, 13), (5, 6, 2, 3), (5, 0, 4)])
def test_another_number_of_axes(detect, kind, shape, tmp_path):
    assert "scene" in detect(write(tmp_path, kind, np.ones(shape))).line


NODATA = {
    "envi": lambda folder, cube: generate.write_envi(folder / "s.hdr", cube, data_ignore_value=-9999),
    "geotiff": lambda folder, cube: generate.write_geotiff(folder / "s.tif", cube, nodata=-9999),
    "geotiff-mask": lambda folder, cube: generate.write_geotiff(
        folder / "s.tif", cube, annotate=lambda raster: raster.write_mask(np.zeros(cube.shape[:2], bool))
    ),
}


@pytest.mark.parametrize("kind", NODATA)
@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_nothing_but_nodata(detect, kind, engine, tmp_path):
    path = NODATA[kind](tmp_path, np.full((9, 8, 4), -9999, "i2"))
    assert "no valid pixel" in detect(path, "--engine", engine).line


@pytest.mark.parametrize("kind", KINDS)
class TestStillAScene:
    """Where the definition holds, there is a map, and a warning where it says little."""

    def map(self, detect):
        return open_scores(detect.out)[0]

    def test_one_band(self, detect, kind, tmp_path):
        assert detect(write(tmp_path, kind, CUBE[..., :1])).status == 0
        scores = self.map(detect)
        assert np.isfinite(scores).all()
        if detect.method == "grx":
            band = CUBE[..., 0].astype(float)
            np.testing.assert_allclose(scores, (band - band.mean()) ** 2 / band.var(ddof=1), rtol=1e-5)

    def test_fewer_pixels_than_bands(self, detect, kind, tmp_path):
        ended = detect(write(tmp_path, kind, generate.make_cube(3, 4, 30)))
        assert ended.status == 0
        assert "12 valid pixels for 30 bands" in ended.err
        assert ended.err.startswith("warning: ")
        assert np.isfinite(self.map(detect)).all()

    def test_every_value_the_same(self, detect, kind, tmp_path):
        ended = detect(write(tmp_path, kind, np.full((9, 8, 4), 7, "i2")))
        assert (ended.status, ended.err.count("warning: ")) == (0, 1)
        assert (self.map(detect) == 0).all()

    def test_a_constant_band(self, detect, kind, tmp_path):
        cube = CUBE.copy()
        cube[..., 2] = 5
        ended = detect(write(tmp_path, kind, cube))
        assert ended.status == 0
        assert np.isfinite(self.map(detect)).all()
        assert "left out: 3" in ended.err

    def test_a_constant_band_that_is_kept(self, detect, kind, tmp_path):
        cube = CUBE.copy()
        cube[..., 2] = 5
        ended = detect(write(tmp_path, kind, cube), "--keep-constant-bands")
        assert ended.status == 0
        assert np.isfinite(self.map(detect)).all()
        assert ("has rank 5 of 6" in ended.err) == (detect.method == "grx")

    def test_a_single_row(self, detect, kind, tmp_path):
        assert detect(write(tmp_path, kind, CUBE.reshape(1, -1, 6))).status == 0
        assert self.map(detect).shape == (1, 210)

    def test_values_beyond_single_precision_are_no_values(self, detect, kind, tmp_path):
        cube = CUBE.astype("f8")
        cube[4, 5] = -1.7e308
        ended = detect(write(tmp_path, kind, cube))
        assert (ended.status, ended.err) == (0, "")
        assert np.argwhere(np.isnan(self.map(detect))).tolist() == [[4, 5]]


@pytest.mark.parametrize(
    ("dtype", "offset", "spread"), [("f8", 1e7, 5), ("u4", 4e9, 300), ("i4", 2**30, 100)]
)
def test_values_that_lie_together_far_from_zero_keep_their_digits(detect, dtype, offset, spread, tmp_path):
    cube = (offset + np.random.default_rng(2).normal(0, spread, (30, 31, 4))).astype(dtype)
    ended = detect(write(tmp_path, "npy", cube))
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize("dtype", ["f8", "u4", "i4", "f4", "u2"])
def test_ordinary_values_of_any_type_are_not(detect, dtype, tmp_path):
    cube = np.random.default_rng(2).normal(9000, 100, (30, 31, 4)).astype(dtype)
    assert detect(write(tmp_path, "npy", cube)).err == ""
