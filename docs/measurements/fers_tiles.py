"""Measure fers on a large scene by the size of its tiles, and print a table.

    python docs/measurements/fers_tiles.py FERS_WEIGHTS SCENE...

Every scene is repeated three times down and across, mirrored each time, so that it becomes large and has
no edges inside. ferd's network is that of the same weights. Both are scored by GRX.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from had_cli import detect, evaluate, open_scene
from had_cli.weights.file import load_weights
from had_fers.weights import teacher_of

TILES = (64, 128, 256)


def mosaic(array: np.ndarray) -> np.ndarray:
    """Return 3 x 3 copies, every second one mirrored."""
    wide = np.concatenate([array, array[:, ::-1], array], axis=1)
    return np.concatenate([wide, wide[::-1], wide], axis=0)


def main() -> None:
    """Print one row per scene."""
    weights, *scenes = sys.argv[1:]
    print("| scene |", " | ".join(["ferd", *(f"fers, tiles of {size}" for size in TILES)]), "|")
    print("|---" * (len(TILES) + 2) + "|")
    with tempfile.TemporaryDirectory() as folder:
        teacher = Path(folder) / "ferd.safetensors"
        teacher_of(load_weights(weights, method="fers")).save(teacher)
        for path in scenes:
            with open_scene(path) as scene:
                cube, truth = mosaic(scene.read()), mosaic(scene.truth)
            maps = [detect(cube, "ferd", weights=teacher, scoring="grx", device="cpu").scores]
            for size in TILES:
                options = {"fusion": "sum", "scoring": "grx", "tile_size": size, "device": "cpu"}
                found = detect(cube, "fers", weights=weights, **options)
                maps.append(found.scores)
            figures = [f"{evaluate(scores, truth).auc:.4f}" for scores in maps]
            print(f"| {Path(path).stem} |", " | ".join(figures), "|", flush=True)


if __name__ == "__main__":
    main()
