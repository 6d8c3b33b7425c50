"""Training FERD: the loop, and the choice of an epoch without any truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.plugin import BandGrid, HadError, TrainingJob, Weights, full_float32, reproducible
from had_ferd.backbone import load_backbone
from had_ferd.checkpoint import load_state, refuse_existing_state, save_state
from had_ferd.distillation import Losses, ReverseDistillation
from had_ferd.enhancement import autocast
from had_ferd.fen import Fen
from had_ferd.patches import SIDE, Region, batch, fingerprint, fixed_patches, hold_out, regions
from had_ferd.weights import to_weights

BETAS = (0.5, 0.999)


def train(job: TrainingJob, params: Any) -> Weights:
    """Return the weights of the epoch with the least loss on patches that were held out.

    Truths are not looked at, those of the training scenes neither. The loss on background never
    trained on says how well the student follows the teacher there, which is what training is for; it
    needs no labels, where the released trainer chooses by the AUC on its labelled test scenes.
    """
    if job.checkpoint is not None and not job.resume:
        refuse_existing_state(job.checkpoint)
    grid = BandGrid.of(job.scenes[0]) if params.network_bands is None else BandGrid(params.network_bands)
    encoder, backbone = load_backbone(params.backbone, job.seed)
    whole = regions(job, grid)
    with reproducible():
        training = Training(job, params, ReverseDistillation(grid.bands, encoder), whole, backbone)
        if job.resume:
            training.resume()
        training.run()
    return to_weights(
        training.fen(),
        grid,
        backbone=backbone,
        selection="least loss on held-out patches" if training.held is not None else "last epoch",
        metrics={
            "epoch": training.best_epoch,
            "held_out_loss": training.best_loss if math.isfinite(training.best_loss) else None,
        },
        epochs_trained=training.epoch,
    )


class Training:
    """One training: the network, its optimiser, and the best epoch so far."""

    def __init__(
        self,
        job: TrainingJob,
        params: Any,
        network: ReverseDistillation,
        whole: list[Region],
        backbone: dict[str, Any],
    ) -> None:
        self.job, self.params = job, params
        self.regions, held = hold_out(whole, job.seed)
        network.initialise(torch.Generator().manual_seed(job.seed))
        self.network: ReverseDistillation = network.to(job.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        trained = [p for p in network.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(trained, lr=params.learning_rate, betas=BETAS)
        self.held = fixed_patches(held, params.batch_size)
        if self.held is None:
            job.warn(
                "the scenes are too few and too small to hold patches out: the last epoch is kept, whatever "
                "its loss; give four scenes or more, or one of 96 rows"
            )
        area = sum(region.area for region in self.regions)
        self.steps = max(1, math.ceil((params.patches or area / SIDE**2) / params.batch_size))
        self.epoch, self.best_epoch, self.best_loss = 0, 0, math.inf
        self.best = self._surviving()
        chosen = {name: value for name, value in vars(params).items() if name != "epochs"}
        self.identity = {
            "parameters": chosen,
            "seed": job.seed,
            "backbone": backbone,
            "scenes": fingerprint(whole),
        }

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
                save_state(self.job.checkpoint, self.network, self.adam, self.best, facts)

    def resume(self) -> None:
        """Go back to the end of the last epoch that was saved."""
        assert self.job.checkpoint is not None  # noqa: S101 - had train asks for it with --resume
        self.best, facts = load_state(self.job.checkpoint, self.network, self.adam, self.identity)
        self.epoch, self.best_epoch = facts["epoch"], facts["best_epoch"]
        self.best_loss = facts["best_loss"]

    def fen(self) -> Fen:
        """Return the network of the best epoch."""
        fen = self.network.fen()
        fen.load_state_dict(self.best, strict=False)
        return fen

    def _exhausted(self) -> bool:
        return self.held is not None and self.epoch - self.best_epoch >= self.params.patience

    def _train_epoch(self) -> None:
        # drawn from seed and epoch alone, so that a resumed training draws what an uninterrupted one would
        random = np.random.default_rng([self.job.seed, 0, self.epoch])
        for step in range(self.steps):
            x = batch(self.regions, self.params.batch_size, random, augment=self.params.augment)
            self.adam.zero_grad()
            losses = self._losses(x)
            total = float(losses.total.detach())
            if not math.isfinite(total):
                raise HadError(
                    f"training of ferd diverged in epoch {self.epoch + 1} (the loss is {total}); try a lower "
                    "--learning-rate, or --precision float32"
                )
            losses.total.backward()  # type: ignore[no-untyped-call]
            self.adam.step()
            numbers = {name: float(value.detach()) for name, value in losses._asdict().items()}
            done = self.epoch * self.steps + step + 1
            self.job.progress(
                "epochs",
                done / (self.params.epochs * self.steps),
                epoch=self.epoch + 1,
                loss=total,
                **numbers,
            )

    def _losses(self, x: Tensor) -> Losses:
        x = x.to(self.job.device).contiguous(memory_format=torch.channels_last)
        with full_float32(), autocast(torch.device(self.job.device).type, self.params.precision):
            return self.network.losses(x, self.network(x))

    def _held_out_loss(self, patches: Tensor) -> float:
        # by the statistics of the batch, as in training: after few steps the running ones say nothing yet
        with torch.no_grad(), _untracked(self.network):
            return float(self._losses(patches).total)

    def _surviving(self) -> dict[str, Tensor]:
        """Return a copy of the trained tensors that FEN keeps."""
        state = self.network.state_dict()
        return {
            n: t.detach().cpu().clone(memory_format=torch.contiguous_format)
            for n, t in state.items()
            if n.startswith(("convh.", "pc."))
        }


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
