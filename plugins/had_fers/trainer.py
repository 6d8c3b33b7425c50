"""Training FERS: FERD's network first, unless it is given, then the student."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from had_cli.plugin import TrainingJob, Weights
from had_ferd.patches import Patches
from had_ferd.weights import from_weights
from had_fers.backbone import load_backbone
from had_fers.student import Student
from had_fers.teacher import digest, trained_teacher
from had_fers.weights import to_weights


def train(job: TrainingJob, params: Any) -> Weights:
    """Return the weights of both networks, the student's of the epoch with the least held-out loss.

    Truths are not looked at, those of the training scenes neither (as in :func:`had_ferd.trainer.train`).
    """
    job = dataclasses.replace(job, warn=_once(job.warn))  # both stages look at the same scenes
    network, backbone = load_backbone(params.backbone, job.seed)  # before hours of training, for it may fail
    weights = trained_teacher(job, params)
    teacher, grid = from_weights(weights)
    patches = Patches(job, grid, params)
    student = Student(teacher, network, patches, params, job.seed)
    identity = {"backbone": backbone, "teacher": digest(weights)}
    epochs_trained, metrics = student.train(job, grid, identity)
    return to_weights(
        weights,
        student.network.spatial.cpu().eval(),
        backbone=backbone,
        backbone_statistics=params.backbone_statistics,
        selection=patches.selection,
        metrics=metrics,
        epochs_trained=epochs_trained,
    )


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return ``warn`` for lines that were not given before."""
    given: set[str] = set()

    def warn_once(line: str) -> None:
        if line not in given:
            given.add(line)
            warn(line)

    return warn_once
