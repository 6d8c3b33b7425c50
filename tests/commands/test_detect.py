"""had detect: maps, figures, and what happens when something is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scipy.io
from distributions import MEAN, install
from rasterio.errors import NotGeoreferencedWarning

from had_cli import detect
from had_cli.scenes.open import open_scores

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning"
)


@pytest.fixture
def here(tmp_path):
    return tmp_path / "here"


def files(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_the_map_gets_the_default_name_and_the_auc_is_printed(had, scene, here):
    ended = had("detect", "-m", "grx", scene)
    assert ended.status == 0
    assert files(here) == ["line_grx.tif"]
    assert ended.out.startswith("line_grx.tif: grx, 480 pixels, 8 bands, ")
    assert "AUC(D,F) 1.0000 (2 anomalous pixels)" in ended.out
    with rasterio.open(here / "line_grx.tif") as dataset:
        assert (dataset.count, dataset.height, dataset.width, dataset.dtypes) == (1, 20, 24, ("float32",))
        assert np.isnan(dataset.nodata)
        assert dataset.tags()["had_method"] == "grx"
        np.testing.assert_array_equal(dataset.read(1), detect(scene, "grx").scores)


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".mat", ".npy", ".npz"])
def test_the_suffix_chooses_the_format(had, scene, here, suffix):
    assert had("detect", "-m", "grx", scene, "-o", f"map{suffix}").status == 0
    scores, _ = open_scores(here / f"map{suffix}")
    np.testing.assert_array_equal(scores, detect(scene, "grx").scores)


def test_json_is_one_document_and_nothing_else(had, scene):
    ended = had("detect", "-m", "slrx", "--block-size", 4, "--bands", "2-7", scene, "--json", "--verbose")
    document = json.loads(ended.out)
    assert document["output"] == "line_slrx.tif"
    assert document["parameters"] == {"block_size": 4}
    assert document["bands_used"] == "2-7"
    assert document["auc"] == document["evaluation"]["metrics"]["auc_df"]


def test_several_scenes_are_a_list_in_one_document(had, scene, here):
    bad = scene.with_name("bad.mat")
    bad.write_bytes(b"no matrix at all")
    ended = had("detect", "-m", "grx", bad, scene, "-o", "maps", "--json")
    assert ended.status == 1
    first, second = json.loads(ended.out)["scenes"]
    assert first["scene"] == str(bad)
    assert str(bad) in first["error"]
    assert second["output"] == str(Path("maps", "line_grx.tif"))
    assert files(here) == ["maps/line_grx.tif"]


def test_one_bad_scene_does_not_stop_the_others(had, scene, here):
    ended = had("detect", "-m", "grx", scene.with_name("absent.hdr"), scene)
    assert ended.status == 1
    assert [line for line in ended.err.splitlines() if line.startswith("had: ")] == [
        f"had: {scene.with_name('absent.hdr')}: there is no such file"
    ]
    assert files(here) == ["line_grx.tif"]


def test_what_is_wrong_with_every_scene_is_told_once(had, scene):
    other = scene.with_name("other.mat")
    other.write_bytes(scene.read_bytes())
    ended = had("detect", "-m", "grx", scene, other, "--weights", "w.safetensors")
    assert ended.status == 2
    assert ended.err.count("had: ") == 1


@pytest.mark.parametrize("out", [[], ["-o", "map.npy"], ["-o", "."]])
def test_nothing_is_overwritten_unasked_and_the_scene_is_not_even_read(had, scene, here, out):
    assert had("detect", "-m", "grx", scene, *out).status == 0
    [name] = [f for f in files(here) if not f.endswith(".json")]
    before = (here / name).read_bytes()
    scene.write_bytes(b"")
    ended = had("detect", "-m", "grx", scene, *out)
    assert ended.status == 1
    assert ended.err == f"had: {name}: exists already; give --overwrite or another name\n"
    assert (here / name).read_bytes() == before


def test_an_existing_output_of_the_last_scene_stops_before_the_first(had, scene, here):
    other = scene.with_name("other.mat")
    other.write_bytes(scene.read_bytes())
    (here / "other_grx.tif").write_text("mine")
    assert had("detect", "-m", "grx", scene, other).status == 1
    assert files(here) == ["other_grx.tif"]


def test_overwrite_replaces(had, scene, here):
    (here / "line_grx.tif").write_text("old")
    assert had("detect", "-m", "grx", scene, "--overwrite").status == 0
    assert open_scores(here / "line_grx.tif")[0].shape == (20, 24)


def test_the_scene_itself_is_never_the_output(had, scene):
    before = scene.read_bytes()
    ended = had("detect", "-m", "grx", scene, "-o", scene, "--overwrite")
    assert ended.status == 1
    assert "is the scene itself" in ended.err
    assert scene.read_bytes() == before


@pytest.mark.parametrize(
    ("out", "reason"),
    [("map.docx", "no format has the suffix '.docx'"), ("absent/map.tif", "there is no folder absent")],
)
def test_an_output_that_cannot_be_is_told_before_any_work(had, scene, out, reason):
    ended = had("detect", "-m", "grx", scene, "-o", out)
    assert ended.status == 1
    assert reason in ended.err


def test_scenes_called_alike_get_maps_of_their_own(had, scene, here):
    np.save(scene.with_suffix(".npy"), scipy.io.loadmat(scene)["data"])
    (scene.parent / "b").mkdir()
    again = scene.parent / "b" / "line.mat"
    again.write_bytes(scene.read_bytes())
    assert had("detect", "-m", "grx", scene, scene.with_suffix(".npy"), "-o", "two").status == 0
    assert files(here / "two") == ["line_mat_grx.tif", "line_npy_grx.tif"]
    assert had("detect", "-m", "grx", scene, again, "-o", "dirs").status == 0
    assert files(here / "dirs") == ["b_line_mat_grx.tif", f"{scene.parent.name}_line_mat_grx.tif"]


def test_a_scene_named_twice_is_wrong_usage(had, scene):
    ended = had("detect", "-m", "grx", scene, scene)
    assert ended.status == 2
    assert "is named twice" in ended.err


def test_a_file_cannot_be_the_output_of_several_scenes(had, scene, here):
    other = scene.with_name("other.mat")
    other.write_bytes(scene.read_bytes())
    ended = had("detect", "-m", "grx", scene, other, "-o", "map.tif")
    assert ended.status == 2
    assert "must be a folder" in ended.err
    assert files(here) == []


def test_a_truth_of_its_own_file_is_used_and_follows_the_window(had, scene, here):
    np.save(here / "cube.npy", scipy.io.loadmat(scene)["data"])
    np.save(here / "truth.npy", scipy.io.loadmat(scene)["map"])
    ended = had("detect", "-m", "grx", "cube.npy", "-o", "a.tif")
    assert "AUC" not in ended.out
    ended = had(
        "detect",
        "-m",
        "grx",
        "cube.npy",
        "--truth",
        "truth.npy",
        "--window",
        2,
        1,
        10,
        9,
        "-o",
        "b.tif",
        "--json",
    )
    document = json.loads(ended.out)
    assert (document["rows"], document["cols"]) == (9, 10)
    assert document["evaluation"]["pixels"] == {
        "anomalous": 1,
        "background": 89,
        "excluded": 0,
        "excluded_anomalous": 0,
    }


def test_the_truth_inside_another_file_is_chosen_by_name(had, scene, here):
    scipy.io.savemat(here / "t.mat", {"empty": np.zeros((20, 24)), "gt": scipy.io.loadmat(scene)["map"]})
    np.save(here / "cube.npy", scipy.io.loadmat(scene)["data"])
    ended = had("detect", "-m", "grx", "cube.npy", "--truth", "t.mat", "--truth-variable", "gt")
    assert "2 anomalous pixels" in ended.out


def test_a_truth_of_another_size_is_told(had, scene, here):
    np.save(here / "truth.npy", np.eye(7, dtype=np.uint8))
    ended = had("detect", "-m", "grx", scene, "--truth", "truth.npy")
    assert ended.status == 1
    assert "truth.npy" in ended.err
    assert files(here) == ["truth.npy"]


def test_masked_pixels_take_no_part(had, scene, here):
    keep = np.ones((20, 24), np.uint8)
    keep[4, 5] = 0
    np.save(here / "keep.npy", keep)
    ended = had("detect", "-m", "grx", scene, "--mask", "keep.npy", "-o", "m.tif")
    assert "479 of 480 pixels" in ended.out
    assert "warning: " in ended.err
    scores, _ = open_scores(here / "m.tif")
    assert np.isnan(scores[4, 5])
    assert np.isfinite(scores).sum() == 479


def test_streamed_and_in_memory_agree(had, scene, here):
    for engine in ("memory", "stream"):
        assert had("detect", "-m", "grx", scene, "--engine", engine, "-o", f"{engine}.npy").status == 0
    np.testing.assert_allclose(np.load(here / "stream.npy"), np.load(here / "memory.npy"), rtol=1e-5)


def test_notes_can_be_silenced_and_details_asked_for(had, scene, here):
    cube = scipy.io.loadmat(scene)["data"]
    scipy.io.savemat(here / "two.mat", {"a": cube, "b": cube[..., :4]})
    loud = had("detect", "-m", "grx", "two.mat", "--verbose")
    assert "two.mat: " in loud.err
    assert "parameters: shrinkage=none" in loud.err
    assert had("detect", "-m", "grx", "two.mat", "--quiet", "--overwrite").err == ""


def test_weights_are_passed_to_a_method_that_needs_them(had, scene, here, site):
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    ended = had("detect", "-m", "mean", scene)
    assert ended.status == 1
    assert "mean needs trained weights" in ended.err
    trained = had("train", "-m", "mean", "--mode", "median", scene, "-o", "w.safetensors", "--json")
    header = json.loads(trained.out)
    assert header["parameters"] == {"share": 1.0, "mode": "median"}
    ended = had("detect", "-m", "mean", "-w", "w.safetensors", "--no-root", scene, "--json")
    document = json.loads(ended.out)
    assert document["weights_sha256"] == header["sha256"]
    assert document["parameters"] == {"power": 1.0, "root": False}
    with rasterio.open(here / "line_mean.tif") as dataset:
        assert dataset.tags()["had_weights_sha256"] == header["sha256"]
    scene.with_name("pickle").write_bytes(b"\x80\x04N.")
    ended = had("detect", "-m", "mean", "-w", scene.with_name("pickle"), scene, "--overwrite")
    assert ended.status == 1
    assert ended.err.count("\n") == 1


def test_the_same_run_gives_the_same_bytes(had, scene, here):
    for name in ("a.tif", "b.tif"):
        had("detect", "-m", "slrx", scene, "-o", name)
    assert (here / "a.tif").read_bytes() == (here / "b.tif").read_bytes()


@pytest.mark.parametrize(
    ("name", "method", "auc"),
    [("abu-airport-1", "grx", 0.8221), ("hydice", "grx", 0.993)],
)
def test_published_scenes(had, shared, name, method, auc):
    document = json.loads(had("detect", "-m", method, shared / "scenes" / f"{name}.mat", "--json").out)
    assert document["auc"] == pytest.approx(auc, abs=1e-3)
