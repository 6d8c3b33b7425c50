"""What scores where nobody says: what the weights were made for; where they say nothing, as published."""

from pathlib import Path

import numpy as np
import pytest
from small import shrink

from had_cli import detect, open_scene, train
from had_cli.errors import UsageError, WeightsError
from had_cli.plugin import load_weights
from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights

BANDS = 12


def saved(folder: Path, **header) -> Path:
    path = folder / "w.safetensors"
    to_weights(random_fen(BANDS), BandGrid(BANDS), **header).save(path, overwrite=True)
    return path


def found(weights: Path, **params):
    return detect(example_cube(40, 50, BANDS)[0], "ferd", weights=weights, device="cpu", **params)


@pytest.mark.parametrize(("header", "scoring"), [({}, "grx"), ({"scoring": "slrx"}, "slrx")])
def test_weights_say_what_scores_and_the_map_tells_it(tmp_path: Path, header, scoring):
    weights = saved(tmp_path, **header)
    by_weights, named = found(weights), found(weights, scoring=scoring)
    assert by_weights.facts["scoring"] == scoring
    assert by_weights.scores.tobytes() == named.scores.tobytes()


def test_a_named_scoring_stands_above_what_weights_say(tmp_path: Path):
    local, plain = saved(tmp_path, scoring="slrx"), tmp_path / "plain"
    plain.mkdir()
    assert found(local, scoring="grx").scores.tobytes() == found(saved(plain), scoring="grx").scores.tobytes()


def test_a_scoring_from_a_later_version_is_refused(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"scored by 'later', .*; update had, or name a --scoring"):
        found(saved(tmp_path, scoring="later"))


def test_the_size_of_blocks_is_refused_where_nothing_has_blocks(tmp_path: Path):
    with pytest.raises(UsageError, match="--block-size is of --scoring slrx, and grx scores here"):
        found(saved(tmp_path), block_size=4)
    assert found(saved(tmp_path, scoring="slrx"), block_size=4).facts["block_size"] == 4


def test_what_is_trained_is_scored_locally(tmp_path: Path, monkeypatch):
    shrink(monkeypatch.setattr)
    scene, out = Scene.from_array(example_cube(100, 40, BANDS)[0]), tmp_path / "w.safetensors"
    train([scene], "ferd", out, epochs=0, backbone="random", patches=2, batch_size=2, device="cpu")
    assert load_weights(out).header["scoring"] == "slrx"


@pytest.mark.parametrize(("rows", "cols"), [(1, 2), (3, 3), (5, 60), (60, 5)])
def test_a_scene_smaller_than_a_block_or_than_its_surroundings_has_scores(tmp_path: Path, rows, cols):
    cube = example_cube(60, 60, BANDS)[0][:rows, :cols]
    scores = detect(cube, "ferd", weights=saved(tmp_path, scoring="slrx"), block_size=8, device="cpu").scores
    assert np.isfinite(scores).all()


def test_nodata_takes_no_part_in_local_scoring(tmp_path: Path):
    cube, weights = example_cube(40, 50, BANDS)[0].copy(), saved(tmp_path, scoring="slrx")
    hole, maps = np.zeros((40, 50), bool), []
    hole[9:20, 14:31] = True
    for rubbish in (np.nan, -9999.0, 1e30):
        cube[hole] = rubbish
        scene = Scene.from_array(cube, nodata=rubbish)
        maps.append(detect(scene, "ferd", weights=weights, block_size=4, device="cpu").scores)
    np.testing.assert_array_equal(np.isnan(maps[0]), hole)
    assert len({scores.tobytes() for scores in maps}) == 1


LEFT_OUT = {  # AUC of the weights that come with had, which have seen none of these scenes
    "abu-airport-1": 0.9566,
    "hydice": 0.9826,
    "sandiego": 0.9827,
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_the_weights_that_come_with_had_reach_their_figures_out_of_the_box(shared: Path, name):
    with open_scene(shared / "scenes" / f"{name}.mat") as scene:
        map_ = detect(scene, "ferd", device="cpu")
    assert map_.facts["scoring"] == "slrx"
    assert map_.evaluation.auc == pytest.approx(LEFT_OUT[name], abs=0.001)
