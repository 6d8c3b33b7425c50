"""The autoencoder learns what is common, stops without a truth, and scores what it cannot rebuild."""

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import untrained

from had_cli import detect
from had_cli.engine.executor import Executor
from had_cli.errors import UsageError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_fers import autoencoder as module
from had_fers.autoencoder import STEPS, autoencoder, score

BANDS = 12


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fers") / "w.safetensors"
    untrained(BANDS).save(path)
    return path


def scored(cube: np.ndarray, **executor):
    with Executor(Scene.from_array(cube), **executor) as run:
        return score(run), run.facts


def test_the_network_narrows_to_32_channels_and_widens_again():
    layers = [part for part in autoencoder(BANDS, 0) if isinstance(part, torch.nn.Linear)]
    assert [(p.in_features, p.out_features) for p in layers] == [
        (12, 128), (128, 64), (64, 32), (32, 64), (64, 128), (128, 12)
    ]  # fmt: skip


def test_what_is_rare_and_unlike_the_rest_is_rebuilt_badly():
    cube = np.full((30, 40, BANDS), 0.3, np.float32) + 0.02 * example_cube(30, 40, BANDS)[0]
    cube[10, 20] = np.linspace(0, 1, BANDS)
    scores, facts = scored(cube)
    assert scores.argmax() == 10 * 40 + 20
    assert 1 < facts["ae_steps"] <= STEPS
    assert facts["ae_pixels"] == 1200


def test_it_stops_when_the_loss_falls_no_more(monkeypatch):
    cube = example_cube(20, 20, BANDS)[0]
    monkeypatch.setattr(module, "STEPS", 2000)
    _, facts = scored(cube)
    assert facts["ae_steps"] < 500


def test_more_pixels_than_a_sample_are_scored_by_what_the_sample_taught(monkeypatch):
    cube = example_cube(60, 80, BANDS)[0]
    whole, _ = scored(cube)
    monkeypatch.setattr(module, "PIXELS", 1000)
    sampled, facts = scored(cube, stream=True)
    assert 500 < facts["ae_pixels"] < 2000
    assert np.corrcoef(whole.ravel(), sampled.ravel())[0, 1] > 0.9


def test_it_scores_the_sum_and_refuses_the_product(weights: Path):
    cube = example_cube(30, 30, BANDS)[0]
    assert detect(cube, "fers", weights=weights, scoring="ae", device="cpu").facts["fusion"] == "sum"
    with pytest.raises(UsageError, match="leave --fusion product out"):
        detect(cube, "fers", weights=weights, scoring="ae", fusion="product", device="cpu")
