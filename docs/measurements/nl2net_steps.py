"""Measure NL2Net after several numbers of steps of one training, on every scene, and print a table.

    python docs/measurements/nl2net_steps.py SCENES [--steps 25,50,100,150] [--seed 1] [--only NAME,...]
        [NAME=VALUE...]

SCENES is a folder with the eight .mat files of leave_out.py; NAME=VALUE are parameters of nl2net. The
seconds are those that the processor took for training and rebuilding, in one thread. Truths serve the AUC
printed, and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from leave_out import SCENES

import had_cli
from had_cli.detection.parameters import check_params
from had_cli.engine.executor import Executor
from had_cli.plugin import TrainingJob, TrainingLoop, host
from had_cli.scenes.constant import without_constant
from had_nl2net.learning import rebuilt
from had_nl2net.precision import resolve_precision
from had_nl2net.scaling import scene_input
from had_nl2net.settings import Settings
from had_nl2net.trainer import Training, plan_of


def main() -> None:
    """Train on each scene once, and score it on the way."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--steps", default="25,50,100,150")
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--only", default=",".join(SCENES))
    parser.add_argument("parameters", nargs="*")
    given = parser.parse_args()
    torch.set_num_threads(1)
    steps = [int(step) for step in given.steps.split(",")]
    chosen: dict[str, Any] = dict(pair.split("=", 1) for pair in given.parameters)
    params = check_params(host.method("nl2net"), {**chosen, "epochs": steps[-1]}, training=True)
    settings = Settings(**{f.name: params[f.name] for f in dataclasses.fields(Settings)})
    print("| scene |", " | ".join(f"{step} steps | s" for step in steps), "|")
    print("|---|" + "---|---|" * len(steps))
    names, found = given.only.split(","), []
    for name in names:
        found.append(scene_row(given.scenes / f"{name}.mat", settings, steps, given.seed))
        print(f"| {name} |", " | ".join(f"{auc:.4f} | {s:.0f}" for auc, s in found[-1]), "|", flush=True)
    means = np.mean(found, axis=0)
    print(f"| mean of {len(names)} |", " | ".join(f"{auc:.4f} | {s:.0f}" for auc, s in means), "|")


def scene_row(path: Path, settings: Settings, steps: list[int], seed: int) -> list[tuple[float, float]]:
    """Return the AUC after each number of steps, and the seconds until then."""
    (scene,), _ = without_constant([had_cli.open_scene(path)])
    truth = scene.truth
    assert truth is not None  # noqa: S101 - all of them have one
    begin, found = time.process_time(), list[tuple[float, float]]()
    with Executor(scene) as run:
        scaling = scene_input(run, settings)
    job = TrainingJob(
        scenes=[scene],
        device="cpu",
        seed=seed,
        output=Path(),
        checkpoint=None,
        resume=False,
        progress=lambda *_, **__: None,
        warn=print,
    )
    training = Training(job, scaling, settings, "auto")
    view, precision = training._view(0), resolve_precision("auto", "cpu")

    def measure(loop: TrainingLoop) -> None:
        if loop.epoch in steps:
            with torch.no_grad():
                left = view.shown - rebuilt(training.network, view.shown, precision)
            scores = left.square().mean(dim=1)[0, : view.rows, : view.cols].numpy()
            found.append((had_cli.evaluate(scores, truth).auc, time.process_time() - begin))

    TrainingLoop(job, plan_of(training.network, training._view, settings, "auto")).run(measure)
    return found


if __name__ == "__main__":
    main()
