"""Opening scenes: selections, masks, truths and score maps."""

from __future__ import annotations

import subprocess
import sys

import generate
import numpy as np
import pytest

from had_cli.errors import SceneError, SceneNotFoundError, UsageError
from had_cli.scenes.open import open_scene, open_scores, open_truth
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window, stem

CUBE, TRUTH = generate.make_cube(), generate.make_truth()


@pytest.fixture
def path(tmp_path):
    return generate.write_envi(
        tmp_path / "scene.hdr", CUBE, wavelength=[400, 500, 600, 700, 800, 900], bbl=[1, 1, 0, 1, 1, 1]
    )


class TestBands:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, [0, 1, 3, 4, 5]),
            ({"bands": "1-3"}, [0, 1, 2]),
            ({"bands": [5, 2]}, [2, 5]),
            ({"bands": np.array([0])}, [0]),
            ({"bands": "500-800nm"}, [1, 3, 4]),
            ({"exclude_bands": "1"}, [1, 3, 4, 5]),
            ({"exclude_bands": "850-1000nm"}, [0, 1, 3, 4]),
            ({"bands": "1-4", "exclude_bands": [0]}, [1, 2, 3]),
        ],
    )
    def test_selection(self, path, options, expected):
        scene = open_scene(path, **options)
        assert scene.bands.tolist() == expected
        np.testing.assert_array_equal(scene.read(), CUBE[..., expected])
        assert scene.wavelengths.tolist() == [400 + 100 * b for b in expected]

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"bands": "1-7"}, SceneError, "scene.hdr: --bands '1-7' asks for band 7"),
            ({"bands": [6]}, SceneError, "band indices must lie within 0 to 5"),
            ({"bands": [-1]}, SceneError, "band indices must lie within 0 to 5"),
            ({"bands": []}, SceneError, "no band is left"),
            ({"bands": "1", "exclude_bands": "1"}, SceneError, "no band is left"),
            ({"bands": "x"}, UsageError, "--bands 'x' is not understood"),
            ({"exclude_bands": "x"}, UsageError, "--exclude-bands 'x' is not understood"),
        ],
    )
    def test_refusals(self, path, options, error, message):
        with pytest.raises(error, match=message):
            open_scene(path, **options)


class TestWindow:
    def test_selection(self, path):
        for window in ((2, 3, 5, 4), Window(2, 3, 5, 4), [2, 3, 5, 4]):
            scene = open_scene(path, window=window, bands="1-6")
            assert scene.shape == (4, 5, 6)
            np.testing.assert_array_equal(scene.read(), CUBE[3:7, 2:7])

    @pytest.mark.parametrize("window", [(0, 0, 18, 1), (0, 0, 1, 14), (-1, 0, 2, 2), (0, 0, 0, 1), (1, 2, 3)])
    def test_one_that_does_not_lie_within(self, path, window):
        with pytest.raises(SceneError, match="window"):
            open_scene(path, window=window)


class TestMask:
    @pytest.fixture
    def mask(self):
        mask = np.ones((13, 17), np.uint8)
        mask[3, 4] = mask[0, 0] = 0
        return mask

    def test_of_the_whole_scene_or_of_the_window(self, path, mask):
        whole = open_scene(path, mask=mask)
        assert np.argwhere(np.isnan(whole.read()).all(axis=2)).tolist() == [[0, 0], [3, 4]]
        for given in (mask, mask[2:6, 3:8]):
            part = open_scene(path, window=(3, 2, 5, 4), mask=given)
            assert np.argwhere(np.isnan(part.read()).all(axis=2)).tolist() == [[1, 1]]

    @pytest.mark.parametrize("kind", ["npy", "tif", "png", "mat", "hdr"])
    def test_from_a_file(self, path, mask, tmp_path, kind):
        file = tmp_path / f"mask.{kind}"
        match kind:
            case "npy":
                np.save(file, mask)
            case "mat":
                generate.write_mat5(file, CUBE[:5], mask=mask)
            case "hdr":
                generate.write_envi(file, mask[..., None])
            case _:
                generate.write_geotiff(
                    file, mask[..., None] * 255, driver={"tif": "GTiff", "png": "PNG"}[kind]
                )
        scene = open_scene(path, mask=file)
        np.testing.assert_array_equal(scene.mask, mask == 1)

    def test_of_another_size(self, path, tmp_path):
        with pytest.raises(SceneError, match="the mask has 5 x 6 pixels, the scene 13 x 17"):
            open_scene(path, mask=np.ones((5, 6)))
        with pytest.raises(SceneNotFoundError):
            open_scene(path, mask=tmp_path / "none.tif")

    def test_a_scene_is_no_mask(self, path):
        with pytest.raises(SceneError, match="holds 6 bands, a mask has one; is it a scene"):
            open_scene(path, mask=path)


