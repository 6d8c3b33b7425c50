"""A scene of 2000 x 2000 pixels is scored in tiles: within the memory allowed, and without seams."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from test_measuring import measured

from had_cli.scenes.bands import BandGrid
from had_tdd.learning import initialise
from had_tdd.network import Tdd
from had_tdd.normalising import Normalisation
from had_tdd.weights import Model

SIDE, BANDS = 2000, 60
PATCH, PAD = 24, 4  # a tile is as large as the input: the network's own grid repeats every 8 pixels
HEADER = f"""ENVI
samples = {SIDE}
lines = {SIDE}
bands = {BANDS}
header offset = 0
data type = 2
interleave = bip
byte order = 0
"""

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    random = np.random.default_rng(0)
    mixing = random.normal(size=(5, BANDS))
    waves = np.arange(SIDE) / random.uniform(5, 40, (5, 2, 1))
    with (folder / "scene.img").open("wb") as file:
        for row in range(0, SIDE, 100):
            down, across = np.sin(waves[:, 0, row : row + 100]), np.cos(waves[:, 1])
            strip = np.einsum("kr,kc,kb->rcb", down, across, mixing) * 300
            strip += 2000 + 20 * random.standard_normal(strip.shape)
            strip.astype("<i2").tofile(file)
    header = folder / "scene.hdr"
    header.write_text(HEADER)
    return header


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Return untrained weights: how a scene is cut does not depend on what was learned."""
    path = tmp_path_factory.mktemp("weights") / "tdd.safetensors"
    normalisation = Normalisation("whiten", 8)
    network = Tdd(normalisation.channels(BANDS), 0.0625, "exact")
    initialise(network, 0)
    network.decoder[-1].conv2.weight.data *= 30
    Model(network.eval(), BandGrid(BANDS), normalisation, 32, PATCH + 2 * PAD).weights().save(path)
    return path


def detected(scene: Path, weights: Path, out: Path) -> tuple[np.ndarray, int, float]:
    """Return scores, peak resident memory in bytes and seconds of one run."""
    command = [sys.executable, "-m", "had_cli", "detect", "-m", "tdd", "-w", str(weights), "--quiet"]
    command += ["--engine", "stream", "--memory", "200MB", "--device", "cpu", "--tile-batch", "32"]
    command += ["--patch", str(PATCH), "--pad", str(PAD)]
    run = measured([*command, str(scene), "-o", str(out)])
    assert run.status == 0
    return np.load(out), run.peak, run.seconds


def step_at(scores: np.ndarray, first: int) -> float:
    """Return the mean absolute step across some rows and columns, as a part of that 8 pixels further on."""
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(scores, axis=axis)).mean(axis=1 - axis)
        here = np.arange(1, len(steps) + 1) % PATCH
        ratios.append(steps[here == first].mean() / steps[here == first + 8].mean())
    return float(max(ratios))


def test_a_large_scene_is_scored_within_its_memory_and_without_seams(scene, weights, tmp_path):
    scores, peak, seconds = detected(scene, weights, tmp_path / "map.npy")
    between, ending = step_at(scores, 0), step_at(scores, PAD)
    size = (scene.parent / "scene.img").stat().st_size
    print(
        f"\n{SIDE} x {SIDE} x {BANDS}, {size / 1e6:.0f} MB as stored: {seconds:.0f} s, "
        f"peak {peak / 1e6:.0f} MB; steps between patches {between:.3f}, "
        f"where tiles end {ending:.3f} of those elsewhere"
    )
    assert np.isfinite(scores).all()
    assert peak < 4 * SIDE**2 * BANDS  # the scene alone, in single precision
    # an untrained network is rough, and roughest at the edge of its input
    assert max(between, ending) <= 1.05
