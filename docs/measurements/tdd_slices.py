"""Two ways to bring a scene to the bands of a TDD network: resampling, and slices of consecutive bands.

    python docs/measurements/tdd_slices.py WEIGHTS SCENE...

For scenes with more bands than the network. ``resampled`` is what ``had detect`` does. For ``slices`` the
scene is scored once per run of consecutive bands, one band further each time, as in the released system;
``halved`` combines the maps as it does (halving the running mean, so that the last slice weighs half),
``mean`` by their plain mean. Prints AUC(D,F) against the truths of the scenes.
"""

from __future__ import annotations

import sys

import numpy as np

from had_cli import detect, evaluate
from had_cli.scenes.open import open_scene
from had_cli.weights.file import read_header


def main() -> None:
    """Print a table row for each scene."""
    weights, *scenes = sys.argv[1:]
    bands = read_header(weights)["bands"]
    print("| scene | bands | slices | resampled | slices, halved | slices, mean |\n|---|---|---|---|---|---|")
    for path in scenes:
        scene = open_scene(path)
        count = scene.shape[2] - bands + 1
        if count < 2:
            continue
        maps = [
            detect(
                scene.select(bands=range(first, first + bands)), "tdd", weights=weights, device="cpu"
            ).scores
            for first in range(count)
        ]
        halved = maps[0]
        for one in maps[1:]:
            halved = (halved + one) / 2
        resampled = detect(scene, "tdd", weights=weights, device="cpu").scores
        figures = [evaluate(s, scene.truth).auc for s in (resampled, halved, np.mean(maps, axis=0))]
        cells = [scene.name, str(scene.shape[2]), str(count), *(f"{auc:.4f}" for auc in figures)]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