class TestTruthAndScores:
    @pytest.mark.parametrize("kind", ["npy", "tif", "png", "mat", "npz"])
    def test_truth(self, tmp_path, kind):
        file = tmp_path / f"truth.{kind}"
        match kind:
            case "npy":
                np.save(file, TRUTH)
            case "npz":
                np.savez(file, map=TRUTH)
            case "mat":
                generate.write_mat5(file, CUBE, map=TRUTH)
            case _:
                generate.write_geotiff(
                    file, TRUTH[..., None] * 200, driver={"tif": "GTiff", "png": "PNG"}[kind]
                )
        np.testing.assert_array_equal(open_truth(file, (13, 17)), TRUTH == 1)
        with pytest.raises(SceneError, match=r"truth\."):
            open_truth(file, (17, 13))

    def test_pixels_without_truth_are_not_anomalous(self, tmp_path):
        file = generate.write_geotiff(
            tmp_path / "t.tif", TRUTH[..., None] * np.uint8(2) + np.uint8(1), nodata=1
        )
        np.testing.assert_array_equal(open_truth(file, (13, 17)), TRUTH == 1)

    def test_a_coloured_picture_serves_as_truth(self, tmp_path):
        colours = np.zeros((13, 17, 3), np.uint8)
        colours[TRUTH == 1] = (255, 0, 0)
        generate.write_geotiff(tmp_path / "t.png", colours, driver="PNG")
        np.testing.assert_array_equal(open_truth(tmp_path / "t.png", (13, 17)), TRUTH == 1)

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    @pytest.mark.parametrize("kind", ["npy", "tif", "mat", "hdr"])
    def test_scores(self, tmp_path, kind, dtype):
        scores = np.random.default_rng(0).normal(size=(13, 17)).astype(dtype)
        scores[0, 0] = np.nan
        file = tmp_path / f"scores.{kind}"
        match kind:
            case "npy":
                np.save(file, scores)
            case "mat":
                generate.scipy.io.savemat(file, {"scores": scores})
            case "hdr":
                generate.write_envi(file, scores[..., None])
            case _:
                generate.write_geotiff(file, scores[..., None], nodata=float("nan"))
        found, info = open_scores(file)
        np.testing.assert_array_equal(found, scores)
        assert found.dtype == scores.dtype
        assert info.shape == (13, 17, 1)

    def test_nodata_of_scores_is_nan(self, tmp_path):
        scores = np.full((4, 5, 1), -1.0)
        scores[1, 1] = 3
        found, _ = open_scores(generate.write_geotiff(tmp_path / "s.tif", scores, nodata=-1))
        assert np.isfinite(found).sum() == 1

    def test_a_scene_is_no_score_map(self, path):
        with pytest.raises(SceneError, match="holds 6 bands, a score map has one"):
            open_scores(path)


class TestDegenerate:
    """What is odd but has a meaning opens."""

    def test_one_band_one_pixel(self, tmp_path):
        scene = open_scene(generate.write_npy(tmp_path / "s.npy", np.ones((1, 1, 1))))
        assert scene.read().tolist() == [[[1.0]]]

    def test_fewer_pixels_than_bands(self, tmp_path):
        cube = generate.make_cube(rows=2, cols=3, bands=300)
        np.testing.assert_array_equal(open_scene(generate.write_envi(tmp_path / "s.hdr", cube)).read(), cube)

    def test_paths_that_look_like_gdals(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        generate.write_npy(tmp_path / "NETCDF:x.npy", CUBE)
        assert open_scene("NETCDF:x.npy").shape == CUBE.shape


class TestNodataComparison:
    @pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "i8", "u8", "f4", "f8"])
    def test_in_the_stored_type(self, dtype):
        cube = np.array([0, 1, 2, 100], dtype).reshape(2, 2, 1)
        assert np.isnan(Scene.from_array(cube, nodata=100).read()).sum() == 1
        for never in (-1.5, 0.5, 1e30, float("nan")):
            assert np.isfinite(Scene.from_array(cube, nodata=never).read()).all()

    def test_beyond_what_a_double_tells_apart(self):
        cube = np.array([2**63 - 1, 2**63 - 2], np.int64).reshape(1, 2, 1)
        assert np.isnan(Scene.from_array(cube, nodata=2**63 - 1).read()).ravel().tolist() == [True, False]

    def test_the_array_given_stays_as_it_is(self):
        cube = np.ones((2, 2, 2), np.float32)
        cube[0, 0] = -1
        scene = Scene.from_array(cube, nodata=-1)
        assert np.isnan(scene.read()[0, 0]).all()
        assert (cube[0, 0] == -1).all()

    def test_a_view_of_bands_takes_the_truth_and_nodata_along(self):
        cube = CUBE.copy()
        scene = Scene.from_array(cube, nodata=tuple(range(6)), truth=lambda: TRUTH == 1)
        part = scene.select(bands=[1, 4], window=Window(3, 2, 4, 5))
        assert part.info.nodata == (1, 4)
        np.testing.assert_array_equal(part.info.truth(), TRUTH[2:7, 3:7] == 1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/line12.hdr", "line12"),
        ("/data/line12.img.hdr", "line12"),
        ("scene.v2.hdr", "scene.v2"),
        ("https://host/a/b.tif?token=x.y", "b"),
        ("/vsicurl/https://host/b.tif", "b"),
        ("scene", "scene"),
    ],
)
def test_names_of_scenes(path, name):
    assert stem(path) == name


def test_unknown_files_list_what_can_be_read(tmp_path):
    (tmp_path / "notes.xyz").write_text("hello")
    with pytest.raises(
        SceneError, match=r"notes\.xyz: no reader knows this kind of file; had reads .*\.mat.* and what GDAL"
    ):
        open_scene(tmp_path / "notes.xyz")


REFUSED = """
import sys
from had_cli.scenes.open import open_scene
try:
    open_scene(sys.argv[1]).read()
except ValueError as error:
    print(error)
"""


def test_gdal_complains_nowhere_but_in_the_error(tmp_path):
    """A broken file must not print GDAL's own lines past the one that is promised."""
    path = generate.write_geotiff(tmp_path / "s.tif", generate.make_cube(rows=200, cols=200), tiled=True)
    path.write_bytes(path.read_bytes()[:60000])
    command = [sys.executable, "-c", REFUSED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
