"""had info, convert, evaluate, models, demo: what they print and write."""

import csv
import json

import numpy as np
import pytest
import scipy.io
from distributions import MEAN, install

from had_cli.scenes.open import open_scene


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


@pytest.fixture
def envi(had, scene, here):
    """Return an ENVI scene with wavelengths and a bad band."""
    assert had("convert", scene, "line.hdr").status == 0
    header = here / "line.hdr"
    waves = ", ".join(str(500 + 50 * band) for band in range(8))
    header.write_text(
        header.read_text()
        + f"wavelength units = Nanometers\nwavelength = {{{waves}}}\nbbl = {{1,1,1,0,1,1,1,1}}\n"
    )
    return header


def test_info_shows_what_is_known(had, envi):
    shown = had("info", envi)
    assert shown.status == 0
    for text in (
        "20 rows x 24 columns x 8 bands",
        "float32",
        "500 to 850 nm",
        "7 (1-3,5-8), 1 are marked bad",
    ):
        assert text in shown.out


def test_info_lists_the_bands_when_asked(had, envi):
    lines = had("info", envi, "--verbose").out.splitlines()
    assert [line.split() for line in lines if line.split()[:1] == ["4"]] == [["4", "650", "nm", "-", "bad"]]


def test_info_as_json(had, envi, scene):
    document = json.loads(had("info", envi, "--json").out)
    assert document["wavelengths_nm"] == [500 + 50 * band for band in range(8)]
    assert document["bad_bands"] == [4]
    assert json.loads(had("info", scene, "--json").out)["truth"] == {"anomalous_pixels": 2, "pixels": 480}


def test_info_of_a_missing_file_is_one_line(had):
    ended = had("info", "absent.hdr")
    assert (ended.status, ended.out, ended.err) == (1, "", "had: absent.hdr: there is no such file\n")


def test_convert_writes_a_part_in_another_format(had, scene, here):
    ended = had(
        "convert",
        scene,
        "part.tif",
        "--window",
        2,
        3,
        10,
        8,
        "--exclude-bands",
        "1,8",
        "--dtype",
        "float64",
        "--json",
    )
    assert json.loads(ended.out)["output"] == "part.tif"
    cube = scipy.io.loadmat(scene)["data"]
    with open_scene(here / "part.tif") as part:
        assert part.info.dtype == np.float64
        np.testing.assert_array_equal(part.read(), cube[3:11, 2:12, 1:7])


def test_convert_overwrites_only_when_asked(had, scene):
    assert had("convert", scene, "a.npy").status == 0
    assert had("convert", scene, "a.npy").status == 1
    assert had("convert", scene, "a.npy", "--overwrite").status == 0


@pytest.mark.parametrize("wrong", [["--dtype", "floaty"], ["--interleave", "zip"], ["--bands", "x"]])
def test_convert_tells_wrong_values(had, scene, here, wrong):
    ended = had("convert", scene, "a.hdr", *wrong)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert list(here.iterdir()) == []


@pytest.fixture
def judged(had, scene, here):
    had("detect", "-m", "grx", scene, "-o", "map.tif")
    np.save(here / "truth.npy", scipy.io.loadmat(scene)["map"])
    return ["evaluate", "map.tif", "--truth", "truth.npy"]


def test_evaluate_prints_each_figure_with_its_definition(had, judged):
    ended = had(*judged)
    assert ended.status == 0
    rows = {line.split("  ")[0]: line for line in ended.out.splitlines()}
    assert rows["AUC(D,F)"].split()[1:3] == ["1", "1"]
    assert "area under P_D over P_F" in rows["AUC(D,F)"]
    assert "2 anomalous and 478 background pixels" in ended.out
    assert "one extreme pixel" in ended.err


def test_evaluate_as_json_is_valid_json_whatever_is_undefined(had, judged, here):
    document = json.loads(had(*judged, "--json").out)
    assert document["metrics"]["auc_df"] == 1
    np.save(here / "truth.npy", np.zeros((20, 24), np.uint8))
    ended = had(*judged, "--json")
    assert json.loads(ended.out, parse_constant=pytest.fail)["metrics"]["auc_df"] is None
    assert "warning: map.tif: " in ended.err


def test_evaluate_writes_the_roc_points(had, judged, here):
    assert had(*judged, "--roc", "roc.csv").status == 0
    with (here / "roc.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["p_f", "p_d", "tau", "threshold"]
    assert [float(rows[0][k]) for k in ("p_f", "p_d")] == [0, 0]
    assert [float(rows[-1][k]) for k in ("p_f", "p_d", "tau")] == [1, 1, 0]
    ended = had(*judged, "--roc", "roc.csv")
    assert ended.status == 1
    assert "roc.csv: exists already" in ended.err


def test_evaluate_needs_a_truth(had):
    ended = had("evaluate", "map.tif")
    assert ended.status == 2
    assert "--truth" in ended.err


def test_models_are_listed_and_shown(had, scene, here, site, monkeypatch):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: here / "user")
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    assert "no weights of your own in" in had("models", "list").out
    (here / "user" / "models").mkdir(parents=True)
    (here / "user" / "models" / "broken.safetensors").write_bytes(b"x")
    kept = here / "user" / "models" / "first.safetensors"
    assert had("train", "-m", "mean", scene, "-o", kept).status == 0
    models = json.loads(had("models", "list", "--json").out)["models"]
    broken, first = [model for model in models if model["bundled"] is None]
    assert "not a safetensors file" in broken["error"]
    assert (first["name"], first["method"], first["scenes"]) == ("first", "mean", ["line"])
    listed = had("models", "list").out
    assert "first" in listed
    assert "broken" in listed
    shown = had("models", "show", "first")
    assert "float32 8" in shown.out
    assert json.loads(had("models", "show", kept, "--json").out)["tensors"] == {"centre": ["float32", [8]]}
    assert had("models", "show", "second").err == "had: second: there is no such weights file\n"


def test_demo_ends_with_a_map_and_an_auc(had, here):
    ended = had("demo", "first")
    assert ended.status == 0
    assert "AUC(D,F)" in ended.out
    assert (here / "first" / "flightline_grx.tif").is_file()
    document = json.loads(had("demo", "first", "--overwrite", "--json").out)
    assert {entry["method"] for entry in document["maps"]} >= {"grx", "slrx"}
