"""Zarr stores: chunk by chunk in both versions, whole or not at all, and no code of theirs is run."""

from __future__ import annotations

import json
import os
import pickle
import tracemalloc
from pathlib import Path

import generate
import numpy as np
import pytest
import rasterio
import zarr
from command_line import had

from had_cli.scenes.open import open_scene
from had_cli.scenes.output import create_raster
from had_cli.scenes.source import SceneInfo, Window

__all__ = ["had"]

ROWS, COLS, BANDS = 150, 170, 30


@pytest.fixture(params=[2, 3])
def version(request):
    """Let zarr write one version, as its users choose it."""
    with zarr.config.set({"default_zarr_format": request.param}):
        yield request.param


@pytest.fixture
def scene(tmp_path):
    cube = generate.make_cube(ROWS, COLS, BANDS)
    cube[:20, :30] = -9999
    fields = {
        "wavelength": [400 + 10 * b for b in range(BANDS)],
        "wavelength_units": "Nanometers",
        "fwhm": [9.5] * BANDS,
        "bbl": [0, 0] + [1] * (BANDS - 2),
        "data_ignore_value": -9999,
        "reflectance_scale_factor": 10000,
        "map_info": "{UTM, 1, 1, 512000.7, 5403000.1, 3.3, 3.3, 32, North, WGS-84}",
        "band_names": [f"b{b}" for b in range(BANDS)],
    }
    return generate.write_envi(tmp_path / "line.hdr", cube, **fields)


