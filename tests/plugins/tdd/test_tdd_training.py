"""Training: repeatable, resumable, without labels; settings are checked before any work."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from had_cli import detect
from had_cli.errors import HadError, UsageError, WeightsError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import FILE
from had_cli.training.train import train
from had_cli.weights.file import load_weights
from had_tdd.learning import rising_and_falling
from had_tdd.settings import PUBLISHED, RECIPES

SMALL = {
    "recipe": "dependable",
    "width": 0.06,
    "components": 6,
    "patch": 16,
    "stride": 8,
    "max_size": 5,
    "input_size": 32,
    "patches": 8,
    "warm_up": 2,
    "device": "cpu",
}


def scene(seed=0, rows=40, cols=50, **metadata):
    return Scene.from_array(example_cube(rows, cols, 12, seed=seed)[0], name=f"scene{seed}", **metadata)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trained(folder: Path, name: str, scenes=None, **options) -> Path:
    path = folder / f"{name}.safetensors"
    train(scenes or [scene()], "tdd", path, **{**SMALL, "epochs": 3, **options})
    return path


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    one, again = trained(tmp_path, "one"), trained(tmp_path, "again")
    assert digest(one) == digest(again)
    other = load_weights(trained(tmp_path, "other", seed=1)).tensors
    assert not np.array_equal(
        other["decoder.5.conv2.weight"], load_weights(one).tensors["decoder.5.conv2.weight"]
    )


@pytest.mark.parametrize("recipe", ["dependable", "published"])
def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path, recipe):
    options = {"recipe": recipe, "checkpoint": tmp_path / "state"}
    whole = trained(tmp_path, "whole", **{**options, "checkpoint": tmp_path / "other"})

    class HaltedError(Exception):
        pass

    def stop(label, fraction, **numbers):
        if label == "epochs" and numbers["epoch"] == 3:
            raise HaltedError

    with pytest.raises(HaltedError):
        trained(tmp_path, "resumed", progress=stop, **options)
    assert not (tmp_path / "resumed.safetensors").exists()
    assert digest(trained(tmp_path, "resumed", resume=True, **options)) == digest(whole)


def test_a_state_is_neither_overwritten_nor_continued_by_another_training(tmp_path):
    options = {"checkpoint": tmp_path / "state", "epochs": 1}
    trained(tmp_path, "first", **options)
    with pytest.raises(UsageError, match="holds a training already"):
        trained(tmp_path, "second", **options)
    with pytest.raises(WeightsError, match="with other parameters"):
        trained(tmp_path, "second", resume=True, **{**options, "epochs": 2})
    with pytest.raises(WeightsError, match="with other scenes"):
        trained(tmp_path, "second", [scene(3)], resume=True, **options)
    state = tmp_path / "state" / FILE
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        trained(tmp_path, "second", resume=True, **options)


def test_truths_are_not_looked_at(tmp_path):
    def truth():
        raise AssertionError

    assert digest(trained(tmp_path, "with", [scene(truth=truth)], epochs=1)) == digest(
        trained(tmp_path, "without", epochs=1)
    )


def test_the_loss_on_simulated_anomalies_falls(tmp_path):
    rates = {"encoder_rate": 0.001, "decoder_rate": 0.01}
    path = trained(tmp_path, "longer", epochs=12, patches=16, prior=False, **rates)
    losses = load_weights(path).header["metrics"]["losses"]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_it_finds_in_a_scene_that_it_was_not_trained_on(tmp_path):
    path = trained(tmp_path, "weights", [scene(1)], epochs=6)
    cube, truth = example_cube(50, 60, 12, seed=2)
    assert detect(cube, "tdd", weights=path, truth=truth, device="cpu").evaluation.auc > 0.95


def test_a_held_out_scene_chooses_the_epoch(tmp_path):
    path = trained(tmp_path, "weights", [scene(s) for s in range(3)], hold_out=1)
    header = load_weights(path).header
    losses = header["metrics"]["held_out_losses"]
    assert len(losses) == 3
    assert header["metrics"]["epoch"] == 1 + int(np.argmin(losses))
    assert len(header["held_out"]) == 1
    assert "held-out" in header["selection"]


def test_the_header_tells_every_setting(tmp_path):
    header = load_weights(trained(tmp_path, "weights", epochs=1)).header
    recipe = RECIPES["dependable"]
    assert set(recipe) <= set(header["settings"])
    assert header["settings"]["encoder_rate"] == recipe["encoder_rate"]
    assert header["network"] == {
        "attention": "exact",
        "input_size": 32,
        "prior": True,
        "tile": 16,
        "width": 0.06,
    }
    assert header["normalisation"] == {"kind": "whiten", "components": 6}


def test_the_published_recipe_is_what_the_paper_says():
    published = RECIPES[PUBLISHED]
    expected = {
        "width": 1.0,
        "patch": 10,
        "stride": 5,
        "min_size": 5,
        "max_size": 7,
        "input_size": 224,
        "epochs": 200,
        "batch_size": 1,
        "encoder_rate": 0.001,
        "decoder_rate": 0.01,
        "weight_decay": 0.0005,
        "clip": 100.0,
        "simulation": "shuffle",
        "normalise": "max",
        "attention": "released",
        "fresh_optimiser": True,
    }
    assert {name: published[name] for name in expected} == expected
    assert set(published) == set(RECIPES["dependable"])


def test_the_page_of_the_method_lists_both_recipes():
    page = (Path(__file__).parents[3] / "docs" / "methods" / "tdd.md").read_text(encoding="utf-8")

    def shown(value):
        if value is None or isinstance(value, bool):
            return {True: "yes", False: "no", None: "all"}[value]
        return value if isinstance(value, str) else f"{value:g}"

    for name, ours in RECIPES["dependable"].items():
        row = f"| `--{name.replace('_', '-')}` | {shown(ours)} | {shown(RECIPES[PUBLISHED][name])} |"
        assert row in page


@pytest.mark.parametrize("simulation", ["shuffle", "gaussian", "uniform"])
@pytest.mark.parametrize("augment", [False, True])
def test_every_published_simulation_trains(tmp_path, simulation, augment):
    path = trained(
        tmp_path, "w", recipe="published", epochs=1, simulation=simulation, augment=augment, min_size=2
    )
    assert load_weights(path).header["normalisation"] == {"kind": "max"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 50}, "multiple of 8, not 50; the nearest is 48"),
        ({"min_size": 6}, "--min-size 6 is more than --max-size 5"),
        ({"max_size": 17}, "--max-size 17 does not fit into --patch 16"),
        ({"normalise": "max", "prior": True}, "--normalise whiten"),
        ({"min_strength": 90.0}, "--min-strength 90 is more than"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        trained(tmp_path, "weights", **options)
    assert not list(tmp_path.iterdir())


def test_a_training_that_diverges_says_so_and_writes_nothing(tmp_path, monkeypatch):
    infinite = lambda outputs, wanted: outputs[0].sum() * float("inf")  # noqa: E731
    monkeypatch.setattr("had_tdd.trainer.supervised_loss", infinite)
    with pytest.raises(HadError, match=r"diverged in epoch 1 .* try lower --encoder-rate and --decoder-rate"):
        trained(tmp_path, "weights")
    assert not list(tmp_path.iterdir())


def test_rates_rise_and_fall():
    factors = [rising_and_falling(10, 100, cosine=True)(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) > 0.95
    assert factors[-1] < 0.001
    constant = rising_and_falling(0, 100, cosine=False)
    assert {constant(step) for step in range(100)} == {1.0}


def test_a_network_over_tiles_learns_on_with_the_shape_it_has(tmp_path):
    first = trained(tmp_path, "first", epochs=1)
    rates = {"encoder_rate": 1e-8, "decoder_rate": 1e-8, "average": 0.0, "width": 0.12, "components": 9}
    second = load_weights(trained(tmp_path, "second", epochs=1, from_weights=first, **rates))
    before = load_weights(first)
    assert second.header["network"] == before.header["network"]
    assert second.header["normalisation"] == before.header["normalisation"]
    for name, tensor in second.tensors.items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_allclose(tensor, before.tensors[name], atol=1e-5)
