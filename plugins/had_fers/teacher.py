"""The first stage: FERD's network, trained on the scenes or taken from a file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from had_cli.plugin import (
    TrainingJob,
    UsageError,
    Weights,
    WeightsError,
    find_weights,
    load_weights,
    method_params,
    scene_hash,
)
from had_ferd.backbone import IMAGENET_URL, imagenet_file
from had_ferd.trainer import train as train_ferd

FOLDER, FILE = "teacher", "teacher.safetensors"  # in the folder of the checkpoint: state, and result
SHARED = ("batch_size", "patches", "augment", "network_bands", "precision")  # parameters of both stages
# what saving adds, and what only this module needs
_NOT_KEPT = {"method", "checksum", "versions", "probe", "identity", "warnings"}


def trained_teacher(job: TrainingJob, params: Any) -> Weights:
    """Return FERD's weights: those of ``--teacher``, or trained on the scenes of the job.

    With a checkpoint, finished weights are kept in its folder and taken from there on ``--resume``.

    Raises
    ------
    UsageError
        When options contradict each other.
    WeightsError
        When weights or the state of a training cannot be used.
    """
    if params.teacher is not None:
        return _given(params)
    chosen = {name: getattr(params, name) for name in SHARED}
    chosen |= {"backbone": params.teacher_backbone}
    if params.teacher_epochs is not None:
        chosen["epochs"] = params.teacher_epochs
    if params.teacher_backbone == "imagenet":  # now, for ferd would speak of an option that is called so
        imagenet_file(IMAGENET_URL, option="--teacher-backbone")
    values = SimpleNamespace(**method_params("ferd", chosen, training=True))
    job = dataclasses.replace(job, log_file=_beside(job.log_file), tensorboard=_beside(job.tensorboard))
    if job.checkpoint is None:
        return _known(train_ferd(job, values))
    identity = {
        "parameters": {name: value for name, value in chosen.items() if name != "epochs"},
        "epochs": values.epochs,
        "seed": job.seed,
        "scenes": [scene_hash(scene) for scene in job.scenes],
    }
    return _kept(job, values, identity, job.checkpoint)


def digest(weights: Weights) -> str:
    """Return the sha256 of the tensors that are stored, and of what draws the others."""
    found = hashlib.sha256(json.dumps(weights.header.get("backbone"), sort_keys=True).encode())
    for name, tensor in sorted(weights.tensors.items()):
        found.update(name.encode() + np.ascontiguousarray(tensor).tobytes())
    return found.hexdigest()


def _given(params: Any) -> Weights:
    if params.teacher_epochs is not None:
        raise UsageError("--teacher gives ferd trained already; leave --teacher-epochs out")
    weights = find_weights(params.teacher).load(method="ferd")
    bands = weights.header.get("bands")
    if params.network_bands not in {None, bands}:
        raise UsageError(
            f"--network-bands {params.network_bands}, but {params.teacher} has {bands}; leave the option out"
        )
    weights = _known(weights)
    history = {**weights.header, "file": Path(params.teacher).name, "sha256": weights.hash}
    return dataclasses.replace(weights, header=history)


def _kept(job: TrainingJob, values: Any, identity: dict[str, Any], folder: Path) -> Weights:
    """Train with a checkpoint, or take what an earlier run has trained."""
    path, state = folder / FILE, folder / FOLDER
    if job.resume and path.exists():
        weights = load_weights(path, method="ferd")
        saved = weights.header.get("identity", {})
        differs = sorted(key for key in identity if saved.get(key) != identity[key])
        if differs:
            raise WeightsError(
                f"{path}: is of a training with other {', '.join(differs)}; resume with the same"
            )
        for line in weights.header.get("warnings", ()):
            job.warn(line)
        _remove(state)  # of a process that was killed before it could do so
        return _known(weights)
    if path.exists():
        raise UsageError(
            f"{folder}: holds a training already; give --resume to continue it, or another folder"
        )
    state.mkdir(exist_ok=True)
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        job.warn(line)

    weights = train_ferd(dataclasses.replace(job, checkpoint=state, warn=warn), values)
    header = {**weights.header, "identity": identity, "warnings": warnings}
    weights = dataclasses.replace(weights, header=header)
    weights.save(path)
    _remove(state)
    return _known(weights)


def _remove(state: Path) -> None:
    """Remove the state of the first stage: it takes 1 GB, and nothing needs it any more."""
    if state.exists():
        shutil.rmtree(state)


def _beside(log: Path | None) -> Path | None:
    """Return the name of the log of this stage."""
    return None if log is None else log.with_name(f"{log.stem}-teacher{log.suffix}")


def _known(weights: Weights) -> Weights:
    """Return the weights with what is worth keeping of their header."""
    header = {key: value for key, value in weights.header.items() if key not in _NOT_KEPT}
    return dataclasses.replace(weights, header=header)