def same(one, other):
    """Check that two scenes hold and know the same."""
    first, second = one.source.info, other.source.info
    for name in ("wavelengths", "fwhm", "bad_bands", "scale", "offset"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("shape", "dtype", "nodata", "transform", "band_names"):
        assert getattr(first, name) == getattr(second, name), name
    assert rasterio.CRS.from_wkt(first.crs) == rasterio.CRS.from_wkt(second.crs)
    np.testing.assert_array_equal(one.read(), other.read())


def test_there_and_back(had, scene, version):
    assert had("convert", scene, "copy.zarr").status == 0
    assert zarr.open_group("copy.zarr", mode="r").metadata.zarr_format == version
    assert had("convert", "copy.zarr", "back.tif").status == 0
    with open_scene(scene) as first, open_scene("copy.zarr") as second, open_scene("back.tif") as third:
        same(first, second)
        same(second, third)
        part = Window(13, 17, 90, 101)
        np.testing.assert_array_equal(
            first.select(bands=[3, 4, 9]).read(part), second.select(bands=[3, 4, 9]).read(part)
        )


def test_xarray_s_conventions(had, scene, version):
    """The axes, coordinates and attributes by which xarray and rioxarray decode a store."""
    assert had("convert", scene, "copy.zarr").status == 0
    group = zarr.open_group("copy.zarr", mode="r")
    data = group["data"]
    axes = {"data": ["wavelength", "y", "x"], "wavelength": ["wavelength"], "x": ["x"], "y": ["y"]}
    for name, expected in axes.items():
        item = group[name]
        found = item.attrs["_ARRAY_DIMENSIONS"] if version == 2 else item.metadata.dimension_names
        assert list(found) == expected
    assert data.attrs["scale_factor"] == 1e-4
    assert data.attrs["grid_mapping"] == "spatial_ref"
    assert rasterio.CRS.from_wkt(group["spatial_ref"].attrs["crs_wkt"]).to_epsg() == 32632
    assert group["spatial_ref"].attrs["GeoTransform"].split()[:3] == ["512000.7", "3.3", "0.0"]
    np.testing.assert_allclose(group["x"][:2], [512000.7 + 1.65, 512000.7 + 4.95])
    np.testing.assert_allclose(group["y"][:1], [5403000.1 - 1.65])
    assert group["wavelength"].attrs["units"] == "nm"
    # xarray takes the one in version 2, the other in version 3
    assert (data.fill_value if version == 2 else data.attrs["_FillValue"]) == -9999


def test_a_map_is_scored_from_a_store_and_written_as_one(had, scene, version):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif").status == 0
    assert had("convert", scene, "copy.zarr").status == 0
    for engine in ("memory", "stream"):
        words = ("--engine", engine, "--memory", "1MB", "--overwrite")
        ended = had("detect", "-m", "grx", "copy.zarr", "-o", "map.zarr", *words)
        assert ended.status == 0, ended.err
        with open_scene("map.zarr") as found, rasterio.open("map.tif") as expected:
            np.testing.assert_allclose(found.read()[..., 0], expected.read(1), rtol=1e-5)
            assert found.info.tags["had_method"] == "grx"
            assert found.info.band_names == ("grx score",)
            assert np.isnan(found.read()[:20, :30]).all()
    words = ("--rule", "quantile:0.99", "--vector", "p.geojson", "-o", "mask.zarr")
    for more in ((), ("--overwrite",)):
        assert had("threshold", "map.zarr", *words, *more).status == 0
    assert json.loads(had("info", "mask.zarr", "--json").out)["dtype"] == "uint8"


def test_the_arrays_of_other_hands(had, tmp_path, version):
    """A cube without wavelengths, rows before bands, and a truth of two axes, as xarray writes them."""
    cube, truth = generate.make_cube(13, 17, 6), generate.make_truth()
    group = zarr.create_group(str(tmp_path / "x.zarr"))
    for name, values, axes in (
        ("radiance", cube, ("y", "x", "band")),
        ("map", truth, ("y", "x")),
    ):
        more = {"dimension_names": axes} if version == 3 else {"attributes": {"_ARRAY_DIMENSIONS": axes}}
        array = group.create_array(
            name, shape=values.shape, dtype=values.dtype, chunks=(5,) * values.ndim, **more
        )
        array[...] = values
    with open_scene(tmp_path / "x.zarr") as scene:
        np.testing.assert_array_equal(scene.read(), cube)
    ended = had("detect", "-m", "grx", tmp_path / "x.zarr", "--truth", tmp_path / "x.zarr")
    assert ended.status == 0, ended.err
    assert "(3 anomalous pixels)" in ended.out


def test_a_folder_of_stores_is_benched(had, tmp_path):
    folder = tmp_path / "scenes"
    folder.mkdir()
    truth = np.zeros((20, 24), np.uint8)
    truth[4, 5] = 1
    cube = generate.make_cube(20, 24, 5)
    cube[4, 5, ::2] += 20000
    generate.write_geotiff(tmp_path / "a.tif", cube)
    assert had("convert", tmp_path / "a.tif", folder / "a.zarr").status == 0
    generate.write_geotiff(folder / "a_gt.tif", truth[..., None])
    ended = had("bench", folder, "-m", "grx", "-o", "out", "--json")
    assert ended.status == 0, ended.err
    assert [cell["error"] for cell in json.loads(ended.out)["cells"]] == [None]


class TestPublishing:
    def test_a_store_is_not_replaced_unasked_and_is_replaced_as_a_whole(self, had, scene):
        assert had("convert", scene, "copy.zarr").status == 0
        before = sorted(str(p) for p in Path("copy.zarr").rglob("*"))
        ended = had("convert", scene, "copy.zarr", "--bands", "1-3")
        assert (ended.status, ended.err) == (
            1,
            "had: copy.zarr: exists already; give --overwrite or another name\n",
        )
        assert sorted(str(p) for p in Path("copy.zarr").rglob("*")) == before
        Path("copy.zarr", "old").touch()
        assert had("convert", scene, "copy.zarr", "--bands", "1-3", "--overwrite").status == 0
        assert not Path("copy.zarr", "old").exists()
        with open_scene("copy.zarr") as found:
            assert found.source.info.shape[2] == 3
        assert list(Path().iterdir()) == [Path("copy.zarr")]

    def test_another_folder_is_never_replaced(self, had, scene):
        Path("photos.zarr").mkdir()
        Path("photos.zarr", "cat.jpg").touch()
        ended = had("convert", scene, "photos.zarr", "--overwrite")
        assert ended.status == 1
        assert "photos.zarr: is a folder, but no store that could be replaced" in ended.err
        assert Path("photos.zarr", "cat.jpg").exists()

    def test_an_input_is_never_replaced(self, had, scene):
        assert had("convert", scene, "copy.zarr").status == 0
        Path("link.zarr").symlink_to("copy.zarr")
        Path("copy.zarr", "truth.tif").write_bytes(b"x")
        for words in (
            ("convert", "copy.zarr", "copy.zarr"),
            ("convert", "copy.zarr", "link.zarr"),
            ("detect", "copy.zarr", "-o", "copy.zarr"),
            ("detect", scene, "--truth", "copy.zarr/truth.tif", "-o", "copy.zarr"),
        ):
            ended = had(*words, "--overwrite")
            assert ended.status == 1, words
            assert "itself" in ended.err
        assert Path("copy.zarr", "truth.tif").exists()

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_failure_leaves_what_was_there(self, tmp_path, overwrite):
        path = tmp_path / "out.zarr"
        info = SceneInfo(path="x", format="x", shape=(4, 5, 2), dtype=np.dtype("f4"))
        if overwrite:
            with create_raster(path, info, "f4") as sink:
                sink.write(Window(0, 0, 5, 4), np.ones((4, 5, 2), "f4"))

        def fail():
            with create_raster(path, info, "f4", overwrite=overwrite) as sink:
                sink.write(Window(0, 0, 5, 4), np.zeros((4, 5, 2), "f4"))
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert [p.name for p in tmp_path.iterdir()] == ["out.zarr"] * overwrite
        if overwrite:
            with open_scene(path) as found:
                assert (found.read() == 1).all()


def test_writing_and_reading_take_the_memory_of_some_chunks(tmp_path, version):
    """A scene of 210 MB passes through some 60 MB."""
    shape = (1024, 1024, 100)
    info = SceneInfo(path="x", format="x", shape=shape, dtype=np.dtype("u2"))
    block = np.arange(64 * 1024 * 100, dtype=np.uint16).reshape(64, 1024, 100)
    tracemalloc.start()
    try:
        with create_raster(tmp_path / "big.zarr", info, "u2") as sink:
            high = sink.block[0]
            for row in range(0, 1024, high):
                sink.write(Window(0, row, 1024, high), np.resize(block, (high, 1024, 100)))
        with open_scene(tmp_path / "big.zarr") as scene:
            assert scene.source.info.block == sink.block
            scene.source.read(Window(100, 100, 300, 200), None)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()


class TestHostileStores:
    @pytest.fixture
    def store(self, tmp_path):
        info = SceneInfo(
            path="x",
            format="x",
            shape=(8, 9, 3),
            dtype=np.dtype("f4"),
            wavelengths=np.array([400.0, 500, 600]),
        )
        with (
            zarr.config.set({"default_zarr_format": 2}),
            create_raster(tmp_path / "s.zarr", info, "f4") as sink,
        ):
            sink.write(Window(0, 0, 9, 8), np.ones((8, 9, 3), "f4"))
        (tmp_path / "s.zarr" / ".zmetadata").unlink()
        return tmp_path / "s.zarr"

    def refused(self, had, store, words):
        ended = had("detect", "-m", "grx", store)
        assert ended.status == 1
        assert ended.err.count("\n") == 1
        assert f"{store}: " in ended.err
        assert words in ended.err
        assert not list(Path().iterdir())

    def change(self, store, **fields):
        file = store / "data" / ".zarray"
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    @pytest.mark.parametrize("place", ["filters", "compressor", "second"])
    def test_pickles_are_never_loaded(self, had, store, tmp_path, place):
        class Evil:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "run"),))

        codec = {"id": "pickle", "protocol": 5}
        shuffle = {"id": "shuffle", "elementsize": 4}
        fields = {"filters": [codec], "compressor": codec, "second": [shuffle, codec]}
        self.change(store, **{"filters" if place == "second" else place: fields[place]}, order="C")
        for chunk in (store / "data").glob("0*"):
            chunk.write_bytes(pickle.dumps(Evil()))
        self.refused(had, store, "pickle")
        assert not (tmp_path / "run").exists()

    def test_a_chunk_larger_than_memory(self, had, store):
        self.change(store, chunks=[3, 10**6, 10**6], shape=[3, 10**6, 10**6])
        self.refused(had, store, "chunks of 12000.0 GB")

    def test_a_chunk_cut_off(self, had, store):
        for chunk in (store / "data").glob("0*"):
            chunk.write_bytes(chunk.read_bytes()[:-7])
        self.refused(had, store, "cannot be read as a Zarr store")

    @pytest.mark.parametrize(
        "fields",
        [
            {"shape": [3, -8, 9]},
            {"shape": [3, "8", 9]},
            {"chunks": [0, 8, 9]},
            {"dtype": "|O"},
            {"dtype": "nonsense"},
            {"compressor": {"id": "nonsense"}},
            {"zarr_format": 99},
        ],
        ids=str,
    )
    def test_metadata_that_lie(self, had, store, fields):
        self.change(store, **fields)
        self.refused(had, store, "")

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"shape": 7}'])
    def test_metadata_that_are_none(self, had, store, text):
        (store / "data" / ".zarray").write_text(text)
        self.refused(had, store, "")

    def test_metadata_of_ours_that_were_changed(self, had, store):
        file = store / "data" / ".zattrs"
        for text in ("{", "7", '{"scale": [1, 2]}', '{"nodata": "x"}'):
            file.write_text(json.dumps(json.loads(file.read_text()) | {"had_metadata": text}))
            self.refused(had, store, "")
