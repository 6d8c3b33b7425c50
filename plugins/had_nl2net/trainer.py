"""``had train -m nl2net``, and the training that ``had detect`` does by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from had_cli.plugin import Scene, TrainingJob, UsageError, Weights, is_out_of_memory, scene_hash, scene_runs
from had_nl2net.checkpoint import Checkpoint
from had_nl2net.learning import Training, learn
from had_nl2net.losslog import loss_log
from had_nl2net.network import NL2Net
from had_nl2net.precision import resolve_precision
from had_nl2net.scaling import Scaling, scene_scaling
from had_nl2net.settings import Settings
from had_nl2net.views import views_of
from had_nl2net.weights import tensors_of

LABEL = "training"
SMALLEST_TILE = 64
Told = Callable[[int, float], None]


@dataclass(frozen=True)
class Trained:
    """What comes of a training.

    Attributes
    ----------
    network : on the device it was trained on
    settings : as asked for; the tiles may have become smaller
    losses : of every epoch
    """

    network: NL2Net
    settings: Settings
    losses: list[float]

    def describe(self) -> dict[str, Any]:
        """Return the network and its training as JSON values."""
        return {**asdict(self.settings), "epochs_done": len(self.losses), "final_loss": self.losses[-1]}


def train(job: TrainingJob, params: Any) -> Weights:
    """Return weights trained on the one scene of ``job``.

    Raises
    ------
    UsageError
        When there are several scenes.
    """
    if len(job.scenes) > 1:
        raise UsageError(
            "nl2net learns the background of the scene it detects in: train on one scene at a time"
        )
    (scene,), settings = job.scenes, Settings.of(params)
    bands = scene.shape[2]
    (scaling,) = (scene_scaling(run) for _, run in scene_runs(job))
    checkpoint = None
    if job.checkpoint is not None:
        checkpoint = Checkpoint.of(
            job.checkpoint,
            params.checkpoint_every,
            settings,
            seed=job.seed,
            scene=scene_hash(scene),
            precision=resolve_precision(params.precision, job.device),
        )
    trained = train_network(
        scene,
        scaling,
        settings,
        precision=params.precision,
        seed=job.seed,
        device=job.device,
        checkpoint=checkpoint,
        resume=job.resume,
        log_file=params.log_file,
        told=lambda done, loss: job.progress(LABEL, done / settings.epochs, loss=loss),
        warn=job.warn,
    )
    wavelengths = scene.wavelengths
    header = {
        "network": {**trained.describe(), "bands": bands},
        "bands": bands,
        "wavelengths": None if wavelengths is None else wavelengths.tolist(),
        "normalisation": {"low": scaling.low, "high": scaling.high},
    }
    return Weights(method="nl2net", tensors=tensors_of(trained.network), header=header)


def train_network(
    scene: Scene,
    scaling: Scaling,
    settings: Settings,
    *,
    precision: str,
    seed: int,
    device: str,
    log_file: Path | None,
    told: Told,
    warn: Callable[[str], None],
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
) -> Trained:
    """Return a network trained on ``scene``.

    Where the memory of a device runs out, the training begins again with tiles of half the side, and
    at last on the CPU, with a warning.

    Parameters
    ----------
    told
        Called with the number of epochs done and the last loss.
    """
    while True:
        try:
            return _train(
                scene,
                scaling,
                settings,
                precision=resolve_precision(precision, device),
                seed=seed,
                device=device,
                checkpoint=checkpoint,
                resume=resume,
                log_file=log_file,
                told=told,
            )
        except Exception as error:
            if device == "cpu" or not is_out_of_memory(error):
                raise
        side = min(settings.tile_size, max(scene.shape[:2])) // 2
        if side >= SMALLEST_TILE:
            settings = replace(settings, tile_size=side)
            warn(f"{device} ran out of memory: training again on crops of {side} x {side} pixels")
        else:
            warn(f"{device} ran out of memory even for a small crop: training again on the CPU")
            device = "cpu"
        if log_file is not None:
            log_file.unlink(missing_ok=True)


def _train(
    scene: Scene,
    scaling: Scaling,
    settings: Settings,
    *,
    precision: torch.dtype,
    seed: int,
    device: str,
    checkpoint: Checkpoint | None,
    resume: bool,
    log_file: Path | None,
    told: Told,
) -> Trained:
    training = Training.begin(scaling, settings, seed=seed, device=device)
    if checkpoint is not None and resume:
        checkpoint.load(training)
    log = loss_log(log_file, past=training.losses)

    def after(training: Training) -> None:
        done, loss = len(training.losses), training.losses[-1]
        log(loss)
        told(done, loss)
        if checkpoint is not None and (done % checkpoint.every == 0 or done == settings.epochs):
            checkpoint.save(training)

    views = views_of(scene, scaling, settings, seed=seed, device=device)
    learn(training, views, settings, precision=precision, after=after)
    return Trained(training.network, settings, training.losses)
