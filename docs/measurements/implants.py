"""Measure whether methods stand in the same order on anomalies put into backgrounds as on real ones.

    python docs/measurements/implants.py BACKGROUNDS SCENES [--count 12] [--seed 100]

BACKGROUNDS is a folder of scenes (its subfolders are taken as well), into which anomalies are put by the
generator of had; SCENES holds the eight .mat files of leave_out.py. Every method scores both; printed are the
mean AUC of each on either, and the rank correlation (Spearman) between the two columns.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from leave_out import SCENES
from scipy.stats import spearmanr

import had_cli
from had_cli.plugin import Backgrounds, Implants, Scene
from had_cli.scenes.constant import without_constant
from had_cli.scenes.folders import training_scenes

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "grx": ("grx", {}),
    "grx, ridge 1e-3": ("grx", {"shrinkage": "fixed"}),
    "slrx": ("slrx", {}),
    "ferd": ("ferd", {}),
    "fers": ("fers", {}),
    "tdd (tdd-200)": ("tdd", {"weights": "tdd-200"}),
    "nl2net": ("nl2net", {"seed": 1}),
    "ssf": ("ssf", {}),
}


def main() -> None:
    """Print a row per method, and the correlations."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("backgrounds", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--count", default=12, type=int)
    parser.add_argument("--seed", default=100, type=int)
    given = parser.parse_args()
    folders = [given.backgrounds, *sorted(f for f in given.backgrounds.iterdir() if f.is_dir())]
    opened, _ = without_constant([had_cli.open_scene(path) for path in training_scenes(folders)])
    implants = Implants(backgrounds=Backgrounds(opened))
    made = [implants.draw(np.random.default_rng([given.seed, n])) for n in range(given.count)]
    print("sizes:", ", ".join("x".join(map(str, sample.cube.shape)) for sample in made), flush=True)
    print("| method | implants, mean | implants, median | real scenes, mean | real scenes, median |")
    print("|---|---|---|---|---|")
    rows = []
    for label, (method, options) in METHODS.items():
        put = []
        for sample in made:
            scores = had_cli.detect(Scene.from_array(sample.cube), method, **options).scores
            sure = sample.truth >= 0
            put.append(had_cli.evaluate(scores[sure][None], sample.truth[sure][None] == 1).auc)
        real = []
        for name in SCENES:
            found = had_cli.detect(given.scenes / f"{name}.mat", method, **options)
            assert found.evaluation is not None  # noqa: S101 - all of them have a truth
            real.append(found.evaluation.metrics["auc_df"])
        rows.append([np.mean(put), np.median(put), np.mean(real), np.median(real)])
        print(f"| {label} |", " | ".join(f"{value:.4f}" for value in rows[-1]), "|", flush=True)
    table = np.array(rows)
    for name, (a, b) in {"means": (0, 2), "medians": (1, 3)}.items():
        print(f"rank correlation of {name}: {spearmanr(table[:, a], table[:, b]).statistic:.3f}")


if __name__ == "__main__":
    main()
