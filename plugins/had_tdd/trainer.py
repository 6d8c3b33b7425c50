"""``had train -m tdd``: epochs over simulated anomalies, and the choice of one without any truth."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from had_cli.plugin import BandGrid, TrainingJob, Weights, reproducible
from had_tdd.backgrounds import Background, backgrounds, hold_out
from had_tdd.checkpoint import load_state, refuse_existing_state, save_state
from had_tdd.learning import Learning, Rates, initialise
from had_tdd.network import Tdd
from had_tdd.normalising import WHITEN, Normalisation
from had_tdd.samples import Samples
from had_tdd.settings import settled
from had_tdd.weights import Model

VALIDATION = 48  # samples of scenes held out, the same in every epoch


def train(job: TrainingJob, params: Any) -> Weights:
    """Return a network trained on anomalies simulated in the scenes of the job (Li et al. 2024).

    Truths are not looked at, those of the training scenes neither. Where scenes are held out of training, the
    epoch is kept whose loss on anomalies simulated in them is least; otherwise the last.
    """
    params = settled(params)
    if job.checkpoint is not None and not job.resume:
        refuse_existing_state(job.checkpoint)
    training = begun(job, params)
    with reproducible():
        if job.resume:
            training.resume()
        training.run()
    return training.weights()


def begun(job: TrainingJob, params: Any) -> Training:
    """Return the training that ``job`` and settled ``params`` ask for, before its first step."""
    grid = BandGrid.of(job.scenes[0]) if params.network_bands is None else BandGrid(params.network_bands)
    kind = params.normalise
    normalisation = Normalisation(kind, params.components if kind == WHITEN else 0)
    return Training(job, params, backgrounds(job, grid, normalisation, params.spare), grid, normalisation)


class Training:
    """One training: scenes, samples, network, and the best epoch so far."""

    def __init__(
        self,
        job: TrainingJob,
        params: Any,
        whole: list[Background],
        grid: BandGrid,
        normalisation: Normalisation,
    ) -> None:
        self.job, self.params, self.grid, self.normalisation = job, params, grid, normalisation
        scenes, held = hold_out(whole, params.hold_out, job.seed)
        self.samples = self._samples(scenes)
        self.places = self.samples.places()
        self.count = params.patches or len(self.places)
        self.steps = max(1, self.count // params.batch_size)
        channels = normalisation.channels(grid.bands)
        network = Tdd(channels, params.width, params.attention, prior=params.prior)
        initialise(network, job.seed)
        rates = Rates(
            encoder=params.encoder_rate,
            decoder=params.decoder_rate,
            decay=params.weight_decay,
            clip=params.clip,
            warm_up=params.warm_up,
            steps=self.steps * params.epochs,
            cosine=params.schedule == "cosine",
            average=params.average,
        )
        self.learning = Learning(network, rates, job.device)
        self.held = self._validation(held)
        self.held_names = [scene.scene.name for scene in held]
        self.epoch, self.best_epoch, self.best_loss = 0, 0, math.inf
        self.losses: list[float] = []
        self.held_losses: list[float] = []
        self.best: dict[str, Tensor] = self._now()
        self.identity = {
            "parameters": vars(params),
            "seed": job.seed,
            "scenes": [scene.fingerprint() for scene in whole],
        }

    def run(self, after: Callable[[Training], None] | None = None) -> None:
        """Train until the epochs are done, and call ``after`` when one is."""
        while self.epoch < self.params.epochs:
            self.losses.append(self._train_epoch())
            self.epoch += 1
            loss = self.learning.loss(self.held) if self.held else None
            if loss is not None:
                self.held_losses.append(loss)
            if loss is None or loss < self.best_loss:
                self.best_epoch, self.best = self.epoch, self._now()
                self.best_loss = math.inf if loss is None else loss
            numbers = {} if loss is None else {"held_out_loss": loss}
            self.job.progress(
                "epochs", self.epoch / self.params.epochs, epoch=self.epoch, loss=self.losses[-1], **numbers
            )
            if self.job.checkpoint is not None:
                save_state(self.job.checkpoint, self.learning, self.best, self._facts())
            if after is not None:
                after(self)

    def resume(self) -> None:
        """Go back to the end of the last epoch that was saved."""
        assert self.job.checkpoint is not None  # noqa: S101 - had train asks for it with --resume
        self.best, facts = load_state(self.job.checkpoint, self.learning, self.identity)
        self.epoch, self.best_epoch = facts["epoch"], facts["best_epoch"]
        self.best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]
        self.losses, self.held_losses = facts["losses"], facts["held_losses"]

    def weights(self) -> Weights:
        """Return the network of the best epoch."""
        network = copy.deepcopy(self.learning.averaged).cpu().eval()
        network.load_state_dict(self.best)
        model = Model(network, self.grid, self.normalisation, self.params.input_size, self.params.patch)
        return model.weights(
            half=self.params.store == "float16",
            selection="least loss on anomalies simulated in held-out scenes" if self.held else "last epoch",
            held_out=self.held_names,
            metrics={
                "epoch": self.best_epoch,
                "losses": self.losses,
                "held_out_losses": self.held_losses,
            },
            settings=vars(self.params),
        )

    def _samples(self, scenes: list[Background]) -> Samples:
        return Samples(
            scenes,
            self.normalisation,
            self.params.simulation,
            self.params.patch,
            self.params.stride,
            (self.params.min_size, self.params.max_size),
            (self.params.min_strength, self.params.max_strength),
            self.params.input_size,
            self.params.augment,
        )

    def _validation(self, held: list[Background]) -> list[tuple[Tensor, Tensor]]:
        if not held:
            return []
        samples = self._samples(held)
        random = np.random.default_rng([self.job.seed, 2])
        places = samples.places()
        return [samples.draw(random, places[random.integers(len(places))]) for _ in range(VALIDATION)]

    def _train_epoch(self) -> float:
        # drawn from seed and epoch alone, so that a resumed training draws what an uninterrupted one would
        random = np.random.default_rng([self.job.seed, 0, self.epoch])
        if self.params.fresh_optimiser:
            self.learning.renew()
        order = np.concatenate(
            [random.permutation(len(self.places)) for _ in range(-(-self.count // len(self.places)))]
        )
        total = 0.0
        for step in range(self.steps):
            chosen = order[step * self.params.batch_size :][: self.params.batch_size]
            pairs = [self.samples.draw(random, self.places[i]) for i in chosen]
            seen, wanted = (torch.stack(list(parts)) for parts in zip(*pairs, strict=True))
            loss = self.learning.learn(seen, wanted)
            total += loss
            done = (self.epoch * self.steps + step + 1) / (self.params.epochs * self.steps)
            self.job.progress("epochs", done, epoch=self.epoch + 1, loss=loss)
        return float(total / self.steps)

    def _now(self) -> dict[str, Tensor]:
        """Return a copy of the network that would be kept."""
        state = self.learning.averaged.state_dict()
        return {n: t.detach().cpu().clone(memory_format=torch.contiguous_format) for n, t in state.items()}

    def _facts(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "step": self.learning.step,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "losses": self.losses,
            "held_losses": self.held_losses,
            "identity": self.identity,
        }
