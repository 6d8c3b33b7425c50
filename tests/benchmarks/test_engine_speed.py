"""The engine on one machine: memory against stream, both against the least there is to do, and by size."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import numpy as np
import pytest
from raw_scenes import COLS, PIXEL, read_once, write_scene
from test_measuring import measured
from test_rx_speed import alternately

import had_cli
from had_cli.engine.blas import multiply_in_place
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import CHUNK
from had_cli.scenes.open import open_scene

ENGINES = ("stream", "memory", "auto")
ROWS = 2500  # 2.0 GB
SIZES = (0.4e9, 1e9, 2e9, 4e9, 8e9)

pytestmark = pytest.mark.benchmark


def command_seconds(header: Path, rounds: int = 3) -> dict[str, float]:
    """Return the median seconds of the whole command with each engine, in turn."""
    words = [sys.executable, "-m", "had_cli", "detect", "-m", "grx", header, "--device", "cpu", "--overwrite"]
    found: dict[str, list[float]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name in ENGINES:
            run = measured([*words, "--engine", name, "-o", header.with_name("map.tif"), "--quiet"])
            assert run.status == 0
            found[name].append(run.seconds)
            assert run.peak < 1e9
    return {name: statistics.median(seconds) for name, seconds in found.items()}


@pytest.mark.parametrize("interleave", ["bil", "bsq", "bip"])
def test_memory_and_auto_are_as_fast_as_the_faster_engine(tmp_path, interleave, capsys):
    header = write_scene(tmp_path, interleave, ROWS)
    size = read_once(header)
    seconds = command_seconds(header)
    ratios = {name: value / min(seconds.values()) for name, value in seconds.items()}
    with capsys.disabled():
        print(
            f"\ngrx on {size / 1e9:.1f} GB ({interleave}), whole command: "
            + ", ".join(f"{name} {value:.1f} s ({ratios[name]:.2f})" for name, value in seconds.items())
            + " (memory and auto at most 1.1)"
        )
    assert max(ratios["memory"], ratios["auto"]) <= 1.1


@pytest.mark.parametrize("interleave", ["bil", "bsq", "bip"])
def test_streaming_takes_little_beyond_reading_turning_and_two_products(tmp_path, interleave, capsys):
    header = write_scene(tmp_path, interleave, ROWS)
    size = read_once(header)
    triangle = np.triu(np.random.default_rng(1).standard_normal((200, 200))).astype(np.float32)

    def chunks(block):
        pixels = block.cube.reshape(-1, block.cube.shape[-1])
        return (pixels[start : start + CHUNK] for start in range(0, len(pixels), CHUNK))

    def squared(block):
        for x in chunks(block):
            x.T @ x

    def multiplied(block):
        for x in chunks(block):
            multiply_in_place(x, triangle)

    def passes(*computed):
        with open_scene(header) as scene, Executor(scene, stream=True) as run:
            for compute in computed:
                for _ in run._passed(compute, ""):
                    pass

    seconds = alternately(
        3,
        read=lambda: passes(lambda _block: None),
        least=lambda: passes(squared, multiplied),
        grx=lambda: had_cli.detect(header, "grx", engine="stream", device="cpu"),
    )
    share = seconds["least"] / seconds["grx"]
    with capsys.disabled():
        print(
            f"\n{size / 1e9:.1f} GB ({interleave}), kept by the system: read and turned in "
            f"{seconds['read']:.2f} s; with the two products {seconds['least']:.2f} s; "
            f"streamed grx {seconds['grx']:.2f} s: {share:.2f} of the rate of the least (at least 0.55), "
            f"{2 * seconds['read'] / seconds['grx']:.2f} of that of reading and turning by bytes read, "
            f"{seconds['read'] / seconds['grx']:.2f} by bytes of the file"
        )
    assert share >= 0.55


def test_a_pixel_costs_the_same_in_any_scene(tmp_path, capsys):
    costs = {}
    for size in SIZES:
        rows = round(size / PIXEL / COLS)
        header = write_scene(tmp_path, "bil", rows)
        read_once(header)
        best = alternately(2, grx=lambda path=header: had_cli.detect(path, "grx", engine="stream"))
        costs[size] = best["grx"] / (rows * COLS) * 1e6
        header.with_suffix(".img").unlink()
    spread = max(costs.values()) / min(costs.values())
    with capsys.disabled():
        print(
            "\nstreamed grx, us per pixel: "
            + ", ".join(f"{size / 1e9:.1f} GB {cost:.2f}" for size, cost in costs.items())
            + f"; spread {spread:.2f} (at most 1.15)"
        )
    assert spread <= 1.15
