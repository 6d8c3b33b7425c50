"""Every method that weights come with runs on a scene of any sensor, by one command."""

from __future__ import annotations

import numpy as np
import pytest

from had_cli import detect
from had_cli.plugin import host
from had_cli.plugin.testing import example_cube
from had_cli.weights.models import bundled_models
from had_cli.weights.verification import verify

METHODS = [method for method in host.methods().values() if method.bundled]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("bands", [60, 102, 224, 425])
def test_a_scene_is_scored_without_any_weights_given(method, bands):
    cube, _ = example_cube(36, 40, bands)
    found = detect(cube, method.name, device="cpu")
    assert (found.weights, found.weights_hash) == (method.bundled[0].name, method.bundled[0].sha256)
    assert np.isfinite(found.scores).all()
    assert found.scores.std() > 0


@pytest.mark.parametrize("model", bundled_models(), ids=lambda model: model.name)
def test_weights_that_come_with_had_are_sound(model):
    verdict = verify(model)
    assert verdict.error is None
    assert (verdict.known_by, verdict.sha256) == ("sha256", model.sha256)
    assert verdict.difference is not None
