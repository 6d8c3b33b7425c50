"""Train TDD's network over maps on backgrounds, and measure it on scenes that it has not seen.

    python docs/measurements/tdd_maps.py BACKGROUNDS SCENES OUT [--seeds 0,1,2] [-- options of had train]

BACKGROUNDS is a folder of scenes without anomalies to speak of, whose subfolders are taken as well. SCENES
holds the eight .mat files of leave_out.py, none of which is trained on: truths serve the AUC printed, and
nothing else. Weights that OUT holds already are not trained again. Seed 0 is what comes with had.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from leave_out import SCENES, auc, row

TINY = ["--patches", "5", "--epochs", "1", "--decoder-rate", "1e-8"]  # nothing is learned at such a rate


def main() -> None:
    """Train what is missing, then print a row per seed, the untrained network and SSF."""
    own, _, rest = "\0".join(sys.argv[1:]).partition("\0--\0")
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("backgrounds", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--seeds", default=[0, 1, 2], type=lambda text: [int(seed) for seed in text.split(",")]
    )
    given = parser.parse_args(own.split("\0"))
    options = rest.split("\0") if rest else []
    given.out.mkdir(parents=True, exist_ok=True)
    print("| | seed |", " | ".join(SCENES), "| mean |")
    print("|---|---|" + "---|" * (len(SCENES) + 1))
    row("GRX", "", [auc(given.scenes, name, "grx", None) for name in SCENES])
    row("SSF", "", [auc(given.scenes, name, "ssf", None, wide=False) for name in SCENES])  # type: ignore[arg-type]
    folders = [given.backgrounds, *sorted(f for f in given.backgrounds.iterdir() if f.is_dir())]
    untrained = trained(folders, given.out / "untrained.safetensors", 0, TINY)
    row("untrained", "", [auc(given.scenes, name, "tdd", untrained) for name in SCENES])
    found = []
    for seed in given.seeds:
        weights = trained(folders, given.out / f"maps-seed-{seed}.safetensors", seed, options)
        found.append([auc(given.scenes, name, "tdd", weights) for name in SCENES])
        row("tdd", str(seed), found[-1])
    row("tdd", "mean", list(np.mean(found, axis=0)))
    if len(found) > 1:
        print(f"spread of the mean over seeds: {np.std(np.mean(found, axis=1), ddof=1):.4f}")


def trained(folders: list[Path], path: Path, seed: int, options: list[str]) -> Path:
    """Return weights from the folder or trained now."""
    if not path.exists():
        command = [sys.executable, "-m", "had_cli", "train", "-m", "tdd", "--recipe", "maps", "--quiet"]
        command += ["--device", "cpu", "--seed", str(seed), *options, "-o", str(path), *map(str, folders)]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
    return path


if __name__ == "__main__":
    main()
