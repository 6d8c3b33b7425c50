"""Training FERS: FERD's network first, unless it is given, then the student."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from had_cli.plugin import TrainingJob, Weights, reproducible
from had_ferd.checkpoint import FILE, refuse_existing_state
from had_ferd.patches import fingerprint, regions
from had_ferd.weights import from_weights
from had_fers.backbone import load_backbone
from had_fers.student import Student
from had_fers.teacher import digest, trained_teacher
from had_fers.weights import to_weights


def train(job: TrainingJob, params: Any) -> Weights:
    """Return the weights of both networks, the student's of the epoch with the least held-out loss.

    Truths are not looked at, those of the training scenes neither (as in :func:`had_ferd.trainer.train`).
    """
    if job.checkpoint is not None and not job.resume:
        refuse_existing_state(job.checkpoint)
    job = dataclasses.replace(job, warn=_once(job.warn))
    network, backbone = load_backbone(params.backbone, job.seed)  # before hours of training, for it may fail
    weights = trained_teacher(job, params)
    teacher, grid = from_weights(weights)
    whole = regions(job, grid)
    free = {"epochs", "teacher", "teacher_epochs", "teacher_backbone"}
    identity = {
        "parameters": {name: value for name, value in vars(params).items() if name not in free},
        "seed": job.seed,
        "backbone": backbone,
        "teacher": digest(weights),
        "scenes": fingerprint(whole),
    }
    # with the teacher trained here, the state may be one of before the student's first epoch
    begun = params.teacher is not None or (job.checkpoint is not None and (job.checkpoint / FILE).exists())
    with reproducible():
        student = Student(job, params, teacher, network, whole, identity)
        if job.resume and begun:
            student.resume()
        student.run()
        finished = student.finished()
    return to_weights(
        weights,
        finished,
        backbone=backbone,
        backbone_statistics=params.backbone_statistics,
        selection="least loss on held-out patches" if student.held is not None else "last epoch",
        metrics=student.metrics(),
        epochs_trained=student.epoch,
    )


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return ``warn`` for lines not told before: both stages look at the same scenes."""
    told: set[str] = set()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            warn(line)

    return tell
