"""TDD on scenes of many tiles: within the memory allowed, without seams, and in a third of the time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_measuring import measured
from test_rx_speed import alternately, background

import had_cli
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_tdd.learning import initialise
from had_tdd.network import Tdd
from had_tdd.normalising import Normalisation
from had_tdd.weights import Model

SIDE, BANDS = 2000, 60
LARGE_PAD = 16  # three eighths of a tile, in whole pixels of the deepest features
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


def detected(scene: Path, weights: Path, out: Path, *options: str) -> tuple[np.ndarray, int, float, int]:
    """Return scores, peak resident memory in bytes, seconds, and pixels between large tiles, of one run."""
    command = [sys.executable, "-m", "had_cli", "detect", "-m", "tdd", "-w", str(weights), "--json"]
    command += ["--engine", "stream", "--memory", "200MB", "--device", "cpu", "--tile-batch", "32"]
    command += ["--patch", str(PATCH), "--pad", str(PAD), *options]
    run = measured([*command, str(scene), "-o", str(out)])
    assert run.status == 0
    facts = json.loads(run.output)["facts"]
    return np.load(out), run.peak, run.seconds, facts.get("large_tile", 0) - 2 * LARGE_PAD


def step_at(scores: np.ndarray, apart: int, first: int) -> float:
    """Return the mean absolute step across some rows and columns, as a part of that 8 pixels further on."""
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(scores, axis=axis)).mean(axis=1 - axis)
        here = np.arange(1, len(steps) + 1) % apart
        ratios.append(steps[here == first].mean() / steps[here == first + 8].mean())
    return float(max(ratios))


@pytest.mark.parametrize("cut", ["large", "small"])
def test_a_large_scene_is_scored_within_its_memory_and_without_seams(scene, weights, tmp_path, cut):
    options = () if cut == "large" else ("--no-large-tiles",)
    scores, peak, seconds, apart = detected(scene, weights, tmp_path / "map.npy", *options)
    if cut == "large":
        seams = {"between tiles": step_at(scores, apart, 0)}
    else:
        seams = {"between patches": step_at(scores, PATCH, 0), "where tiles end": step_at(scores, PATCH, PAD)}
    size = (scene.parent / "scene.img").stat().st_size
    print(
        f"\n{SIDE} x {SIDE} x {BANDS}, {size / 1e6:.0f} MB as stored, {cut} tiles: {seconds:.0f} s, "
        f"peak {peak / 1e6:.0f} MB; steps as a part of those elsewhere: {seams}"
    )
    assert np.isfinite(scores).all()
    assert peak < 4 * SIDE**2 * BANDS  # the scene alone, in single precision
    # an untrained network is rough, and roughest at the edge of its input
    assert max(seams.values()) <= 1.05


def test_large_tiles_take_a_third_of_the_time_of_small_ones(capsys):
    scene = Scene.from_array(background(400, 500, 200))

    def run(large):
        options = {"weights": "tdd-200", "engine": "memory", "device": "cpu", "large_tiles": large}
        return had_cli.detect(scene, "tdd", **options).scores

    seconds = alternately(2, small=lambda: run(large=False), large=lambda: run(large=True))
    ranks = [run(large=flag).ravel().argsort().argsort() for flag in (False, True)]
    alike = np.corrcoef(*ranks)[0, 1]
    ratio = seconds["small"] / seconds["large"]
    with capsys.disabled():
        print(
            f"\nTDD 400x500x200: {seconds} {ratio:.1f} times faster (at least 3), "
            f"ranks correlate by {alike:.4f}"
        )
    assert ratio >= 3
    assert alike >= 0.99
