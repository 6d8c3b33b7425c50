"""``had train -m nl2net``, and the training that ``had detect`` does by itself."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Self

from torch import Tensor

from had_cli.plugin import BandGrid, TrainingJob, TrainingLoop, TrainingPlan, UsageError, Weights, scene_runs
from had_nl2net.learning import adam, loss, rebuilt, untrained
from had_nl2net.network import NL2Net
from had_nl2net.precision import resolve_precision
from had_nl2net.scaling import Input, scene_input
from had_nl2net.settings import Settings
from had_nl2net.views import View, Views, views_of
from had_nl2net.weights import tensors_of

LABEL = "training"
SMALLEST_TILE = 64
FREE = {"epochs", "patience"}  # may differ in a resumed training: more epochs are often why it is resumed


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
    grid = BandGrid.of(job.scenes[0])
    settings = Settings.of(params, job.scenes[0].shape)
    (scaling,) = (scene_input(run, settings) for _, run in scene_runs(job))
    training = Training(job, scaling, settings, params.precision).run(params.checkpoint_every)
    header = {
        **grid.header(),
        "network": {**training.describe(), "bands": grid.bands},
        "normalisation": {"kind": settings.input, **scaling.header()},
    }
    return Weights(method="nl2net", tensors=tensors_of(training.network), header=header)


class Training:
    """A network and the scene it learns.

    Attributes
    ----------
    network : on the device it was trained on
    settings : as asked for; the tiles become smaller where the memory of a device runs out
    losses : of every epoch
    """

    def __init__(self, job: TrainingJob, scaling: Input, settings: Settings, precision: str) -> None:
        self._job, self._scaling, self._precision = job, scaling, precision
        self.settings, self.losses = settings, list[float]()
        self.network = untrained(scaling, settings, job.seed)
        self._views = self._views_of(settings)

    def run(self, checkpoint_every: int = 1) -> Self:
        """Train, one step an epoch."""
        (scene,) = self._job.scenes
        precision = resolve_precision(self._precision, self._job.device)
        plan = replace(
            plan_of(self.network, self._view, self.settings, self._precision),
            grid=BandGrid.of(scene),
            identity={"precision": str(precision)},
            smaller=self._smaller,
            checkpoint_every=checkpoint_every,
        )
        self.losses = TrainingLoop(self._job, plan).run().losses()
        return self

    def describe(self) -> dict[str, Any]:
        """Return the network and its training as JSON values."""
        return {**asdict(self.settings), "epochs_done": len(self.losses), "final_loss": self.losses[-1]}

    def _view(self, epoch: int) -> View:
        return self._views(epoch)

    def _smaller(self) -> str | None:
        """Learn from smaller crops, if they are not too small already."""
        side = min(self.settings.tile_size, max(self._job.scenes[0].shape[:2])) // 2
        if side < SMALLEST_TILE:
            return None
        self.settings = replace(self.settings, tile_size=side)
        self._views = self._views_of(self.settings)
        return f"training on crops of {side} x {side} pixels"

    def _views_of(self, settings: Settings) -> Views:
        job = self._job
        return views_of(job.scenes[0], self._scaling, settings, seed=job.seed, device=job.device)


def plan_of(network: NL2Net, views: Views, settings: Settings, precision: str) -> TrainingPlan:
    """Return the training of a network: each epoch is one step, on the view of that epoch."""

    def view_loss(view: View) -> Tensor:
        kind = resolve_precision(precision, str(view.shown.device))
        return loss(rebuilt(network, view.shown, kind), view, settings.loss)

    return TrainingPlan(
        method="nl2net",
        network=network,
        optimiser=lambda: adam(network, settings),
        batches=lambda _, epoch: [views(epoch)],
        loss=view_loss,
        epochs=settings.epochs,
        parameters={name: value for name, value in asdict(settings).items() if name not in FREE},
        plateau=settings.patience,
        label=LABEL,
        advice=f"lower --learning-rate (now {settings.learning_rate:g})",
    )
