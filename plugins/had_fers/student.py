"""Training the student: the loop, and the choice of an epoch without any truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.plugin import HadError, TrainingJob, full_float32
from had_ferd.checkpoint import load_state, save_state
from had_ferd.enhancement import autocast, fused
from had_ferd.fen import Fen
from had_ferd.patches import SIDE, Region, batch, fixed_patches, hold_out
from had_fers.losses import Losses, complementarity, losses
from had_fers.restoration import Restoration
from had_fers.spatial import SpatialNetwork, initialise_spatial

BETAS = (0.5, 0.999)
_STATISTICS = "statistics."  # of the frozen backbone's batch norm, among the tensors of a checkpoint


class Student:
    """One training of the spatial network: networks, optimiser, and the best epoch so far.

    Parameters
    ----------
    teacher
        FERD's network. Its feature of a patch is what the student's is to complement.
    backbone
        The frozen ResNet. With ``params.backbone_statistics == "update"`` its batch norm is in training
        mode: it normalises by the batch, and its running statistics move to the patches.
    whole
        The scenes.
    identity
        What makes this training: a state of another one is refused.
    """

    def __init__(
        self,
        job: TrainingJob,
        params: Any,
        teacher: Fen,
        backbone: nn.Sequential,
        whole: list[Region],
        identity: dict[str, Any],
    ) -> None:
        self.job, self.params, self.identity = job, params, identity
        self.regions, held = hold_out(whole, job.seed)
        network = SpatialNetwork(teacher.bands)
        network.get_features.load_state_dict(backbone.state_dict())
        restoration = Restoration(teacher.bands)
        generator = torch.Generator().manual_seed(job.seed)
        initialise_spatial(network, generator)
        initialise_spatial(restoration, generator)
        self.teacher = fused(teacher).requires_grad_(False).to(job.device)
        self.network: SpatialNetwork = network.to(job.device)
        self.restoration: Restoration = restoration.to(job.device)
        for part in (self.teacher, self.network, self.restoration):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        parts = {"initial_conv": self.network.initial_conv, "get_features": self.network.get_features}
        self.trained = nn.ModuleDict({**parts, "spp": self.network.spp, "restoration": self.restoration})
        learnt = [p for p in self.trained.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(learnt, lr=params.learning_rate, betas=BETAS)
        self.held = fixed_patches(held, params.batch_size)
        if self.held is None:  # in the words of ferd, which may have said it before
            job.warn(
                "the scenes are too few and too small to hold patches out: the last epoch is kept, whatever "
                "its loss; give four scenes or more, or one of 96 rows"
            )
        area = sum(region.area for region in self.regions)
        self.steps = max(1, math.ceil((params.patches or area / SIDE**2) / params.batch_size))
        self.epoch, self.best_epoch, self.best_loss = 0, 0, math.inf
        self.best = self._surviving()
        self.before = self._complementarity()

    def run(self) -> None:
        """Train until the epochs are done or patience is lost."""
        while self.epoch < self.params.epochs and not self._exhausted():
            self._train_epoch()
            self.epoch += 1
            loss = None if self.held is None else self._held_out_loss(self.held)
            if loss is None or loss < self.best_loss:
                self.best_epoch, self.best = self.epoch, self._surviving()
                self.best_loss = math.inf if loss is None else loss
            if self.job.checkpoint is not None:
                facts = {
                    "epoch": self.epoch,
                    "best_epoch": self.best_epoch,
                    "best_loss": self.best_loss,
                    "identity": self.identity,
                }
                running = {_STATISTICS + n: t for n, t in self.network.get_features.named_buffers()}
                save_state(self.job.checkpoint, self.trained, self.adam, {**self.best, **running}, facts)

    def resume(self) -> None:
        """Go back to the end of the last epoch that was saved."""
        assert self.job.checkpoint is not None  # noqa: S101 - had train asks for it with --resume
        kept, facts = load_state(self.job.checkpoint, self.trained, self.adam, self.identity)
        for name, tensor in self.network.get_features.named_buffers():
            tensor.copy_(kept.pop(_STATISTICS + name))
        self.best, self.epoch = kept, facts["epoch"]
        self.best_epoch, self.best_loss = facts["best_epoch"], facts["best_loss"]

    def finished(self) -> SpatialNetwork:
        """Return the network of the best epoch, on the CPU."""
        self.network.load_state_dict(self.best, strict=False)
        return self.network.cpu().eval()

    def metrics(self) -> dict[str, Any]:
        """Return what held-out patches say; call it after :meth:`finished`."""
        self.network.to(self.job.device)
        return {
            "epoch": self.best_epoch,
            "held_out_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "complementarity": {"before": self.before, "after": self._complementarity()},
        }

    def _exhausted(self) -> bool:
        return self.held is not None and self.epoch - self.best_epoch >= self.params.patience

    def _train_epoch(self) -> None:
        # drawn from seed and epoch alone, so that a resumed training draws what an uninterrupted one would
        random = np.random.default_rng([self.job.seed, 2, self.epoch])
        self.network.train()
        self.network.get_features.train(self.params.backbone_statistics == "update")
        for step in range(self.steps):
            x = batch(self.regions, self.params.batch_size, random, augment=self.params.augment)
            self.adam.zero_grad()
            found = self._losses(x)
            total = float(found.total.detach())
            if not math.isfinite(total):
                raise HadError(
                    f"training of fers diverged in epoch {self.epoch + 1} (the loss is {total}); try a lower "
                    "--learning-rate, or --precision float32"
                )
            found.total.backward()  # type: ignore[no-untyped-call]
            self.adam.step()
            numbers = {name: float(value.detach()) for name, value in found._asdict().items()}
            done = self.epoch * self.steps + step + 1
            self.job.progress(
                "student",
                done / (self.params.epochs * self.steps),
                epoch=self.epoch + 1,
                loss=total,
                **numbers,
            )

    def _losses(self, x: Tensor) -> Losses:
        x = x.to(self.job.device).contiguous(memory_format=torch.channels_last)
        with full_float32(), autocast(torch.device(self.job.device).type, self.params.precision):
            with torch.no_grad():
                spectral = self.teacher(x)
            spatial = self.network(x)
            restored = self.restoration(spectral + spatial)
        return losses(x, spectral.float(), spatial.float(), restored.float())

    def _held_out_loss(self, patches: Tensor) -> float:
        # the spatial network as it will be used; the restoration only ever runs on batches
        self.network.eval()
        with torch.no_grad():
            return float(self._losses(patches).total)

    def _complementarity(self) -> dict[str, float] | None:
        if self.held is None:
            return None
        self.network.eval()
        x = self.held.to(self.job.device)
        with torch.no_grad(), full_float32():
            return complementarity(self.teacher(x), self.network(x))

    def _surviving(self) -> dict[str, Tensor]:
        """Return a copy of the tensors of the spatial network that training changes."""
        frozen = {name for name, p in self.network.named_parameters() if not p.requires_grad}
        return {
            n: t.detach().cpu().clone(memory_format=torch.contiguous_format)
            for n, t in self.network.state_dict().items()
            if n not in frozen
        }
