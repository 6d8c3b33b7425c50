"""Measure a trained method on scenes it was not trained on, and print a table.

    python docs/measurements/leave_out.py METHOD SCENES OUT [--seeds 1,2,3] [--groups 2|4] [--untrained ARGS]
        [--variant LABEL:NAME=VALUE,...]... [--teacher METHOD:FOLDER] -- [options of had train]

SCENES is a folder with the eight .mat files named below. They fall into groups: each group is left out once,
weights are trained on the other scenes and measured on those of the group, so that every scene is measured
by weights that have not seen it. That is done anew for every seed. Truths serve the AUC printed, and
nothing else. Weights that OUT holds already are not trained again; an interrupted training is resumed.

--untrained gives the options that make the same network without training, e.g. "--epochs 0": one more row per
seed. --variant adds rows with parameters of detection, e.g. "product:fusion=product". --teacher takes, for
a method that builds on another, that method's weights of the same group and seed from the OUT of its own run.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import had_cli

# the two urban scenes are of one place: where there are four groups, neither is trained on for the other
GROUPS = {
    2: (
        ("abu-airport-1", "abu-beach-1", "abu-urban-1", "hydice"),
        ("abu-airport-2", "abu-beach-4", "abu-urban-2", "sandiego"),
    ),
    4: (
        ("abu-airport-1", "hydice"),
        ("abu-airport-2", "sandiego"),
        ("abu-beach-1", "abu-beach-4"),
        ("abu-urban-1", "abu-urban-2"),
    ),
}
SCENES = [name for group in GROUPS[2] for name in group]


def main() -> None:
    """Train what is missing, then print one row per configuration and seed, and means over seeds."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    print("| | seed |", " | ".join(SCENES), "| mean |")
    print("|---|---|" + "---|" * (len(SCENES) + 1))
    row("GRX", "", [auc(given.scenes, name, "grx", None) for name in SCENES])
    if given.teacher:
        method, _, folder = given.teacher.partition(":")
        rows(given, method, method, {}, lambda group, seed: weights_in(Path(folder), group, seed))
    if given.untrained is not None:
        options = shlex.split(given.untrained)
        rows(given, "untrained", given.method, {}, partial(trained, given, kind="untrained", more=options))
    for text in given.variant or [given.method]:
        label, _, parameters = text.partition(":")
        pairs = dict(pair.split("=", 1) for pair in parameters.split(",")) if parameters else {}
        rows(given, label, given.method, pairs, partial(trained, given))


def arguments() -> argparse.Namespace:
    """Return the parsed command line; what follows -- goes to had train."""
    own, _, rest = "\0".join(sys.argv[1:]).partition("\0--\0")
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("method")
    parser.add_argument("scenes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--seeds", default=[1, 2, 3], type=lambda text: [int(seed) for seed in text.split(",")]
    )
    parser.add_argument("--groups", default=2, type=int, choices=GROUPS)
    parser.add_argument("--untrained")
    parser.add_argument("--variant", action="append")
    parser.add_argument("--teacher")
    given = parser.parse_args(own.split("\0"))
    given.training = rest.split("\0") if rest else []
    return given


def trained(
    given: argparse.Namespace, group: int, seed: int, kind: str = "trained", more: list[str] | None = None
) -> Path:
    """Return weights trained without the scenes of a group, from the folder or trained now."""
    path = weights_in(given.out, group, seed, kind)
    if path.exists():
        return path
    state = given.out / f"{path.stem}.state"
    command = [sys.executable, "-m", "had_cli", "train", "-m", given.method, "-o", str(path), *given.training]
    command += ["--seed", str(seed), "--checkpoint", str(state), *(more or [])]
    if state.is_dir() and any(state.iterdir()):
        command.append("--resume")
    if given.teacher:
        command += ["--teacher", str(weights_in(Path(given.teacher.partition(":")[2]), group, seed))]
    left_out = GROUPS[given.groups][group]
    command += [str(given.scenes / f"{name}.mat") for name in SCENES if name not in left_out]
    subprocess.run(command, check=True)  # noqa: S603 - our own command
    return path


def weights_in(folder: Path, group: int, seed: int, kind: str = "trained") -> Path:
    """Return where the weights trained without a group are kept."""
    return folder / f"{kind}-without-{group + 1}-seed-{seed}.safetensors"


def rows(
    given: argparse.Namespace,
    label: str,
    method: str,
    parameters: dict[str, str],
    weights: Callable[[int, int], Path],
) -> None:
    """Print one row per seed, every scene by the weights that have not seen it, then the mean over seeds."""
    found = []
    for seed in given.seeds:
        measured = {}
        for number, group in enumerate(GROUPS[given.groups]):
            file = weights(number, seed)
            measured |= {name: auc(given.scenes, name, method, file, **parameters) for name in group}
        found.append([measured[name] for name in SCENES])
        row(label, str(seed), found[-1])
    if len(found) > 1:
        row(label, "mean", list(np.mean(found, axis=0)))
        spread = np.std(np.mean(found, axis=1), ddof=1)
        print(f"| {label} | spread over seeds |" + " |" * len(SCENES) + f" {spread:.4f} |", flush=True)


def auc(folder: Path, name: str, method: str, weights: Path | None, **parameters: str) -> float:
    """Return AUC(D,F) of a scene."""
    result = had_cli.detect(folder / f"{name}.mat", method, weights=weights, **parameters)
    if result.evaluation is None:
        sys.exit(f"{folder / name}.mat: carries no truth")
    return result.evaluation.metrics["auc_df"]


def row(label: str, seed: str, values: list[float]) -> None:
    """Print one row, the mean last."""
    print(
        f"| {label} | {seed} |", " | ".join(f"{v:.4f}" for v in [*values, np.mean(values)]), "|", flush=True
    )


if __name__ == "__main__":
    main()
