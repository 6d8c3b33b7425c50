"""Training FERD, and the choice of an epoch without any truth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from had_cli.plugin import BandGrid, TrainingJob, TrainingLoop, TrainingPlan, Weights
from had_ferd.backbone import load_backbone
from had_ferd.distillation import ReverseDistillation
from had_ferd.enhancement import autocast
from had_ferd.fen import Fen
from had_ferd.patches import Patches
from had_ferd.scoring import TRAINED
from had_ferd.weights import to_weights

BETAS = (0.5, 0.999)
SURVIVING = ("convh.", "pc.")  # how the trained tensors are named that FEN keeps
ADVICE = "try a lower --learning-rate, or --precision float32"


def train(job: TrainingJob, params: Any) -> Weights:
    """Return the weights of the epoch with the least loss on patches that were held out.

    Truths are not looked at, those of the training scenes neither. The loss on background never
    trained on says how well the student follows the teacher there, which is what training is for; it
    needs no labels, where the released trainer chooses by the AUC on its labelled test scenes.
    """
    grid = BandGrid.of(job.scenes[0]) if params.network_bands is None else BandGrid(params.network_bands)
    encoder, backbone = load_backbone(params.backbone, job.seed)
    network = ReverseDistillation(grid.bands, encoder)
    network.initialise(torch.Generator().manual_seed(job.seed))
    patches = Patches(job, grid, params)
    loop = TrainingLoop(job, plan_of(network, patches, grid, params, backbone)).run()
    return to_weights(
        surviving(network, loop.best),
        grid,
        backbone=backbone,
        scoring=TRAINED,
        selection=patches.selection,
        metrics={
            "epoch": loop.best_epoch,
            "held_out_loss": loop.best_loss if math.isfinite(loop.best_loss) else None,
        },
        epochs_trained=loop.epoch,
    )


def plan_of(
    network: ReverseDistillation, patches: Patches, grid: BandGrid, params: Any, backbone: Mapping[str, Any]
) -> TrainingPlan:
    """Return the training of a network: Adam on the loss of its graph, by random patches."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained = [p for p in network.parameters() if p.requires_grad]
    return TrainingPlan(
        method="ferd",
        network=network,
        optimiser=lambda: torch.optim.Adam(trained, lr=params.learning_rate, betas=BETAS),
        batches=patches.batches,
        loss=partial(terms, network, params.precision),
        epochs=params.epochs,
        steps=patches.steps,
        parameters={name: value for name, value in vars(params).items() if name != "epochs"},
        grid=grid,
        identity={"backbone": dict(backbone)},
        validate=patches.validated(lambda _, x: held_out_loss(network, params.precision, x)),
        patience=params.patience,
        kept=lambda name: name.startswith(SURVIVING),
        separable=False,  # batch norm
        advice=ADVICE,
    )


def terms(network: ReverseDistillation, precision: str, x: Tensor) -> dict[str, Tensor]:
    """Return the loss of N x bands x H x W patches and its terms."""
    x = x.contiguous(memory_format=torch.channels_last)
    with autocast(x.device.type, precision):
        found = network.losses(x, network(x))
    return {"loss": found.total, **found._asdict()}


def held_out_loss(network: ReverseDistillation, precision: str, x: Tensor) -> float:
    """Return the loss of patches, by the statistics of their batch as in training.

    After few steps the running ones say nothing yet; they stay as they are.
    """
    with torch.no_grad(), _untracked(network):
        return float(terms(network, precision, x)["loss"])


def surviving(network: ReverseDistillation, tensors: Mapping[str, Tensor]) -> Fen:
    """Return the part that is used after training, with these trained tensors."""
    fen = network.fen()
    fen.load_state_dict(dict(tensors), strict=False)
    return fen


@contextmanager
def _untracked(network: nn.Module) -> Iterator[None]:
    """Keep batch norm from updating its running statistics."""
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d) and part.training]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
