"""Measure how alike the two features of fers are on whole scenes, and print a table.

    python docs/measurements/complementarity.py WEIGHTS SCENE...

For every scene: the mean magnitude of the cosine of both features along bands, and the sum of squares of
their cross-covariance, channels standardised. Both are 0 for features that have nothing in common. Weights
of `had train -m fers --epochs 0` give the numbers before training.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from had_cli import open_scene
from had_cli.engine.executor import Executor
from had_cli.scenes.scene import valid_pixels
from had_cli.weights.file import load_weights
from had_ferd.detector import enhancement
from had_fers.losses import complementarity
from had_fers.weights import from_weights


def main() -> None:
    """Print one row per scene, then the means."""
    weights, *scenes = sys.argv[1:]
    fen, network, grid = from_weights(load_weights(weights, method="fers"))
    print("| scene | mean abs. cosine | cross-covariance |\n|---|---|---|")
    found = []
    for path in scenes:
        with open_scene(path) as scene, Executor(scene) as run, torch.inference_mode():
            cube = np.ascontiguousarray(scene.read())
            valid = torch.from_numpy(valid_pixels(cube))
            x = enhancement(run, fen, grid).scaled(torch.from_numpy(cube), valid)
            numbers = complementarity(fen(x), network(x))
        found.append(tuple(numbers.values()))
        print(f"| {scene.name} | {found[-1][0]:.3f} | {found[-1][1]:.0f} |", flush=True)
    cosine, covariance = np.mean(found, axis=0)
    print(f"| mean | {cosine:.3f} | {covariance:.0f} |")


if __name__ == "__main__":
    main()
