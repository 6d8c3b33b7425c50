"""Training the student, and the choice of an epoch without any truth."""

from __future__ import annotations

import math
from typing import Any, Self

import torch
from torch import Tensor, nn

from had_cli.plugin import BandGrid, TrainingJob, TrainingLoop, TrainingPlan, reproducible
from had_ferd.enhancement import autocast, fused
from had_ferd.fen import Fen
from had_ferd.patches import Patches
from had_ferd.trainer import ADVICE, BETAS
from had_fers.losses import complementarity, losses
from had_fers.restoration import Restoration
from had_fers.spatial import SpatialNetwork, initialise_spatial

FREE = {"epochs", "teacher", "teacher_epochs", "teacher_backbone"}  # the teacher's tensors stand for these


class Graph(nn.Module):
    """What is trained: the spatial network, and the restoration, which only the loss uses.

    Parameters
    ----------
    backbone
        The frozen ResNet.
    update
        Whether its batch norm is in training mode: it normalises by the batch then, and its running
        statistics move to the patches.
    """

    def __init__(self, bands: int, backbone: nn.Sequential, *, update: bool, seed: int) -> None:
        super().__init__()
        self.update = update
        self.spatial, self.restoration = SpatialNetwork(bands), Restoration(bands)
        self.spatial.get_features.load_state_dict(backbone.state_dict())
        generator = torch.Generator().manual_seed(seed)
        initialise_spatial(self.spatial, generator)
        initialise_spatial(self.restoration, generator)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all, the backbone's to training only where its statistics move."""
        super().train(mode)
        self.spatial.get_features.train(mode and self.update)
        return self


class Student:
    """The second stage.

    Parameters
    ----------
    teacher
        FERD's network. Its feature of a patch is what the student's is to complement.
    """

    def __init__(
        self, teacher: Fen, backbone: nn.Sequential, patches: Patches, params: Any, seed: int
    ) -> None:
        self.params, self.patches = params, patches
        update = params.backbone_statistics == "update"
        self.network = Graph(teacher.bands, backbone, update=update, seed=seed)
        self.teacher = fused(teacher).requires_grad_(False)
        self.teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def train(self, job: TrainingJob, grid: BandGrid, identity: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Train; return how many epochs, and what held-out patches say. The network is the best epoch's."""
        loop = TrainingLoop(job, self.plan(grid, identity))
        before = self.complementarity()
        loop.run()
        self.network.load_state_dict(loop.best, strict=False)
        return loop.epoch, {
            "epoch": loop.best_epoch,
            "held_out_loss": loop.best_loss if math.isfinite(loop.best_loss) else None,
            "complementarity": {"before": before, "after": self.complementarity()},
        }

    def plan(self, grid: BandGrid, identity: dict[str, Any]) -> TrainingPlan:
        """Return the training: Adam on the loss of both features, by random patches."""
        params = self.params
        frozen = {name for name, p in self.network.named_parameters() if not p.requires_grad}
        trained = [p for p in self.network.parameters() if p.requires_grad]
        return TrainingPlan(
            method="fers",
            network=self.network,
            optimiser=lambda: torch.optim.Adam(trained, lr=params.learning_rate, betas=BETAS),
            batches=self.patches.batches,
            loss=self.terms,
            epochs=params.epochs,
            steps=self.patches.steps,
            parameters={name: value for name, value in vars(params).items() if name not in FREE},
            grid=grid,
            identity=identity,
            frozen=(self.teacher,),
            validate=self.patches.validated(lambda _, x: held_out_loss(self, x)),
            patience=params.patience,
            kept=lambda name: name.startswith("spatial.") and name not in frozen,
            separable=False,  # batch norm, and covariances over the batch
            stream=2,
            label="student",
            advice=ADVICE,
        )

    def terms(self, x: Tensor) -> dict[str, Tensor]:
        """Return the loss of N x bands x H x W patches and its terms."""
        x = x.contiguous(memory_format=torch.channels_last)
        with autocast(x.device.type, self.params.precision):
            with torch.no_grad():
                spectral = self.teacher(x)
            spatial = self.network.spatial(x)
            restored = self.network.restoration(spectral + spatial)
        found = losses(x, spectral.float(), spatial.float(), restored.float())
        return {"loss": found.total, **found._asdict()}

    def complementarity(self) -> dict[str, float] | None:
        """Return how alike both features of held-out patches are."""
        if self.patches.held is None:
            return None
        self.network.eval()
        x = self.patches.held.to(next(self.network.parameters()).device)
        with torch.no_grad(), reproducible():
            return complementarity(self.teacher(x), self.network.spatial(x))


def held_out_loss(student: Student, x: Tensor) -> float:
    """Return the loss of patches: the spatial network as it will be used, the restoration on a batch."""
    student.network.spatial.eval()
    return float(student.terms(x)["loss"])
