"""One scene gives one map, whatever file it lies in."""

import generate
import numpy as np
import pytest

from had_cli.scenes.open import open_scores

FORMATS = generate.every_format()
# whole numbers that int16, uint16 and float32 all hold: maps are compared across types as well
CUBE = np.random.default_rng(4).integers(0, 9000, (26, 31, 7)) + np.arange(26 * 31).reshape(26, 31, 1) % 97


def defined(cube):
    """Return the global RX scores of rows x cols x bands, by the definition in double precision."""
    pixels = cube.reshape(-1, cube.shape[-1]).astype(np.float64)
    centred = pixels - pixels.mean(axis=0)
    inverse = np.linalg.inv(np.cov(pixels, rowvar=False))
    return np.einsum("ij,jk,ik->i", centred, inverse, centred).reshape(cube.shape[:2])


def scores(had, method, path, *words):
    out = path.parent / "map.npy"
    ended = had("detect", "-m", method, path, "-o", out, *words)
    assert ended.status == 0, ended.err
    return open_scores(out)[0]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Return ``expected(method)``: the map of the plain array, made once."""
    from command_line import run_had

    found = {}

    def of(method):
        if method not in found:
            path = generate.write_npy(tmp_path_factory.mktemp("plain") / "scene.npy", CUBE.astype("f4"))
            found[method] = scores(run_had, method, path)
        return found[method]

    return of


def test_the_plain_array_has_the_scores_of_the_definition(expected):
    np.testing.assert_allclose(expected("grx"), defined(CUBE), rtol=1e-6)


@pytest.mark.parametrize("method", ["grx", "slrx"])
@pytest.mark.parametrize("dtype", ["i2", "u2", "f4"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_layout_and_type_gives_exactly_the_same_map(had, name, dtype, method, expected, tmp_path):
    path = FORMATS[name](tmp_path, CUBE.astype(dtype))
    np.testing.assert_array_equal(scores(had, method, path), expected(method))


@pytest.mark.parametrize("name", FORMATS)
def test_so_it_does_of_a_window_and_some_bands(had, name, expected, tmp_path):
    path = FORMATS[name](tmp_path, CUBE.astype("i2"))
    part = scores(had, "grx", path, "--window", 5, 3, 20, 18, "--bands", "1,3-6")
    np.testing.assert_allclose(part, defined(CUBE[3:21, 5:25][..., [0, 2, 3, 4, 5]]), rtol=1e-6)


def test_a_big_endian_mat_file_too(had, expected, tmp_path):
    import scipy.io

    scipy.io.savemat(tmp_path / "scene.mat", {"data": CUBE.astype(">i2")})
    np.testing.assert_array_equal(scores(had, "grx", tmp_path / "scene.mat"), expected("grx"))


@pytest.mark.parametrize(("rows", "cols"), [(2, 60_000), (9000, 60)])
@pytest.mark.parametrize("name", ["envi-bil-little", "envi-bsq-big", "geotiff-pixel-tiled", "mat-v73"])
def test_long_and_narrow_scenes(had, name, rows, cols, tmp_path):
    cube = np.random.default_rng(1).integers(0, 500, (rows, cols, 3)).astype("i2")
    path = FORMATS[name](tmp_path, cube)
    np.testing.assert_allclose(scores(had, "grx", path), defined(cube), rtol=1e-5)
    streamed = scores(had, "grx", path, "--engine", "stream", "--memory", "2MB", "--overwrite")
    np.testing.assert_allclose(streamed, defined(cube), rtol=1e-5)


def test_hundreds_of_bands(had, tmp_path):
    cube = generate.make_cube(rows=40, cols=30, bands=425)
    path = generate.write_envi(tmp_path / "scene.hdr", cube, "bil")
    np.testing.assert_allclose(scores(had, "grx", path), defined(cube), rtol=1e-5)
    assert np.isfinite(scores(had, "slrx", path, "--overwrite")).all()
