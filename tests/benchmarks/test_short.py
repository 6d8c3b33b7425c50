"""A minute of benchmarks for any change, on any machine: ratios with wide bounds, medians of runs in turn.

They find what became several times slower or larger. How fast had is, the other files here measure, on a
machine that has nothing else to do.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import pytest
from raw_scenes import read_once, write_scene
from test_measuring import measured

import had_cli
from had_cli.scenes.scene import Scene

pytestmark = pytest.mark.benchmark


def medians(rounds: int, **functions) -> dict[str, float]:
    """Return the median seconds of each function, run in turn, after one run of each that is not counted."""
    found: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            found[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


@pytest.mark.parametrize("interleave", ["bil", "bsq", "bip"])
def test_no_engine_is_far_slower_than_another_and_none_takes_the_scene_twice(tmp_path, interleave, capsys):
    header = write_scene(tmp_path, interleave, 120)
    size = read_once(header)
    seconds = medians(
        3,
        **{
            engine: lambda engine=engine: had_cli.detect(header, "grx", engine=engine, device="cpu")
            for engine in ("stream", "memory", "auto")
        },
    )
    words = [
        "-m",
        "had_cli",
        "detect",
        "-m",
        "grx",
        "--engine",
        "stream",
        "--memory",
        "60MB",
        "--device",
        "cpu",
    ]
    run = measured([sys.executable, *words, header, "-o", tmp_path / "map.tif"])
    with capsys.disabled():
        print(f"\ngrx on {size / 1e6:.0f} MB ({interleave}): {seconds}, peak {run.peak / 1e6:.0f} MB (400)")
    assert run.status == 0
    assert run.peak < 4e8
    assert max(seconds.values()) <= 2 * min(seconds.values())


def test_grx_takes_no_multiple_of_its_products(capsys):
    cube = np.random.default_rng(0).random((400, 500, 200), np.float32)
    x, w = cube.reshape(-1, 200), np.ones((200, 200), np.float32)
    scene = Scene.from_array(cube)
    seconds = medians(
        3, products=lambda: (x.T @ x, x @ w), grx=lambda: had_cli.detect(scene, "grx", device="cpu")
    )
    ratio = seconds["grx"] / seconds["products"]
    with capsys.disabled():
        print(f"\nGRX 400x500x200: {seconds} ratio {ratio:.2f} (at most 4)")
    assert ratio <= 4


def test_the_command_starts_about_as_fast_as_its_libraries(capsys):
    python = sys.executable
    seconds = medians(
        5,
        libraries=lambda: measured([python, "-c", "import typer, rich"]),
        had=lambda: measured([python, "-m", "had_cli", "plugins"]),
    )
    ratio = seconds["had"] / seconds["libraries"]
    with capsys.disabled():
        print(f"\nhad plugins: {seconds} ratio {ratio:.2f} (at most 3)")
    assert ratio <= 3
