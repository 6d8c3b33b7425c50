"""had threshold, and --threshold on detect: masks, places, and what happens when something is wrong."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


@pytest.fixture
def flown(tmp_path):
    """Return a georeferenced scene of 40 x 50 pixels and 6 bands with three targets."""
    rng = np.random.default_rng(3)
    cube = rng.normal(100, 5, (40, 50, 6)).astype(np.float32)
    cube[:3, :3] = np.nan
    cube[10:12, 20:23, 4] += 80
    cube[30, 8, 1] += 120
    cube[25, 40, :] += 60
    path = tmp_path / "flown.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=50,
        height=40,
        count=6,
        dtype="float32",
        nodata=np.nan,
        crs=CRS.from_epsg(32632),
        transform=rasterio.Affine(4, 0, 512_000, 0, -4, 5_403_000),
    ) as dataset:
        dataset.write(cube.transpose(2, 0, 1))
    return path


@pytest.fixture
def scores(had, flown):
    assert had("detect", "-m", "grx", flown, "-o", "map.tif").status == 0
    return "map.tif"


def test_the_mask_is_a_byte_raster_with_its_provenance(had, scores, here):
    ended = had("threshold", scores, "--rule", "cfar:1e-4", "-o", "mask.tif", "--seed", 2)
    assert ended.status == 0
    with rasterio.open(here / "mask.tif") as mask, rasterio.open(here / scores) as source:
        values, tags = mask.read(1), mask.tags()
        assert (mask.dtypes, mask.nodata, mask.crs, mask.transform) == (
            ("uint8",),
            255,
            source.crs,
            source.transform,
        )
        value = float(tags["had_threshold"])
        expected = np.where(np.isnan(source.read(1)), 255, source.read(1) >= value)
    np.testing.assert_array_equal(values, expected)
    assert {10, 11} <= set(np.nonzero(values == 1)[0])
    assert tags["had_threshold_rule"] == "cfar:0.0001"
    assert tags["had_method"] == "grx"
    low, high = json.loads(tags["had_threshold_interval"])
    assert low <= value <= high


def test_the_result_is_told_with_the_places(had, scores, flown):
    shown = had("threshold", scores, "--rule", "value:60", "--scene", flown).out
    assert "threshold 60 by value:60" in shown
    assert "in 3 places" in shown
    first = next(line for line in shown.splitlines() if line.split()[:1] == ["1"])
    assert len(first.split()[-3:]) == 3  # the bands


def test_the_document_holds_what_the_reference_tells(had, scores, flown):
    words = ["--scene", flown, "--vector", "places.gpkg", "-o", "mask.npy", "--json"]
    document = json.loads(had("threshold", scores, "--rule", "cfar:1e-4", *words).out)
    told = PAGE.partition("## had threshold\n")[2].partition("\n## ")[0]
    names = set(re.findall(r"`(\w+)`", told))
    assert set(document) <= names
    assert set(document["threshold"]) <= names
    for place in document["places"]:
        assert set(place) | set(place["bands"][0]) <= names
    assert (document["mask"], document["vector"]) == ("mask.npy", "places.gpkg")
    top = {band["band"] for place in document["places"][:3] for band in place["bands"][:1]}
    assert {5, 2} <= top


def test_small_places_are_left_out_of_mask_and_polygons(had, scores, here):
    words = ["--min-pixels", 4, "-o", "mask.tif", "--vector", "places.geojson"]
    assert had("threshold", scores, "--rule", "value:60", *words).status == 0
    features = json.loads((here / "places.geojson").read_text())["features"]
    assert [f["properties"]["pixels"] for f in features] == [6]
    with rasterio.open(here / "mask.tif") as mask:
        assert (mask.read(1) == 1).sum() == 6


def test_detect_goes_from_scene_to_places_in_one_run(had, flown, here):
    words = ["--threshold", "value:60", "--mask-out", ".tif", "--vector", ".geojson", "--json"]
    document = json.loads(had("detect", "-m", "grx", flown, *words).out)
    assert sorted(file.name for file in here.iterdir()) == [
        "flown_grx.geojson",
        "flown_grx.tif",
        "flown_grx_mask.tif",
    ]
    assert document["threshold"]["value"] == 60
    assert len(document["places"]) == 3
    assert document["places"][0]["bands"]
    assert had("threshold", "flown_grx.tif", "--rule", "value:60", "-o", "again.tif").status == 0
    with rasterio.open(here / "again.tif") as again, rasterio.open(here / "flown_grx_mask.tif") as mask:
        np.testing.assert_array_equal(again.read(1), mask.read(1))


def test_several_scenes_each_get_their_own_files(had, flown, here):
    other = flown.with_name("other.tif")
    other.write_bytes(flown.read_bytes())
    words = ["-o", "maps", "--threshold", "value:60", "--vector", ".geojson"]
    assert had("detect", "-m", "grx", flown, other, *words).status == 0
    assert sorted(file.name for file in (here / "maps").glob("*.geojson")) == [
        "flown_grx.geojson",
        "other_grx.geojson",
    ]


def test_a_window_of_the_scene_serves_the_map_of_the_window(had, flown):
    window = ["--window", 15, 5, 20, 20]
    assert had("detect", "-m", "grx", flown, *window, "-o", "part.tif").status == 0
    words = ["--rule", "value:40", "--json"]
    found = json.loads(had("threshold", "part.tif", *words, "--scene", flown, *window).out)
    assert found["places"][0]["bands"][0]["band"] == 5
    refused = had("threshold", "part.tif", *words, "--scene", flown)
    assert refused.status == 1
    assert "20 x 20" in refused.err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--rule", "otsu"], 2, "'otsu' is no threshold"),
        (["--rule", "value:1", "--vector", "places.kml"], 1, "places.kml"),
        (["--rule", "value:1", "-o", "absent/mask.tif"], 1, "no folder absent"),
        (["--rule", "value:1", "--window", 0, 0, 2, 2], 2, "--scene"),
        (["--rule", "value:1", "--min-pixels", 0], 2, "min-pixels"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_written(had, scores, here, words, status, told):
    ended = had("threshold", scores, *words)
    assert ended.status == status
    assert told in ended.err
    assert sorted(file.name for file in here.iterdir()) == [scores]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vector", "places.geojson"], "--vector needs --threshold"),
        (["--threshold", "cfar:7"], "false-alarm rate"),
        (["-m", "slrx", "--threshold", "chi2:1e-3"], "the scores of slrx follow no chi-square law"),
    ],
)
def test_detect_refuses_before_it_computes(had, flown, here, words, told):
    ended = had("detect", "-m", "grx", flown, *words)
    assert ended.status == 2
    assert told in ended.err
    assert list(here.iterdir()) == []


def test_one_file_does_not_serve_several_scenes(had, flown, here):
    other = flown.with_name("other.tif")
    other.write_bytes(flown.read_bytes())
    ended = had("detect", "-m", "grx", flown, other, "--threshold", "value:9", "--vector", "all.geojson")
    assert ended.status == 2
    assert "suffix alone" in ended.err


def test_files_that_exist_are_kept(had, scores, here):
    (here / "mask.tif").write_text("mine")
    assert had("threshold", scores, "--rule", "value:9", "-o", "mask.tif").status == 1
    assert (here / "mask.tif").read_text() == "mine"
    assert had("threshold", scores, "--rule", "value:9", "-o", "mask.tif", "--overwrite").status == 0


def test_chi_square_says_what_it_is_worth(had, scores):
    ended = had("threshold", scores, "--rule", "chi2:1e-3")
    assert ended.status == 0
    assert "warning: map.tif: real backgrounds have heavier tails" in ended.err
