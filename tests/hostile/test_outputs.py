"""Outputs never replace what a run reads, and nothing half-written is left."""

import json
import os

import generate
import numpy as np
import pytest
from command_line import files

CUBE = generate.make_cube(rows=14, cols=15, bands=4)


@pytest.fixture
def scene(had, tmp_path):
    """Return an ENVI scene in the working folder."""
    return generate.write_envi(tmp_path / "here" / "line.hdr", CUBE)


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("given", ["line.hdr", "line.img"])
@pytest.mark.parametrize("out", ["line.hdr", "./line.hdr", "link.hdr"])
def test_neither_header_nor_data_of_the_scene_are_replaced(had, scene, given, out):
    """LINE.hdr as the output of LINE.img once took the place of the scene."""
    scene.with_name("link.hdr").symlink_to(scene)
    before = bytes_of(scene.parent)
    ended = had("detect", "-m", "grx", given, "-o", out, "--overwrite")
    assert "is the scene itself" in ended.line
    assert bytes_of(scene.parent) == before


def test_data_under_a_linked_name_are_kept(had, scene):
    os.link("line.img", "map.img")
    before = bytes_of(scene.parent)
    ended = had("detect", "-m", "grx", scene, "-o", "map.hdr", "--overwrite")
    assert ended.line.startswith("map.hdr: would replace map.img, which is the scene itself")
    assert bytes_of(scene.parent) == before


@pytest.mark.parametrize("option", ["--truth", "--mask"])
def test_truth_and_mask_are_kept(had, scene, option):
    np.save("marks.npy", generate.make_truth(14, 15))
    before = bytes_of(scene.parent)
    ended = had("detect", "-m", "grx", scene, option, "marks.npy", "-o", "marks.npy", "--overwrite")
    assert f"is the {option[2:]} itself" in ended.line
    assert bytes_of(scene.parent) == before


def test_roc_points_do_not_replace_the_truth(had, scene):
    np.save("truth.npy", generate.make_truth(14, 15))
    assert had("detect", "-m", "grx", scene, "-o", "map.npy").status == 0
    ended = had("evaluate", "map.npy", "--truth", "truth.npy", "--roc", "truth.npy", "--overwrite")
    assert "is the truth itself" in ended.line
    assert np.load("truth.npy").dtype == np.uint8


def test_saving_in_python_keeps_the_scene(had, scene):
    import had_cli
    from had_cli.errors import OutputError

    found = had_cli.detect(scene.with_suffix(".img"), "grx")
    with pytest.raises(OutputError, match="is the scene itself"):
        found.save(scene, overwrite=True)
    np.testing.assert_array_equal(had_cli.open_scene(scene).read(), CUBE)


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("map.xyz", "no format has the suffix '.xyz'"),
        ("map", "is no folder and has no suffix"),
        ("absent/map.tif", "there is no folder absent"),
        ("/dev/full", "is no folder and has no suffix"),
        ("/proc/map.tif", "cannot be written to"),
        ("x" * 300 + ".tif", "File name too long"),
    ],
)
def test_what_cannot_be_an_output(had, scene, out, reason):
    assert reason in had("detect", "-m", "grx", scene, "-o", out).line
    assert files(scene.parent) == ["line.hdr", "line.img"]


@pytest.mark.parametrize(
    "name", ["a b.tif", "ümläut 日本.tif", "-dash.tif", "n" * 246 + ".tif", "two.dots.tif"]
)
def test_names_as_people_give_them(had, scene, name):
    assert had("detect", "-m", "grx", scene, "-o", f"./{name}").status == 0
    assert (
        had("convert", scene, name.replace(".tif", ".npy").replace("n" * 20, "")[-100:].lstrip("-")).status
        == 0
    )
    assert name in files(scene.parent)


def test_a_scene_named_with_blanks_and_signs_through_a_link(had, scene):
    generate.write_geotiff(scene.with_name("file.tif"), CUBE)
    scene.with_name("s l ü 日本.tif").symlink_to(scene.with_name("file.tif"))
    assert had("detect", "-m", "grx", "s l ü 日本.tif").status == 0
    assert "s l ü 日本_grx.tif" in files(scene.parent)


