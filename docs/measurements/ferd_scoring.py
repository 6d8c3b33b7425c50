"""Measure what scores FERD's enhanced cube best: GRX, GRX with a ridge, or SLRX.

    python docs/measurements/ferd_scoring.py SCENES WEIGHTS...

SCENES is a folder with the eight .mat files of leave_out.py. Truths serve the AUC printed, and nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from leave_out import SCENES

import had_cli
from had_cli.engine.executor import Executor
from had_cli.plugin import find_weights
from had_cli.scenes.constant import without_constant
from had_ferd.detector import enhanced
from had_ferd.weights import from_weights
from had_grx.detector import score as grx
from had_slrx.detector import score as slrx

RIDGES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def main() -> None:
    """Print a row per weights and scoring."""
    folder, *files = sys.argv[1:]
    print("| weights | scoring |", " | ".join(SCENES), "| mean |")
    print("|---|---|" + "---|" * (len(SCENES) + 1))
    for file in files:
        found = np.array([of_scene(Path(folder, f"{name}.mat"), file) for name in SCENES])
        labels = ["grx", *(f"grx, ridge {ridge:g}" for ridge in RIDGES), "slrx"]
        for label, values in zip(labels, found.T, strict=True):
            print(
                f"| {Path(file).stem} | {label} |",
                " | ".join(f"{v:.4f}" for v in [*values, values.mean()]),
                "|",
            )


def of_scene(path: Path, file: str) -> list[float]:
    """Return the AUC of each scoring."""
    network, grid = from_weights(find_weights(file).load("ferd"))
    (scene,), _ = without_constant([had_cli.open_scene(path)])
    truth = scene.truth
    assert truth is not None  # noqa: S101 - all of them have one
    with Executor(scene) as run:
        cube = enhanced(run, network, grid)
        ridged = (grx(cube, shrinkage="fixed", shrinkage_weight=ridge) for ridge in RIDGES)
        return [float(had_cli.evaluate(s, truth).auc) for s in (grx(cube), *ridged, slrx(cube))]


if __name__ == "__main__":
    main()
