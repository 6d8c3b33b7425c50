"""SSF beside GRX, in the same run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from test_rx_speed import alternately, background

import had_cli
from had_cli.scenes.scene import Scene

pytestmark = pytest.mark.benchmark


def test_the_whole_command_takes_at_most_three_times_that_of_grx(tmp_path, capsys):
    np.save(tmp_path / "scene.npy", background(100, 100, 200))

    def command(method):
        words = ["detect", "-m", method, "scene.npy", "-o", f"{method}.npy", "--overwrite", "--device", "cpu"]
        subprocess.run(
            [sys.executable, "-m", "had_cli", *words], cwd=tmp_path, check=True, capture_output=True
        )

    seconds = alternately(5, grx=lambda: command("grx"), ssf=lambda: command("ssf"))
    ratio = seconds["ssf"] / seconds["grx"]
    with capsys.disabled():
        print(f"\nhad detect 100x100x200: {seconds} ratio {ratio:.2f} (at most 3)")
    assert ratio <= 3


def test_a_large_scene_takes_at_most_twelve_times_that_of_grx(capsys):
    scene = Scene.from_array(background(1000, 1000, 200))
    seconds = alternately(
        3,
        grx=lambda: had_cli.detect(scene, "grx", engine="memory", device="cpu"),
        ssf=lambda: had_cli.detect(scene, "ssf", engine="memory", device="cpu"),
    )
    ratio = seconds["ssf"] / seconds["grx"]
    with capsys.disabled():
        print(f"\nSSF 1000x1000x200: {seconds} ratio {ratio:.1f} (at most 12)")
    assert ratio <= 12
