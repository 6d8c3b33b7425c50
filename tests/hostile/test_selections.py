"""Bands, windows, masks and truths that do not fit their scene."""

import json

import generate
import numpy as np
import pytest
from command_line import files

CUBE = generate.make_cube(rows=14, cols=15, bands=6)


@pytest.fixture
def scene(had, tmp_path):
    return generate.write_envi(tmp_path / "scene.hdr", CUBE)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--bands", "400-900nm"], "the scene knows no wavelengths"),
        (["--bands", "650nm"], "the scene knows no wavelengths"),
        (["--bands", "7"], "but the scene has 6 bands"),
        (["--bands", "9" * 30], "but the scene has 6 bands"),
        (["--exclude-bands", "1-6"], "no band is left"),
        (["--bands", "1-3", "--exclude-bands", "1-3"], "no band is left"),
        (["--window", 0, 0, 16, 14], "does not lie within 15 columns x 14 rows"),
        (["--window", -1, 0, 5, 5], "does not lie within"),
        (["--window", 15, 14, 1, 1], "does not lie within"),
        (["--window", 0, 0, 0, 5], "does not lie within"),
        (["--window", 0, 0, 10**18, 10**18], "does not lie within"),
        (["--window", 14, 13, 1, 1], "a single valid pixel"),
        (["--mask", "none.npy"], "no valid pixel"),
        (["--mask", "small.npy"], "the mask has 5 x 5 pixels, the scene 14 x 15"),
        (["--mask", "text.txt"], "no reader knows this kind of file"),
        (["--mask", "many.npy"], "holds 5 bands, a mask has one"),
        (["--mask", "letters.npy"], "are not supported"),
        (["--mask", "."], "is a folder"),
        (["--truth", "small.npy"], "the truth has 5 x 5 pixels, not 14 x 15"),
        (["--truth", "text.txt"], "no reader knows this kind of file"),
        (["--truth", "many.npy"], "holds 5 bands, a truth has one"),
        (["--truth", "letters.npy"], "are not supported"),
        (["--truth", "absent.npy"], "there is no such file"),
    ],
)
def test_one_line(had, scene, words, reason, tmp_path):
    marks = generate.make_truth(14, 15)
    made = {
        "none": marks * 0,
        "small": marks[:5, :5],
        "many": np.dstack([marks] * 5),
        "letters": marks.astype("U"),
    }
    for name, array in made.items():
        np.save(f"{name}.npy", array)
    (tmp_path / "here" / "text.txt").write_text("hello\n")
    before = files(tmp_path / "here")
    ended = had("detect", "-m", "grx", scene, "--json", *words)
    assert reason in ended.line
    assert json.loads(ended.out)["error"] == ended.line
    assert files(tmp_path / "here") == before


@pytest.mark.parametrize("text", [" ", ",", "1,,2", "0", "3-1", "1.5", "abc", "-nm", "1e3", "0-3"])
def test_bands_that_are_not_understood_are_wrong_usage(had, scene, text):
    ended = had("detect", "-m", "grx", scene, f"--bands={text}")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("had: --bands ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("value", [0, 1])
def test_a_truth_of_one_class_gives_a_map_and_a_warning(had, scene, value):
    np.save("truth.npy", np.full((14, 15), value, "u1"))
    ended = had("detect", "-m", "grx", scene, "--truth", "truth.npy", "--json")
    assert ended.status == 0
    assert "undefined" in ended.err
    assert json.loads(ended.out, parse_constant=pytest.fail)["auc"] is None


@pytest.mark.parametrize(
    ("words", "place"),
    [([""], "after grx"), (["s.npy", "--mask", ""], "after --mask"), (["s.npy", "--bands="], "in --bands=")],
)
def test_an_argument_that_is_empty_is_wrong_usage(had, words, place):
    ended = had("detect", "-m", "grx", *words)
    assert ended.status == 2
    assert ended.err == f"had: there is an empty argument {place}; give a value (is a variable not set?)\n"


@pytest.mark.parametrize("size", [15, 16, 99_999])
def test_a_block_larger_than_the_scene_is_the_scene(had, scene, size):
    for name, block in (("map.npy", size), ("plain.npy", 15)):
        assert had("detect", "-m", "slrx", scene, "-o", name, "--block-size", block).status == 0
    np.testing.assert_array_equal(np.load("map.npy"), np.load("plain.npy"))
