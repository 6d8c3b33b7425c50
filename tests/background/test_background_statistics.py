"""Statistics of a chosen background are those of its pixels, and of no others."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import CHOSEN, COLS, ROWS, by_numpy, polygons_as

import had_cli
from had_cli.engine import statistics
from had_cli.errors import SceneError, UsageError
from had_cli.scenes.scene import Scene


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("small", [True, False])
def test_grx_takes_mean_and_covariance_from_the_chosen_pixels_alone(
    cube, scene_file, tmp_path, engine, small, monkeypatch
):
    if not small:  # the way of large scenes, by a sample and single precision
        monkeypatch.setattr(statistics, "SMALL", 0)
    with had_cli.open_scene(scene_file, background=polygons_as("geojson", tmp_path)) as scene:
        found = had_cli.detect(scene, "grx", engine=engine)
    x, _, inverse = by_numpy(cube, CHOSEN)
    np.testing.assert_allclose(found.scores, np.einsum("rci,ij,rcj->rc", x, inverse, x), rtol=1e-4)
    assert found.facts["background_pixels"] == CHOSEN.sum()
    assert found.facts["background"] == "fields.geojson"
    assert found.valid_pixels == ROWS * COLS


def test_streamed_and_in_memory_are_the_same_bytes(cube):
    scene = Scene.from_array(np.tile(cube, (20, 3, 1))).select(background=np.tile(CHOSEN, (20, 3)))
    memory = had_cli.detect(scene, "grx", engine="memory").scores
    assert memory.tobytes() == had_cli.detect(scene, "grx", engine="stream", memory="1MB").scores.tobytes()


@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_nodata_in_the_background_takes_no_part(cube, engine):
    cube[8:11, 9:14] = -1
    scene = Scene.from_array(cube, nodata=-1.0).select(background=CHOSEN)
    found = had_cli.detect(scene, "grx", engine=engine)
    hole = (cube == -1).all(axis=-1)
    x, _, inverse = by_numpy(cube, CHOSEN & ~hole)
    expected = np.where(hole, np.nan, np.einsum("rci,ij,rcj->rc", x, inverse, x))
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4)
    assert found.facts["background_pixels"] == CHOSEN.sum() - 15


@pytest.mark.parametrize("engine", ["memory", "stream"])
def test_utd_and_rxd_utd_are_their_formulas(cube, engine):
    scene = Scene.from_array(cube).select(background=CHOSEN)
    maps = {
        name: had_cli.detect(scene, "grx", algorithm=name, engine=engine)
        for name in ("rxd", "utd", "rxd-utd")
    }
    x, mean, inverse = by_numpy(cube, CHOSEN)
    utd = x @ inverse @ (1 - mean)
    hybrid = np.einsum("rci,ij,rcj->rc", cube.astype(np.float64) - 1, inverse, x)
    np.testing.assert_allclose(maps["utd"].scores, utd, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(maps["rxd-utd"].scores, hybrid, rtol=1e-4, atol=1e-4)
    both = maps["rxd"].scores - maps["utd"].scores
    np.testing.assert_allclose(maps["rxd-utd"].scores, both, rtol=1e-4, atol=1e-3)
    assert "chi_square_freedom" in maps["rxd"].facts
    assert "chi_square_freedom" not in maps["utd"].facts


def test_utd_without_a_chosen_background_is_that_of_the_scene(cube):
    x, mean, inverse = by_numpy(cube, np.ones((ROWS, COLS), bool))
    found = had_cli.detect(cube, "grx", algorithm="utd").scores
    np.testing.assert_allclose(found, x @ inverse @ (1 - mean), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["ledoit-wolf", "oas"])
def test_shrinkage_is_estimated_from_the_chosen_pixels(cube, kind):
    from sklearn.covariance import OAS, LedoitWolf

    scene = Scene.from_array(cube).select(background=CHOSEN)
    found = had_cli.detect(scene, "grx", shrinkage=kind)
    peer = (LedoitWolf() if kind == "ledoit-wolf" else OAS()).fit(cube[CHOSEN].astype(np.float64))
    assert found.facts["shrinkage_weight"] == pytest.approx(peer.shrinkage_, rel=1e-6)


def test_a_background_of_nodata_is_refused(cube):
    cube[CHOSEN] = np.nan
    scene = Scene.from_array(cube).select(background=CHOSEN)
    with pytest.raises(SceneError, match="no pixel of the background"):
        had_cli.detect(scene, "grx")


def test_a_single_pixel_of_background_is_refused(cube):
    one = np.zeros((ROWS, COLS), bool)
    one[4, 4] = True
    with pytest.raises(SceneError, match="a single valid pixel of the background"):
        had_cli.detect(Scene.from_array(cube).select(background=one), "grx")


def test_a_method_that_takes_no_background_says_which_do(cube):
    scene = Scene.from_array(cube).select(background=CHOSEN)
    with pytest.raises(UsageError, match=r"ssf takes no statistics .*; these do: ferd, fers, grx"):
        had_cli.detect(scene, "ssf")


def test_ferd_scores_by_the_chosen_background_and_sees_the_whole_scene(cube):
    scene = Scene.from_array(np.tile(cube, 10)[..., :50] + np.linspace(0, 0.1, 50, dtype=np.float32))
    chosen = scene.select(background=CHOSEN)
    features_seen = {}
    for name, each in (("all", scene), ("chosen", chosen)):
        features_seen[name] = had_cli.detect(each, "ferd", scoring="grx", device="cpu")
    assert features_seen["chosen"].facts["background_pixels"] == CHOSEN.sum()
    assert not np.allclose(features_seen["all"].scores, features_seen["chosen"].scores)
    everywhere = scene.select(background=np.ones((ROWS, COLS), bool))
    same = had_cli.detect(everywhere, "ferd", scoring="grx", device="cpu").scores
    assert same.tobytes() == features_seen["all"].scores.tobytes()
    with pytest.raises(UsageError, match="--scoring slrx"):
        had_cli.detect(chosen, "ferd", scoring="slrx", device="cpu")


def test_weights_made_for_local_scoring_are_scored_by_grx_where_background_is_chosen(cube):
    scene = Scene.from_array(np.tile(cube, 10)[..., :50] + np.linspace(0, 0.1, 50, dtype=np.float32))
    chosen = scene.select(background=CHOSEN)
    found = had_cli.detect(chosen, "ferd", device="cpu")
    assert found.facts["scoring"] == "grx"
    assert any("grx scores, because slrx" in line for line in found.warnings)
    named = had_cli.detect(chosen, "ferd", scoring="grx", device="cpu")
    assert named.scores.tobytes() == found.scores.tobytes()
    assert not any("because slrx" in line for line in named.warnings)
