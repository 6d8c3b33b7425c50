"""Detecting: any size, holes, large scenes, weights, the background, and what goes wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from had_cli import api
from had_cli.engine.executor import Executor
from had_cli.errors import HadError, OutputError, OutputExistsError, SceneError, UsageError, WeightsError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.training.train import train
from had_cli.weights.file import Weights, load_weights
from had_nl2net import DEFAULTS
from had_nl2net.learning import untrained
from had_nl2net.scaling import Scaling, scene_input, scene_scaling
from had_nl2net.settings import Settings


@pytest.mark.parametrize("seen", ["components", "cube"])
def test_anomalies_stand_out_of_what_a_trained_network_rebuilds(quick, seen):
    cube, truth = example_cube(bands=8)
    options = {**quick, "epochs": 150, "learning_rate": 2e-3}
    detection = api.detect(cube, "nl2net", seed=1, input=seen, **options)
    assert api.evaluate(detection.scores, truth).auc > 0.97
    assert (np.nanmin(detection.scores), np.nanmax(detection.scores)) == (0, 1)
    assert detection.facts["epochs_done"] == 150


@pytest.mark.parametrize(("rows", "cols", "bands"), [(97, 101, 33), (60, 700, 102)], ids=str)
def test_sizes_that_the_factor_does_not_divide(rows, cols, bands, quick):
    cube, _ = example_cube(rows, cols, bands)
    scores = api.detect(cube, "nl2net", **{**quick, "epochs": 2}).scores
    assert scores.shape == (rows, cols)
    assert np.isfinite(scores).all()


@pytest.fixture
def holey():
    """A scene of which 30 % is nodata, in pieces."""
    cube, truth = example_cube(50, 60, 8)
    gone = np.random.default_rng(5).random((10, 12)) < 0.3
    cube[np.kron(gone, np.ones((5, 5), bool))] = -9999
    return Scene.from_array(cube, nodata=-9999.0, truth=lambda: truth)


def test_pixels_without_data_have_no_score_and_the_others_have(holey, quick):
    scores = api.detect(holey, "nl2net", **quick).scores
    valid = np.isfinite(holey.read()).all(axis=-1)
    assert 0.2 < 1 - valid.mean() < 0.4
    np.testing.assert_array_equal(np.isfinite(scores), valid)


@pytest.mark.parametrize("seen", ["components", "cube"])
@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_pixels_without_data_do_not_bear_on_loss_or_scaling(holey, quick, loss, seen):
    cube = holey.read().copy()
    wild = np.where(np.isnan(cube), np.float32(1e6), cube)
    mask = np.isfinite(cube).all(axis=-1)
    masked = Scene.from_array(wild).select(mask=mask)
    options = {**quick, "loss": loss, "input": seen}
    expected = api.detect(holey, "nl2net", **options).scores
    np.testing.assert_array_equal(api.detect(masked, "nl2net", **options).scores, expected)


def test_the_network_is_shown_the_mean_spectrum_where_there_is_no_data(holey):
    with Executor(holey) as run:
        scaling = scene_scaling(run)
    cube = holey.read()
    valid = np.isfinite(cube).all(axis=-1)
    np.testing.assert_allclose(scaling.mean, cube[valid].mean(axis=0), rtol=1e-5)
    shown = scaling.shown(cube, valid, 4)[0].permute(1, 2, 0).numpy()
    assert shown.shape == (52, 60, 8)
    np.testing.assert_allclose(scaling.unscaled(shown[:50][~valid]) - scaling.mean, 0, atol=1e-5)
    assert shown[:50][valid].min() == 0
    assert shown[:50][valid].max() == 1


def test_components_have_unit_variance_and_give_the_cube_back(holey):
    cube = holey.read()
    valid = np.isfinite(cube).all(axis=-1)
    with Executor(holey) as run:
        seen = scene_input(run, Settings(**{**DEFAULTS, "epochs": 1, "components": 8}))
        few = scene_input(run, Settings(**{**DEFAULTS, "epochs": 1, "components": 3}))
    shown = seen.shown(cube, valid, 1)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(np.cov(shown[valid].T), np.eye(8), atol=2e-3)
    np.testing.assert_allclose(shown[~valid], 0, atol=1e-4)
    np.testing.assert_allclose(seen.unscaled(shown)[valid], cube[valid], atol=1e-4)
    assert few.channels == 3
    np.testing.assert_allclose(few.shown(cube, valid, 1)[0].permute(1, 2, 0), shown[..., :3], atol=1e-5)


def test_a_scene_that_varies_in_fewer_directions_has_fewer_components(quick):
    flat = np.random.default_rng(0).random((20, 20, 2), np.float32)
    cube = np.concatenate([flat, flat, flat], axis=-1)
    with Executor(Scene.from_array(cube)) as run:
        assert scene_input(run, Settings(**{**DEFAULTS, "epochs": 1})).channels == 2
    assert np.isfinite(api.detect(cube, "nl2net", **quick).scores).all()


# -- large scenes ---------------------------------------------------------------------------------
def test_a_scene_up_to_the_square_of_a_tile_is_taken_whole_and_a_larger_one_cut(quick):
    for cols, facts in [(48, {}), (49, {"tile": 48, "halo": 12})]:
        detection = api.detect(example_cube(48, cols, 4)[0], "nl2net", tile_size=48, **quick)
        assert {k: detection.facts[k] for k in ("tile", "halo") if k in detection.facts} == facts
        assert np.isfinite(detection.scores).all()


@pytest.mark.parametrize(
    ("factor", "blocks", "halo", "core"), [(1, 6, 20, 216), (2, 6, 40, 176), (3, 6, 60, 136)]
)
def test_the_halo_is_what_the_local_branch_reaches(factor, blocks, halo, core):
    settings = Settings(**{**DEFAULTS, "epochs": 1, "factor": factor, "blocks": blocks})
    assert (settings.halo, settings.core) == (halo, core)


def test_the_local_branch_reaches_no_further_than_the_halo_says():
    settings = Settings(**{**DEFAULTS, "epochs": 1, "factor": 1, "channels": 4})
    scaling = Scaling(0.0, 1.0, np.full(3, 0.5, np.float32))
    network = untrained(scaling, settings, 0)
    cube = torch.rand(1, 3, 61, 61, requires_grad=True)
    network.local_branch(network.head(cube))[0, :, 30, 30].sum().backward()
    seen = cube.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen - 30).abs().max() == settings.halo


def test_tiles_do_not_depend_on_the_blocks_of_the_engine(quick):
    cube, _ = example_cube(100, 130, 4)
    options = {**quick, "tile_size": 48, "epochs": 1}
    whole = api.detect(cube, "nl2net", engine="memory", **options).scores
    streamed = api.detect(cube, "nl2net", engine="stream", memory="600KB", **options).scores
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


# -- weights --------------------------------------------------------------------------------------
@pytest.fixture
def saved(tmp_path, quick):
    cube, _ = example_cube(30, 36, 6)
    np.save(tmp_path / "scene.npy", cube)
    train([tmp_path / "scene.npy"], "nl2net", tmp_path / "w.safetensors", seed=2, **quick)
    return tmp_path


def test_training_first_gives_the_scores_of_training_in_one_go(saved, quick):
    scene = saved / "scene.npy"
    apart = api.detect(scene, "nl2net", weights=saved / "w.safetensors", precision="float32")
    at_once = api.detect(scene, "nl2net", seed=2, **quick)
    np.testing.assert_array_equal(apart.scores, at_once.scores)
    assert not apart.warnings


def test_the_header_tells_the_network_and_what_it_was_trained_on(saved):
    header = load_weights(saved / "w.safetensors").header
    assert header["network"]["channels"] == 8
    assert header["network"]["epochs_done"] == 4
    assert header["scenes"][0]["name"] == "scene"
    assert header["parameters"]["factor"] == 3


def test_weights_of_another_scene_are_used_with_a_warning(saved):
    other, _ = example_cube(30, 30, 6, seed=9)
    detection = api.detect(other, "nl2net", weights=saved / "w.safetensors")
    assert any("another scene" in line for line in detection.warnings)


def test_weights_of_before_there_was_a_choice_of_input_saw_the_cube(saved, quick):
    scene, weights = saved / "scene.npy", saved / "old.safetensors"
    train([scene], "nl2net", saved / "cube.safetensors", seed=2, input="cube", **quick)
    new = load_weights(saved / "cube.safetensors")
    network = {k: v for k, v in new.header["network"].items() if k not in {"input", "components"}}
    Weights(method="nl2net", tensors=new.tensors, header={**new.header, "network": network}).save(weights)
    expected = api.detect(scene, "nl2net", weights=saved / "cube.safetensors")
    found = api.detect(scene, "nl2net", weights=weights)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_weights_of_another_number_of_bands_are_refused(saved):
    with pytest.raises(WeightsError, match="for 6 bands, and 5 are selected"):
        api.detect(example_cube(20, 20, 5)[0], "nl2net", weights=saved / "w.safetensors")


@pytest.mark.parametrize("option", [{"factor": 2}, {"epochs": 5}, {"log_file": "log.csv"}], ids=str)
def test_options_of_the_training_beside_weights_are_an_error(saved, option):
    with pytest.raises(UsageError, match="--"):
        api.detect(saved / "scene.npy", "nl2net", weights=saved / "w.safetensors", **option)


def test_training_takes_one_scene(saved, quick):
    with pytest.raises(UsageError, match="one scene at a time"):
        train([saved / "scene.npy"] * 2, "nl2net", saved / "two.safetensors", **quick)


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ({}, "does not describe a network"),
        ({"network": [1]}, "does not describe a network"),
        ({"network": {"factor": "3", "tile_size": 256}}, "factor is '3'"),
        ({"network": {"factor": 3}}, "tile_size is None"),
        ({"network": {"factor": 3, "tile_size": 256, "input": "sum"}}, "input is 'sum'"),
    ],
    ids=["nothing", "a list", "text", "no tile", "unknown"],
)
def test_a_header_that_makes_no_sense_is_told_in_one_line(saved, header, complaint):
    weights = load_weights(saved / "w.safetensors")
    Weights(method="nl2net", tensors=weights.tensors, header=header).save(saved / "odd")
    with pytest.raises(WeightsError, match=complaint):
        api.detect(saved / "scene.npy", "nl2net", weights=saved / "odd")


def test_weights_that_are_no_numbers_give_no_map(saved):
    weights = load_weights(saved / "w.safetensors")
    tensors = {name: np.full_like(tensor, np.nan) for name, tensor in weights.tensors.items()}
    Weights(method="nl2net", tensors=tensors, header=weights.header).save(saved / "odd")
    with pytest.raises(HadError, match="background is no number"):
        api.detect(saved / "scene.npy", "nl2net", weights=saved / "odd")


# -- the background -------------------------------------------------------------------------------
@pytest.mark.parametrize("seen", ["components", "cube"])
def test_the_background_is_a_raster_like_the_scene(tmp_path, quick, seen):
    cube, _ = example_cube(20, 24, 5)
    stored = np.round(cube * 5000).astype(np.int16)
    stored[:3, :4] = -32768
    wavelengths = np.linspace(450, 900, 5)
    scene = Scene.from_array(
        stored, nodata=-32768.0, scale=np.full(5, 1e-4), offset=np.full(5, 0.1), wavelengths=wavelengths
    )
    path = tmp_path / "background.hdr"
    # hundreds of steps, so that the background is near the scene
    learned = {**quick, "epochs": 200, "learning_rate": 3e-3}
    detection = api.detect(scene, "nl2net", save_background=path, input=seen, **learned)
    with open_scene(path) as background:
        assert background.info.dtype == np.int16
        np.testing.assert_allclose(background.wavelengths, wavelengths)
        rebuilt_cube, original = background.read(), scene.read()
    np.testing.assert_array_equal(np.isnan(rebuilt_cube), np.isnan(original))
    of_the_mean = np.abs(np.nanmean(original, axis=(0, 1)) - original)
    assert np.nanmean(np.abs(rebuilt_cube - original)) < 0.9 * np.nanmean(of_the_mean)
    assert not detection.warnings


def test_the_score_is_what_the_background_leaves(tmp_path, quick):
    cube, _ = example_cube(18, 21, 4)
    path = tmp_path / "background.npy"
    scores = api.detect(cube, "nl2net", save_background=path, input="cube", **quick).scores
    squares = np.square(cube - np.load(path)).mean(axis=-1)
    squares -= squares.min()
    np.testing.assert_allclose(scores, squares / squares.max(), atol=1e-4)


def test_integers_without_a_value_for_no_data_give_a_background_of_floats(tmp_path, quick):
    cube = np.round(example_cube(18, 21, 4)[0] * 1000).astype(np.uint16)
    mask = np.ones((18, 21), bool)
    mask[:4] = False
    path = tmp_path / "background.tif"
    detection = api.detect(Scene.from_array(cube).select(mask=mask), "nl2net", save_background=path, **quick)
    assert any("float32" in line for line in detection.warnings)
    with open_scene(path) as background:
        assert background.info.dtype == np.float32
        assert np.isnan(background.read()[:4]).all()


def test_files_that_exist_are_refused_before_any_work(tmp_path, quick):
    there = tmp_path / "there.npy"
    there.write_text("mine")
    for option in ("save_background", "log_file"):
        with pytest.raises(OutputExistsError, match=rf"there\.npy.*--{option.replace('_', '-')}"):
            api.detect(example_cube(12, 12, 3)[0], "nl2net", **quick, **{option: there})
    assert there.read_text() == "mine"


@pytest.mark.parametrize("name", ["background.xyz", "nowhere/background.tif"])
def test_a_background_that_could_not_be_written_is_refused_before_any_work(tmp_path, monkeypatch, name):
    monkeypatch.setattr("had_nl2net.detector.scene_input", lambda run: pytest.fail("it went to work"))
    with pytest.raises(OutputError, match="background"):
        api.detect(example_cube(12, 12, 3)[0], "nl2net", save_background=tmp_path / name)


# -- what goes wrong ------------------------------------------------------------------------------
@pytest.mark.parametrize("seen", ["components", "cube"])
def test_a_scene_of_one_value_is_refused(seen):
    with pytest.raises(SceneError, match="nothing to learn"):
        api.detect(np.full((12, 12, 3), 7, np.uint8), "nl2net", input=seen)


def test_a_loss_that_is_no_number_is_told(quick, monkeypatch):
    monkeypatch.setattr("had_nl2net.trainer.loss", lambda *args: torch.tensor(float("nan")))
    with pytest.raises(HadError, match=r"epoch 1 \(the loss is nan\); lower --learning-rate"):
        api.detect(example_cube(12, 12, 3)[0], "nl2net", **quick)


def test_bfloat16_detects_what_float32_does(quick):
    cube, truth = example_cube(bands=8)
    learned = {**quick, "epochs": 100, "learning_rate": 2e-3}
    aucs = [
        api.evaluate(api.detect(cube, "nl2net", **{**learned, "precision": precision}).scores, truth).auc
        for precision in ("float32", "bfloat16")
    ]
    assert abs(aucs[0] - aucs[1]) < 0.02


def test_the_facts_are_json(quick):
    detection = api.detect(example_cube(12, 15, 3)[0], "nl2net", **quick)
    assert json.loads(json.dumps(detection.to_json()))["facts"]["precision"] == "float32"
