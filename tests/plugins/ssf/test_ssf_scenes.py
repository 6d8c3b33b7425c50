"""Scenes as users have them: narrow, constant, without signal; and what the user is told and given."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssf_literal import ssf
from ssf_runs import maps_of, scores_of, textured

import had_cli
from had_cli.errors import HadError, SceneError
from had_cli.scenes.scene import Scene


@pytest.mark.parametrize("shape", [(3, 60, 8), (1, 200, 5), (60, 2, 30), (2, 2, 3), (40, 9, 1)], ids=str)
def test_scenes_smaller_than_a_window_are_reflected_as_often_as_needed(shape):
    cube = textured(*shape)
    found = maps_of(Scene.from_array(cube))
    for layer, part in enumerate(ssf(cube, np.ones(shape[:2], bool))[1]):
        np.testing.assert_allclose(found[..., layer], part, rtol=1e-4, atol=1e-5)
    assert np.isfinite(scores_of(Scene.from_array(cube))).all()


def test_a_constant_scene_has_equal_scores_and_a_warning():
    found = had_cli.detect(np.full((20, 25, 6), 0.3), "ssf")
    assert np.ptp(found.scores) == 0
    assert any("the same" in line for line in found.warnings)


def test_a_single_valid_pixel_is_refused():
    cube = np.full((5, 5, 3), np.nan)
    cube[2, 3] = 1
    with pytest.raises(SceneError, match="at least two"):
        had_cli.detect(cube, "ssf")


def test_constant_bands_change_nothing():
    cube = textured(40, 45)
    dead = np.concatenate([cube, np.zeros((40, 45, 3), np.float32)], axis=-1)
    found = maps_of(Scene.from_array(dead))
    # eigenvectors may come with other signs, and random features with them
    expected = maps_of(Scene.from_array(cube))
    ratio = found[..., 0] / expected[..., 0]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)


def test_a_valid_pixel_alone_in_nodata_is_like_nothing_and_unlike_nothing():
    cube = textured(60, 60)
    cube[10:50, 10:50] = np.nan
    cube[30, 30] = textured(1, 1)[0, 0]
    assert maps_of(Scene.from_array(cube))[30, 30, 2] == 0


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 1000), st.floats(-500, 500))
def test_units_do_not_matter(scale, offset):
    cube = textured(34, 30).astype(np.float64)
    expected = scores_of(Scene.from_array(cube))
    found = scores_of(Scene.from_array(cube * scale + offset * scale))
    error = np.abs(found - expected)
    assert np.median(error) < 1e-5
    assert np.count_nonzero(error > 0.02) <= 0.02 * error.size  # neighbours in rank may change places


@pytest.mark.parametrize("turn", [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.swapaxes(0, 1)])
def test_shapes_and_distances_turn_with_the_scene(turn):
    cube = textured(37, 33)
    found = maps_of(Scene.from_array(np.ascontiguousarray(turn(cube))))
    expected = turn(maps_of(Scene.from_array(cube)))
    np.testing.assert_allclose(found[..., [0, 2]], expected[..., [0, 2]], rtol=1e-4)


def test_parts_are_written_as_named_bands(tmp_path):
    cube = textured(30, 40)
    cube[:3, :5] = np.nan
    path = tmp_path / "parts.tif"
    found = had_cli.detect(cube, "ssf", save_parts=path)
    written = had_cli.open_scene(path)
    assert written.info.band_names == ("th", "rcf", "near")
    parts = written.read()
    np.testing.assert_array_equal(np.isnan(parts).any(axis=-1), np.isnan(found.scores))
    np.testing.assert_array_equal(parts, maps_of(Scene.from_array(cube)))


def test_parts_replace_nothing_and_are_refused_before_any_work(tmp_path):
    path = tmp_path / "parts.tif"
    path.write_text("mine")
    with pytest.raises(HadError, match="exists"):
        had_cli.detect(np.zeros((5, 5, 3)), "ssf", save_parts=path)
    assert path.read_text() == "mine"
    with pytest.raises(HadError, match="suffix"):
        had_cli.detect(np.zeros((5, 5, 3)), "ssf", save_parts=tmp_path / "parts.xyz")


def test_facts_say_how_ranks_were_found():
    facts = had_cli.detect(textured(20, 20, bands=6), "ssf").facts
    assert json.dumps(facts)
    assert facts == {"components": 6, "valid_pixels": 400, "log_ranks": True, "ranks": "exact", "wide": False}


TABLE = {
    "abu-airport-1": (0.9811, 0.8221),
    "abu-airport-2": (0.9905, 0.8404),
    "abu-beach-1": (0.9999, 0.9807),
    "abu-beach-4": (0.9974, 0.9887),
    "abu-urban-1": (0.9966, 0.9907),
    "abu-urban-2": (0.9967, 0.9946),
    "sandiego": (0.9940, 0.8736),
    "hydice": (0.9991, 0.9932),
}


def aucs(shared, **options):
    return {
        name: had_cli.detect(shared / "scenes" / f"{name}.mat", "ssf", device="cpu", **options).evaluation.auc
        for name in TABLE
    }


def test_with_wide_targets_in_view_the_eight_scenes_keep_their_figures(shared):
    auc = aucs(shared)
    for name, (_, grx) in TABLE.items():
        assert auc[name] >= grx - 0.01, name
    assert np.mean(list(auc.values())) >= 0.993


def test_the_eight_scenes_have_the_figures_of_the_definition(shared):
    auc = aucs(shared, wide=False)
    for name, (defined, grx) in TABLE.items():
        assert auc[name] >= defined - 0.001, name
        assert auc[name] >= grx - 0.01, name
    assert np.mean(list(auc.values())) >= 0.994


def test_torch_is_not_imported_on_the_cpu():
    import subprocess
    import sys

    code = (
        "import sys, numpy, had_cli; had_cli.detect(numpy.random.rand(9, 9, 4), 'ssf', device='cpu');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
