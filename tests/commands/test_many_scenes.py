"""``had detect`` on folders and several scenes: where maps go, what is written of all together, and jobs."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine


@pytest.fixture
def folder(tmp_path):
    """Return a folder of two scenes, one in a folder below, and a map, a mask and a picture beside them."""
    folder = tmp_path / "flight"
    (folder / "below").mkdir(parents=True)
    for seed, name in enumerate(("a", "b", "below/c")):
        write(folder / f"{name}.tif", seed)
    write(folder / "scores.tif", 5, bands=1)
    write(folder / "look.tif", 6, bands=3)
    (folder / "notes.txt").write_text("not a scene")
    return folder


def write(path, seed, bands=8):
    rng = np.random.default_rng(seed)
    cube = rng.normal(100, 5, (bands, 20, 24)).astype(np.float32)
    cube[:, 4, 5] += 60
    cube[:, 15, 17 - seed] += 60
    profile = {"driver": "GTiff", "width": 24, "height": 20, "count": bands, "dtype": "float32"}
    where = Affine(10, 0, 5e5 + 1000 * seed, 0, -10, 5e6)
    with rasterio.open(path, "w", crs="EPSG:32632", transform=where, **profile) as raster:
        raster.write(cube)


def maps(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_folder_stands_for_its_scenes(had, folder):
    done = had("detect", "-m", "grx", folder, "-o", "maps")
    assert done.status == 0, done.err
    assert maps("maps") == ["a_grx.tif", "b_grx.tif"]
    assert "2 files of fewer than 5 bands are passed over (look.tif, scores.tif)" in done.err


def test_recursive_goes_into_the_folders_below(had, folder):
    assert had("detect", "-m", "grx", "-r", folder, "-o", "maps").status == 0
    assert maps("maps") == ["a_grx.tif", "b_grx.tif", "c_grx.tif"]


def test_a_folder_without_scenes_says_where_it_looked(had, tmp_path):
    (tmp_path / "none" / "below").mkdir(parents=True)
    done = had("detect", "-m", "grx", tmp_path / "none")
    assert done.status == 1
    assert "no scene lies in this folder; --recursive looks into the folders below" in done.err


@pytest.mark.parametrize("words", [["new/"], ["new/deep/"]])
def test_a_slash_makes_the_folder_for_one_scene_too(had, folder, words):
    assert had("detect", "-m", "grx", folder / "a.tif", "-o", *words).status == 0
    assert maps(words[0]) == ["a_grx.tif"]


def test_a_slash_after_the_name_of_a_file_is_wrong_usage(had, folder):
    done = had("detect", "-m", "grx", folder / "a.tif", "-o", "map.tif/")
    assert done.status == 2
    assert "this must be a folder, not a file" in done.err


def test_a_folder_of_one_scene_has_the_document_of_several(had, folder):
    done = had("detect", "-m", "grx", folder / "below", "--json", "-o", "maps")
    assert [document["output"] for document in json.loads(done.out)["scenes"]] == ["maps/c_grx.tif"]


def test_one_geopackage_has_a_layer_for_each_scene(had, folder):
    words = ["--threshold", "value:50", "--vector", "all.gpkg", "--json", "-o", "maps"]
    done = had("detect", "-m", "grx", folder, *words)
    assert done.status == 0, done.err
    documents = json.loads(done.out)["scenes"]
    assert [name for name, _ in pyogrio.list_layers("all.gpkg")] == ["a_grx", "b_grx"]
    for document in documents:
        assert document["vector"] == "all.gpkg"
        count = pyogrio.read_info("all.gpkg", layer=document["layer"])["features"]
        assert count == len(document["places"]) == 2
    assert had("detect", "-m", "grx", folder, *words[:4], "-o", "again").status == 1
    assert not Path("again").exists()


def test_a_geojson_for_several_scenes_is_refused_with_what_to_do(had, folder):
    done = had("detect", "-m", "grx", folder, "--threshold", "value:50", "--vector", "all.geojson")
    assert done.status == 2
    assert "give a suffix alone, such as .geojson, or a .gpkg, which gets a layer for each" in done.err


def test_the_summary_has_a_row_for_each_scene_and_its_failure(had, folder):
    (folder / "bad.npy").write_bytes(b"no array")
    words = ["--threshold", "value:50", "--summary", "all.csv", "-o", "maps", "--json"]
    done = had("detect", "-m", "grx", folder, *words)
    assert done.status == 1
    with Path("all.csv").open() as file:
        rows = {Path(row["scene"]).name: row for row in csv.DictReader(file)}
    assert set(rows) == {"a.tif", "b.tif", "bad.npy"}
    assert rows["bad.npy"]["error"] != ""
    assert rows["bad.npy"]["output"] == ""
    assert (rows["a.tif"]["threshold"], rows["a.tif"]["places"], rows["a.tif"]["error"]) == ("50.0", "2", "")
    assert float(rows["a.tif"]["area_m2"]) == pytest.approx(200, rel=1e-2)
    peaks = [p["peak_score"] for p in json.loads(done.out)["scenes"][0]["places"]]
    assert float(rows["a.tif"]["highest_peak"]) == peaks[0]


def test_jobs_give_the_same_bytes_in_the_same_order(had, folder):
    (folder / "bad.npy").write_bytes(b"no array")
    words = ["detect", "-m", "grx", "-r", folder, "--threshold", "value:50"]
    alone = had(*words, "-o", "one")
    beside = had(*words, "-o", "two", "--jobs", 3)
    assert (alone.status, beside.status) == (1, 1)
    assert maps("one") == maps("two")
    for name in maps("one"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
    told = [line for line in beside.out.splitlines() if line.startswith("two/")]
    assert [line.split(":")[0] for line in told] == [f"two/{name}_grx.tif" for name in "abc"]
    assert "bad.npy" in beside.err


def test_what_is_wrong_with_every_scene_is_told_once_with_jobs_too(had, folder):
    done = had("detect", "-m", "ssf", "--background", folder / "scores.tif", folder, "-j", 2, "-o", "maps")
    assert done.status == 2
    assert done.err.count("these do: ferd, fers, grx") == 1
    assert not Path("maps").exists()


def test_jobs_that_are_told_to_end_leave_nothing_behind(tmp_path):
    folder = tmp_path / "scenes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        np.save(folder / f"{name}.npy", rng.normal(size=(500, 500, 30)).astype(np.float32))
    words = [
        "detect",
        "-m",
        "ssf",
        folder,
        "-o",
        tmp_path / "maps",
        "-j",
        "2",
        "--log-json",
        tmp_path / "log",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "had_cli", *map(str, words)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    while process.poll() is None and not (tmp_path / "log").exists():
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the machine was done before it could be told to end")
    assert process.returncode == 143
    assert "Traceback" not in err
    assert list(tmp_path.rglob(".*")) == []
    assert json.loads((tmp_path / "log").read_text().splitlines()[-1])["status"] == "interrupted"


def test_several_maps_are_thresholded_at_once(had, folder):
    assert had("detect", "-m", "grx", folder, "-o", "maps").status == 0
    Path("bad.tif").write_bytes(b"no raster")
    given = ["maps/a_grx.tif", "bad.tif", "maps/b_grx.tif"]
    done = had("threshold", *given, "--rule", "value:50", "-o", ".tif", "--vector", "all.gpkg", "--json")
    assert done.status == 1
    assert "bad.tif" in done.err
    documents = json.loads(done.out)["maps"]
    assert [document["scores"] for document in documents] == given
    assert "error" in documents[1]
    assert [len(documents[index]["places"]) for index in (0, 2)] == [2, 2]
    assert [name for name, _ in pyogrio.list_layers("all.gpkg")] == ["a_grx", "b_grx"]
    with rasterio.open("a_grx_mask.tif") as raster:
        assert (raster.read(1) == 1).sum() == documents[0]["threshold"]["pixels"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "mask.tif"], "--out mask.tif: with several maps give a suffix alone, such as .tif"),
        (["--vector", "p.geojson"], "with several maps give a suffix alone, such as .geojson"),
        (["--scene", "a.tif"], "--scene is that of one map"),
    ],
)
def test_what_is_named_once_serves_one_map(had, folder, words, told):
    done = had("threshold", folder / "scores.tif", folder / "look.tif", "--rule", "value:1", *words)
    assert done.status == 2
    assert told in done.err
