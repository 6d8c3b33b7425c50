"""Scenes on a server: the same scores as of the file itself, and no byte twice."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from range_server import serving
from served_scene import BANDS, SIZE, TILE

from had_cli.scenes.open import open_scene
from had_cli.scenes.source import Window
from had_cli.scenes.urls import file_name, public

WINDOW = (0, 0, 2 * TILE, TILE)


def scores(path):
    with rasterio.open(path) as raster:
        return raster.read(1), raster.tags(), raster.crs, raster.transform


@pytest.mark.parametrize("name", ["cog.tif", "bands.tif", "strips.tif"])
def test_a_map_of_a_url_is_that_of_the_file(had, server, folder, name):
    assert had("detect", "-m", "grx", server.url(name), "-o", "far.tif").status == 0
    assert had("detect", "-m", "grx", folder / name, "-o", "near.tif").status == 0
    far, near = scores("far.tif"), scores("near.tif")
    np.testing.assert_array_equal(far[0], near[0])
    assert far[1:] == near[1:]


def test_the_output_is_named_after_the_file_and_lies_here(had, server, tmp_path):
    ended = had(
        "detect", "-m", "grx", f"{server.url('cog.tif')}?signature=SECRET", "--bands", "1-3", "--json"
    )
    assert ended.status == 0
    assert json.loads(ended.out)["output"] == "cog_grx.tif"
    assert "SECRET" not in ended.out + ended.err
    assert b"SECRET" not in (tmp_path / "here" / "cog_grx.tif").read_bytes()
    assert scores("cog_grx.tif")[1]["had_scene"] == "cog.tif"


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("name", ["cog.tif", "bands.tif", "pixels.tif"])
def test_a_window_costs_no_more_bytes_than_it_has(had, server, name, engine):
    ended = had(
        "detect", "-m", "grx", server.url(name), "--window", *WINDOW, "--engine", engine, "--memory", "1MB"
    )
    assert ended.status == 0
    asked = WINDOW[2] * WINDOW[3] * BANDS * 2
    assert asked <= server.sent(name) <= 1.1 * asked


def test_bands_of_a_file_that_stores_them_apart_cost_their_bytes_alone(had, server):
    ended = had("detect", "-m", "grx", server.url("bands.tif"), "--bands", "1-6", "--window", *WINDOW)
    assert ended.status == 0
    assert server.sent("bands.tif") <= 1.1 * WINDOW[2] * WINDOW[3] * 6 * 2


def test_info_reads_the_head_alone(had, server):
    ended = had("info", server.url("cog.tif"), "--json")
    known = json.loads(ended.out)
    assert (known["rows"], known["cols"], known["bands"]) == (SIZE, SIZE, BANDS)
    assert known["crs"]["epsg"] == 32633
    assert known["wavelength_range_nm"][0] == 400
    assert server.sent("cog.tif") <= 65536


@pytest.mark.parametrize(
    "prefix", ["/vsicurl/{address}/", "{address}/"], ids=["the name GDAL has", "a plain URL"]
)
def test_windows_in_any_order_hold_the_scene_s_values(server, expected, prefix):
    rng = np.random.default_rng(3)
    with open_scene(prefix.format(address=server.address) + "bands.tif") as scene:
        for _ in range(12):
            col, row = rng.integers(0, SIZE - 1, 2)
            width, height = rng.integers(1, SIZE - col + 1), rng.integers(1, SIZE - row + 1)
            bands = np.sort(rng.choice(BANDS, rng.integers(1, BANDS + 1), replace=False))
            part = scene.select(bands=bands).read(Window(int(col), int(row), int(width), int(height)))
            np.testing.assert_array_equal(part, expected[row : row + height, col : col + width][..., bands])
    tiles = -(-SIZE // TILE) * TILE  # those at the edges are stored whole
    assert server.sent("bands.tif") <= 1.1 * tiles * tiles * BANDS * 2


def test_a_disk_without_room_costs_time_and_no_result(server, expected, monkeypatch):
    monkeypatch.setattr("had_cli.formats.fetched._SHARE_OF_DISK", 0)
    with open_scene(server.url("cog.tif")) as scene:
        for _ in range(2):
            np.testing.assert_array_equal(scene.read(), expected)


def test_masks_come_along(folder, tmp_path, cube):
    served = tmp_path / "masked"
    served.mkdir()
    mask = np.full((SIZE, SIZE), 255, np.uint8)
    mask[:40] = 0
    with (
        rasterio.open(folder / "bands.tif") as source,
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(served / "inside.tif", "w", **source.profile) as raster,
    ):
        raster.write(source.read())
        raster.write_mask(mask)
    with serving(served) as server, open_scene(server.url("inside.tif")) as scene:
        for _ in range(2):
            values = scene.read(Window(10, 30, 50, 200))
            assert np.isnan(values[:10]).all()
            np.testing.assert_array_equal(values[10:], cube[40:230, 10:60])


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("s3://bucket/cog.tif", "AWS_S3_ENDPOINT"),
        ("/vsis3/bucket/cog.tif", "AWS_S3_ENDPOINT"),
        ("gs://bucket/cog.tif", "CPL_GS_ENDPOINT"),
        ("az://bucket/cog.tif", "AZURE_STORAGE_CONNECTION_STRING"),
    ],
)
def test_object_stores(had, folder, tmp_path, monkeypatch, url, setting):
    (tmp_path / "store" / "bucket").mkdir(parents=True)
    (tmp_path / "store" / "bucket" / "cog.tif").symlink_to(folder / "cog.tif")
    with serving(tmp_path / "store") as server:
        host = server.address.removeprefix("http://")
        value = {
            "AWS_S3_ENDPOINT": host,
            "CPL_GS_ENDPOINT": f"{server.address}/",
            "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=account;"
            f"SharedAccessSignature=sig;BlobEndpoint={server.address}",
        }[setting]
        monkeypatch.setenv(setting, value)
        ended = had("detect", "-m", "grx", url, "--window", 0, 0, 64, 64)
        assert ended.status == 0, ended.err
        assert ended.out.startswith("cog_grx.tif: grx, 4096 pixels")


class TestEveryCommand:
    def test_convert(self, had, server, expected):
        assert had("convert", server.url("cog.tif"), "copy.hdr", "--window", 5, 6, 70, 80).status == 0
        with open_scene("copy.hdr") as scene:
            np.testing.assert_array_equal(scene.read(), expected[6:86, 5:75])
            assert scene.wavelengths[0] == 400

    def test_evaluate_threshold_quicklook_report_and_bench(self, had, tmp_path, cube):
        served = tmp_path / "all"
        served.mkdir()
        profile = {"driver": "GTiff", "width": 60, "height": 50, "crs": "EPSG:32633"}
        profile["transform"] = rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)
        truth = np.zeros((50, 60), np.uint8)
        truth[20:22, 30] = 1
        with rasterio.open(served / "scene.tif", "w", count=BANDS, dtype="int16", **profile) as raster:
            raster.write(cube[130:180, 140:200].transpose(2, 0, 1))
        with rasterio.open(served / "truth.tif", "w", count=1, dtype="uint8", **profile) as raster:
            raster.write(truth, 1)
        with serving(served) as server:
            scene, given = server.url("scene.tif"), server.url("truth.tif")
            ended = had("detect", "-m", "grx", scene, "--truth", given, "-o", served / "map.tif")
            assert "AUC(D,F) 1.0000" in ended.out
            far = server.url("map.tif")
            assert had("evaluate", far, "--truth", given).status == 0
            rule = ("--rule", "quantile:0.99", "--scene", scene, "--vector", "places.geojson")
            assert had("threshold", far, *rule).status == 0
            assert had("quicklook", scene, far, "-o", "look.png").status == 0
            assert had("report", scene, far, "--truth", given, "-o", "report.html").status == 0
            ended = had("bench", scene, "--truth", given, "-m", "grx", "-o", "compared", "--json")
            assert ended.status == 0, ended.err
            assert json.loads(ended.out)["cells"][0]["error"] is None

    def test_envi_by_its_data_file(self, had, server, cube):
        assert had("convert", server.url("line.img"), "copy.tif").status == 0
        with open_scene("copy.tif") as scene:
            np.testing.assert_array_equal(scene.read(), cube[:20, :30])


@pytest.mark.parametrize(
    ("given", "shown", "name"),
    [
        ("https://me:KEY@host/a/x.tif?sig=KEY/1.mat", "https://host/a/x.tif", "x.tif"),
        ("s3://bucket/a@b/x.tif", "s3://bucket/a@b/x.tif", "x.tif"),
        ("/vsicurl?use_head=no&url=https%3A%2F%2Fh%2Fx.tif%3Fk%3DKEY", "/vsicurl/https://h/x.tif", "x.tif"),
        ("/vsizip//vsicurl/http://h/x.zip/y.tif", "/vsizip//vsicurl/http://h/x.zip/y.tif", "y.tif"),
        ("what?.tif", "what?.tif", "what?.tif"),
    ],
)
def test_what_of_a_name_is_shown(given, shown, name):
    assert (public(given), file_name(given)) == (shown, name)
