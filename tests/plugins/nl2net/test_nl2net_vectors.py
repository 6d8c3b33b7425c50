"""The released system's numbers, from weights that are filled by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from had_cli import api
from had_cli.plugin import TrainingJob, TrainingLoop
from had_nl2net import DEFAULTS, PUBLISHED
from had_nl2net.learning import rebuilt
from had_nl2net.released import import_weights
from had_nl2net.scaling import Scaling
from had_nl2net.settings import Settings
from had_nl2net.trainer import plan_of
from had_nl2net.views import view
from had_nl2net.weights import load_network

VECTORS = [("nl2net_f2", ("nl22", 48, 40, 30), 2), ("nl2net_f3", ("nl23", 54, 66, 30), 3)]
pytestmark = pytest.mark.parametrize(("vector", "cube", "factor"), VECTORS, ids=["factor 2", "factor 3"])


@pytest.fixture
def scene(filling, cube):
    return filling.cube(*cube)


@pytest.fixture
def expected(shared, vector):
    return np.load(shared / "vectors" / f"{vector}.npz")


@pytest.fixture
def network(released, vector, factor):
    return load_network(import_weights(released(vector)), 30, factor)


@pytest.fixture
def whole(scene, factor):
    scaling = Scaling(0.0, 1.0, scene.mean(axis=(0, 1)))
    return view(scene, np.ones(scene.shape[:2], bool), scaling, factor, "cpu")


def test_the_background_is_that_of_the_released_system(network, whole, expected):
    with torch.no_grad():
        background = rebuilt(network, whole.shown, torch.float32)[0].numpy()
    np.testing.assert_allclose(
        background, expected["background"], rtol=0, atol=1e-5 * abs(expected["background"]).max()
    )


def test_five_steps_of_training_have_its_losses(network, whole, expected, factor):
    settings = Settings(**{**DEFAULTS, **PUBLISHED, "factor": factor, "epochs": 5})
    silent = lambda *_, **__: None  # noqa: E731
    job = TrainingJob(
        scenes=[],
        device="cpu",
        seed=0,
        output=Path(),
        checkpoint=None,
        resume=False,
        progress=silent,
        warn=silent,
    )
    loop = TrainingLoop(job, plan_of(network, lambda epoch: whole, settings, "float32")).run()
    np.testing.assert_allclose(loop.losses(), expected["losses"], rtol=2e-4)


def test_an_imported_file_gives_its_score_map(scene, released, vector, expected, factor, tmp_path):
    weights = tmp_path / "w.safetensors"
    import_weights(released(vector)).save(weights)
    scores = api.detect(scene, "nl2net", weights=weights, factor=factor, precision="float32").scores
    np.testing.assert_allclose(scores, expected["scores"], atol=1e-5)
