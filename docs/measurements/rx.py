"""Measure GRX and SLRX on scenes that carry a truth, and print the tables of the method pages.

    python docs/measurements/rx.py FOLDER

FOLDER holds the scenes, e.g. the ABU set as .mat files. Nothing is chosen by the figures printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import had_cli

SETTINGS = {
    "GRX": ("grx", {}),
    "fixed 1e-3": ("grx", {"shrinkage": "fixed", "shrinkage_weight": 1e-3}),
    "Ledoit-Wolf": ("grx", {"shrinkage": "ledoit-wolf"}),
    "OAS": ("grx", {"shrinkage": "oas"}),
    "20 components": ("grx", {"components": 20}),
    "SLRX": ("slrx", {}),
}


def main(folder: Path) -> None:
    """Print one row per scene: size, rank of the covariance, AUC(D,F) of every setting."""
    print("| scene | bands | rank |", " | ".join(SETTINGS), "|")
    print("|---|---|---|" + "---|" * len(SETTINGS))
    sums = dict.fromkeys(SETTINGS, 0.0)
    scenes = 0
    for path in sorted(folder.glob("*.mat")):
        scene = had_cli.open_scene(path)
        if scene.truth is None:
            continue
        found = {
            label: had_cli.detect(scene, method, **options) for label, (method, options) in SETTINGS.items()
        }
        auc = {label: result.evaluation.auc for label, result in found.items()}
        cells = " | ".join(f"{value:.4f}" for value in auc.values())
        print(f"| {path.stem} | {scene.shape[2]} | {found['GRX'].facts['rank']} | {cells} |", flush=True)
        sums = {label: total + auc[label] for label, total in sums.items()}
        scenes += 1
    print("| mean | | |", " | ".join(f"{total / scenes:.4f}" for total in sums.values()), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
