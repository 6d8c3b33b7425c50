"""What a writer stores, its own reader gives back: pixels and every piece of metadata."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from had_cli.formats import mat_writer
from had_cli.scenes.open import open_source
from had_cli.scenes.output import create_raster, map_info
from had_cli.scenes.source import SceneInfo, Window

SUFFIXES = [".tif", ".hdr", ".mat", ".npy", ".npz"]
UTM, GEOGRAPHIC = (rasterio.CRS.from_epsg(code).to_wkt() for code in (32611, 4326))
FIELDS = (
    "wavelengths",
    "fwhm",
    "band_names",
    "bad_bands",
    "nodata",
    "scale",
    "offset",
    "crs",
    "transform",
    "tags",
)


def write(path, info, cube, block=None):
    rows, cols, _ = cube.shape
    high, wide = block or (rows, cols)
    with create_raster(path, info, cube.dtype, overwrite=True) as sink:
        for row in range(0, rows, high):
            for col in range(0, cols, wide):
                window = Window(col, row, min(wide, cols - col), min(high, rows - row))
                sink.write(window, cube[window.rows, window.cols])


def read(path):
    source = open_source(path, {})
    rows, cols, _ = source.info.shape
    cube = source.read(Window(0, 0, cols, rows), None)
    source.close()
    return source.info, cube


def assert_same(one, other, but=()):
    for name in FIELDS:
        if name in but:
            continue
        first, second = getattr(one, name), getattr(other, name)
        if name == "crs" and first is not None:
            assert rasterio.CRS.from_wkt(first) == rasterio.CRS.from_wkt(second)
        elif isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second, err_msg=name)
            assert first.dtype == second.dtype
        elif name == "nodata":
            np.testing.assert_equal(first, second)
        else:
            assert first == second, name


def full_info(cube, **changes):
    bands = cube.shape[2]
    info = SceneInfo(
        path="scene",
        format="test",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=np.linspace(400, 2500, bands) / 1.1,
        fwhm=np.full(bands, 10 / 3),
        bad_bands=np.arange(bands) % 3 == 1,
        band_names=tuple(f"band {b}" for b in range(bands)),
        nodata=-9999,
        scale=np.full(bands, 1e-4),
        crs=UTM,
        transform=(3.5, 0.0, 500000.123456789, 0.0, -3.5, 4000000.1),
        tags={"history": "flown by night"},
    )
    return dataclasses.replace(info, **changes)


CUBE = np.random.default_rng(1).integers(-3000, 3000, (11, 14, 5)).astype("i2")


@pytest.mark.parametrize("suffix", SUFFIXES)
class TestEveryWriter:
    def test_everything_at_once(self, tmp_path, suffix):
        info = full_info(CUBE)
        write(tmp_path / f"scene{suffix}", info, CUBE)
        back, cube = read(tmp_path / f"scene{suffix}")
        np.testing.assert_array_equal(cube, CUBE)
        assert cube.dtype == CUBE.dtype
        assert_same(info, back)
        assert back.notes == ()

    def test_nothing_at_all(self, tmp_path, suffix):
        info = SceneInfo(path="scene", format="test", shape=CUBE.shape, dtype=CUBE.dtype)
        write(tmp_path / f"scene{suffix}", info, CUBE)
        assert_same(info, read(tmp_path / f"scene{suffix}")[0])

    @pytest.mark.parametrize("block", [(4, 14), (3, 5), (1, 1)])
    def test_window_by_window(self, tmp_path, suffix, block):
        write(tmp_path / f"scene{suffix}", full_info(CUBE), CUBE, block)
        np.testing.assert_array_equal(read(tmp_path / f"scene{suffix}")[1], CUBE)

    @pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"])
    def test_every_type(self, tmp_path, suffix, kind):
        limits = np.finfo(kind) if kind[0] == "f" else np.iinfo(kind)
        cube = np.array([limits.min, limits.max, 0, 1, 2, 100], kind).reshape(1, 3, 2)
        write(tmp_path / f"scene{suffix}", full_info(cube, nodata=None), cube)
        back = read(tmp_path / f"scene{suffix}")[1]
        assert back.dtype == cube.dtype
        np.testing.assert_array_equal(back, cube)

    @pytest.mark.parametrize("kind", ["i1", "?", "f2"])
    def test_what_a_format_lacks_becomes_the_next_wider_type(self, tmp_path, suffix, kind):
        cube = np.array([0, 1, 1, 0, 1, 0], kind).reshape(1, 3, 2)
        write(tmp_path / f"scene{suffix}", full_info(cube, nodata=None), cube)
        np.testing.assert_array_equal(read(tmp_path / f"scene{suffix}")[1], cube)

    @pytest.mark.parametrize(
        "nodata", [float("nan"), 0.1, -3.4028234663852886e38, (1.0, None, float("nan"), -2.5, 0.0)]
    )
    def test_nodata_of_floats(self, tmp_path, suffix, nodata):
        cube = CUBE.astype("f4")
        cube[0, 0] = np.nan
        info = full_info(cube, nodata=nodata)
        write(tmp_path / f"scene{suffix}", info, cube)
        back, values = read(tmp_path / f"scene{suffix}")
        assert_same(info, back)
        np.testing.assert_array_equal(values, cube)

    def test_nodata_that_the_type_cannot_hold(self, tmp_path, suffix):
        info = full_info(CUBE, nodata=-99999.5)
        write(tmp_path / f"scene{suffix}", info, CUBE)
        assert_same(info, read(tmp_path / f"scene{suffix}")[0])

    def test_a_map_of_scores(self, tmp_path, suffix):
        scores = np.random.default_rng(0).normal(size=(11, 14, 1)).astype("f4")
        scores[3, 3] = np.nan
        info = SceneInfo(
            path="scene",
            format="test",
            shape=scores.shape,
            dtype=scores.dtype,
            nodata=float("nan"),
            band_names=("grx score",),
            crs=UTM,
            transform=(2.0, 0.0, 5.0, 0.0, -2.0, 9.0),
            tags={"had_method": "grx", "had_parameters": '{"shrinkage": 0.1}'},
        )
        write(tmp_path / f"scene{suffix}", info, scores)
        back, values = read(tmp_path / f"scene{suffix}")
        assert_same(info, back)
        np.testing.assert_array_equal(values, scores)

    @pytest.mark.parametrize(
        "transform",
        [
            (1.7320508, 1.0, 5.0, 1.0, -1.7320508, 6.0),  # rotated by 30 degrees
            (1.0, 0.25, 5.0, 0.1, -1.0, 6.0),  # sheared: no map info says this
            (2.0, 0.0, 5.0, 0.0, 2.0, 6.0),  # rows run north
            (0.1, 0.0, -117.00000000000001, 0.0, -0.1, 33.3),
        ],
    )
    @pytest.mark.parametrize("crs", [None, GEOGRAPHIC])
    def test_place(self, tmp_path, suffix, transform, crs):
        info = full_info(CUBE, transform=transform, crs=crs)
        write(tmp_path / f"scene{suffix}", info, CUBE)
        assert_same(info, read(tmp_path / f"scene{suffix}")[0])

    def test_a_crs_without_a_transform(self, tmp_path, suffix):
        info = full_info(CUBE, transform=None)
        write(tmp_path / f"scene{suffix}", info, CUBE)
        assert_same(info, read(tmp_path / f"scene{suffix}")[0])

    def test_a_crs_of_nobodys_register(self, tmp_path, suffix):
        text = "+proj=tmerc +lat_0=12 +lon_0=17.123 +k=0.9999 +x_0=1 +y_0=2 +datum=WGS84 +units=us-ft"
        info = full_info(CUBE, crs=rasterio.CRS.from_proj4(text).to_wkt())
        write(tmp_path / f"scene{suffix}", info, CUBE)
        assert_same(info, read(tmp_path / f"scene{suffix}")[0])

    def test_the_same_scene_gives_the_same_bytes(self, tmp_path, suffix):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            write(tmp_path / folder / f"scene{suffix}", full_info(CUBE), CUBE)
        names = sorted(file.name for file in (tmp_path / "a").iterdir())
        assert names == sorted(file.name for file in (tmp_path / "b").iterdir())
        for name in names:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


texts = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12
).map(str.strip)
finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
positive = st.floats(1e-3, 1e6)


@st.composite
def infos(draw):
    bands = draw(st.integers(1, 4))

    def vector(values):
        return draw(st.none() | st.lists(values, min_size=bands, max_size=bands).map(np.array))

    wavelengths = vector(positive)
    scale, offset = vector(positive), vector(finite)
    return SceneInfo(
        path="scene",
        format="test",
        shape=(2, 3, bands),
        dtype=np.dtype("f8"),
        wavelengths=wavelengths,
        fwhm=None if wavelengths is None else vector(positive),
        band_names=draw(st.none() | st.lists(texts.filter(bool), min_size=bands, max_size=bands).map(tuple)),
        bad_bands=vector(st.booleans()),
        nodata=draw(st.none() | finite | st.just(float("nan"))),
        # a scale of one and an offset of nothing say nothing
        scale=None if scale is None or (scale == 1).all() else scale,
        offset=None if offset is None or (offset == 0).all() else offset,
        transform=draw(
            st.none()
            | st.tuples(positive, st.just(0.0), finite, st.just(0.0), positive.map(lambda v: -v), finite)
        ),
        crs=draw(st.sampled_from([None, UTM, GEOGRAPHIC])),
        tags=draw(
            st.dictionaries(
                st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), texts.filter(bool), max_size=3
            )
        ),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(info=infos())
def test_any_metadata_come_back(tmp_path, suffix, info):
    cube = np.arange(6.0 * info.shape[2]).reshape(info.shape)
    path = tmp_path / f"scene{suffix}"
    write(path, info, cube)
    back, values = read(path)
    assert_same(info, back)
    np.testing.assert_array_equal(values, cube)


class TestMatlab73:
    """Scenes of 2 GB and more; here the limit is drawn lower."""

    @pytest.fixture(autouse=True)
    def low_limit(self, monkeypatch):
        monkeypatch.setattr(mat_writer, "V5_LIMIT", 100)

    @pytest.mark.parametrize("block", [None, (4, 14), (3, 5)])
    def test_round_trip(self, tmp_path, block):
        info = full_info(CUBE, truth=lambda: CUBE[..., 0] > 2900)
        write(tmp_path / "scene.mat", info, CUBE, block)
        back, cube = read(tmp_path / "scene.mat")
        assert back.format == "MATLAB v7.3"
        np.testing.assert_array_equal(cube, CUBE)
        assert_same(info, back)
        np.testing.assert_array_equal(back.truth(), CUBE[..., 0] > 2900)

    def test_matlab_finds_its_own_header_in_the_user_block(self, tmp_path):
        write(tmp_path / "scene.mat", full_info(CUBE), CUBE)
        raw = (tmp_path / "scene.mat").read_bytes()
        assert raw.startswith(b"MATLAB 7.3 MAT-file")
        assert raw[124:128] == b"\x00\x02IM"
        assert raw[512:516] == b"\x89HDF"


@pytest.mark.parametrize("suffix", [".mat", ".npz"])
def test_a_truth_is_kept_where_the_format_holds_arrays(tmp_path, suffix):
    truth = CUBE[..., 0] > 2500
    write(tmp_path / f"scene{suffix}", full_info(CUBE, truth=lambda: truth), CUBE)
    np.testing.assert_array_equal(read(tmp_path / f"scene{suffix}")[0].truth(), truth)


def test_a_geotiff_of_scores_is_what_a_gis_expects(tmp_path):
    scores = np.random.default_rng(0).normal(size=(300, 280, 1)).astype("f4")
    scene = full_info(CUBE, shape=(300, 280, 5))
    info = map_info(scene, tags={"had_method": "grx"})
    write(tmp_path / "scores.tif", info, scores)
    with rasterio.open(tmp_path / "scores.tif") as raster:
        assert raster.dtypes == ("float32",)
        assert raster.profile["tiled"]
        assert raster.block_shapes == [(256, 256)]
        assert raster.compression.name == "deflate"
        assert np.isnan(raster.nodata)
        assert raster.crs.to_epsg() == 32611
        assert raster.tags()["had_method"] == "grx"
        np.testing.assert_array_equal(raster.read(1), scores[..., 0])