def test_a_name_that_is_not_utf8(had, scene):
    """As on disks written under another locale."""
    for suffix in (".hdr", ".img"):
        os.link(f"line{suffix}", f"l\udcff{suffix}")
    ended = had("detect", "-m", "grx", "l\udcff.hdr", "-o", "map.tif", "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["scene"] == "l\udcff.hdr"
    assert "not valid UTF-8" in had("detect", "-m", "grx", "l\udcff.hdr", "-o", "m\udcff.tif").line
    assert had("detect", "-m", "grx", "l\udcff.hdr").status == 0
    assert "l__grx.tif" in files(scene.parent)


def test_a_failed_write_leaves_the_map_before_it(had, scene, monkeypatch):
    assert had("detect", "-m", "grx", scene, "-o", "map.npy").status == 0
    before = bytes_of(scene.parent)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("had_cli.formats.slab.Slab.write", full)
    ended = had("detect", "-m", "slrx", scene, "-o", "map.npy", "--overwrite")
    assert ended.line == "map.npy: cannot be written (No space left on device)"
    assert bytes_of(scene.parent) == before


def test_one_bad_scene_among_several(had, scene):
    generate.write_npy(scene.with_name("other.npy"), CUBE)
    scene.with_name("bad.npy").write_bytes(b"x" * 100)
    ended = had("detect", "-m", "slrx", scene, "bad.npy", "other.npy", "-o", "maps", "--json")
    assert ended.line.startswith("bad.npy: ")
    assert files(scene.with_name("maps")) == ["line_slrx.tif", "other_slrx.tif"]
    documents = json.loads(ended.out, parse_constant=pytest.fail)["scenes"]
    assert ["error" in document for document in documents] == [False, True, False]


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".mat"])
def test_a_map_beside_a_scene_of_another_format_may_be_replaced(had, scene, suffix):
    """LINE.hdr is the map of an earlier run here, and no header of the scene."""
    assert had("convert", scene, f"other{suffix}").status == 0
    for words in ([], ["--overwrite"]):
        assert had("detect", "-m", "grx", f"other{suffix}", "-o", "other.hdr", *words).status == 0


@pytest.mark.parametrize("option", ["--mask-out", "--vector"])
@pytest.mark.parametrize(("name", "what"), [("map", "the map"), ("line", "the scene")])
def test_masks_and_polygons_do_not_replace_map_or_scene(had, tmp_path, option, name, what):
    suffix = ".tif" if option == "--mask-out" else ".geojson"
    scene = generate.write_npy(tmp_path / "here" / "line.npy", CUBE)
    linked = scene.with_name(f"{name}{suffix}")
    if what == "the scene":
        linked.symlink_to(scene)
    elif suffix != ".tif":
        scene.with_name("map.tif").write_bytes(b"earlier")
        linked.symlink_to("map.tif")
    before = bytes_of(scene.parent)
    rule = ["--threshold", "quantile:0.9", option, linked.name]
    ended = had("detect", "-m", "grx", scene, "-o", "map.tif", "--overwrite", *rule)
    assert f"is {what} itself" in ended.line
    assert bytes_of(scene.parent) == before


@pytest.mark.parametrize("command", ["quicklook", "roc", "convert", "report"])
def test_a_pipe_is_never_replaced(had, tmp_path, command):
    np.save(tmp_path / "scene.npy", np.random.default_rng(0).normal(size=(20, 20, 5)).astype("f4"))
    np.save(tmp_path / "map.npy", np.random.default_rng(1).normal(size=(20, 20)).astype("f4"))
    np.save(tmp_path / "marks.npy", np.eye(20, dtype=np.uint8))
    pipe = tmp_path / ("pipe.npy" if command == "convert" else "pipe.png")
    os.mkfifo(pipe)
    scene, scores, marks = (tmp_path / f"{name}.npy" for name in ("scene", "map", "marks"))
    words = {
        "quicklook": ["quicklook", scene, "-o", pipe],
        "roc": ["evaluate", scores, "--truth", marks, "--roc", pipe],
        "convert": ["convert", scene, pipe],
        "report": ["report", scene, scores, "--threshold", "quantile:0.99", "-o", pipe],
    }[command]
    ended = had(*words, "--overwrite")
    assert ended.status == 1
    assert "is a device or a pipe, which no file replaces" in ended.err
    assert pipe.is_fifo()
