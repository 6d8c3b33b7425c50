"""``had train -m tdd``: epochs over simulated anomalies, and the choice of one without any truth."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.plugin import BandGrid, TrainingJob, TrainingLoop, TrainingPlan, Weights, hold_out_scenes
from had_tdd import maps_trainer
from had_tdd.backgrounds import Background, backgrounds
from had_tdd.learning import adam, initialise, rising_and_falling
from had_tdd.loss import supervised_loss
from had_tdd.network import Tdd, layout
from had_tdd.normalising import WHITEN, Normalisation
from had_tdd.samples import Samples
from had_tdd.settings import MAPS, settled
from had_tdd.weights import Model, from_weights

VALIDATION = 48  # samples of scenes held out, the same in every epoch
Pair = tuple[Tensor, Tensor]  # what the network sees, and where anomalies are


def train(job: TrainingJob, params: Any) -> Weights:
    """Return a network trained on anomalies simulated in the scenes of the job (Li et al. 2024).

    Truths are not looked at, those of the training scenes neither. Where scenes are held out of training, the
    epoch is kept whose loss on anomalies simulated in them is least; otherwise the last.
    """
    settings = settled(params)
    if settings.recipe == MAPS:
        return maps_trainer.train(job, settings)
    training = Training(job, settings)
    return training.weights(TrainingLoop(job, training.plan()).run())


class Training:
    """What is trained, of a job and settled parameters: scenes, samples and network."""

    def __init__(self, job: TrainingJob, params: Any) -> None:
        start = None if job.start is None else from_weights(job.start)
        self.params = params = params if start is None else as_in_weights(params, start)
        bands = params.network_bands
        self.grid = BandGrid.of(job.scenes[0]) if bands is None else BandGrid(bands)
        if start is not None:
            self.grid = start.grid
        kind = params.normalise
        self.normalisation = Normalisation(kind, params.components if kind == WHITEN else 0)
        scenes = backgrounds(job, self.grid, self.normalisation, params.spare)
        learned, held = hold_out_scenes(scenes, min(params.hold_out, len(scenes) - 1), job.seed)
        self.samples = self._samples(learned)
        self.places = self.samples.places()
        self.count = params.patches or len(self.places)
        self.steps = max(1, self.count // params.batch_size)
        channels = self.normalisation.channels(self.grid.bands)
        self.network = Tdd(channels, params.width, params.attention, prior=params.prior)
        if start is None:
            initialise(self.network, job.seed)
        else:
            self.network.load_state_dict(start.network.state_dict())
        self.network.to(memory_format=layout(self.network))  # type: ignore[call-overload]
        self.held = self._validation(held, job.seed)
        self.held_names = [scene.scene.name for scene in held]

    def plan(self) -> TrainingPlan:
        """Return the training: Adam on the supervised loss, its rates rising and falling."""
        params = self.params
        cosine = params.schedule == "cosine"
        rates = params.encoder_rate, params.decoder_rate, params.weight_decay
        return TrainingPlan(
            method="tdd",
            network=self.network,
            optimiser=lambda: adam(self.network, *rates),
            batches=self.batches,
            loss=lambda pair: loss(self.network, *pair),
            epochs=params.epochs,
            steps=self.steps,
            parameters=vars(params),
            grid=self.grid,
            validate=(lambda network: held_out_loss(network, self.held)) if self.held else None,
            schedule=rising_and_falling(params.warm_up, self.steps * params.epochs, cosine=cosine),
            average=params.average,
            clip=params.clip,
            separable=False,  # batch norm
            fresh_optimiser=params.fresh_optimiser,
            advice="try lower --encoder-rate and --decoder-rate",
        )

    def batches(self, random: np.random.Generator, _epoch: int) -> Iterator[Pair]:
        """Yield the batches of an epoch: every place as often as any other."""
        rounds = -(-self.count // len(self.places))
        order = np.concatenate([random.permutation(len(self.places)) for _ in range(rounds)])
        for step in range(self.steps):
            chosen = order[step * self.params.batch_size :][: self.params.batch_size]
            pairs = [self.samples.draw(random, self.places[i]) for i in chosen]
            seen, wanted = (torch.stack(list(parts)) for parts in zip(*pairs, strict=True))
            yield seen, wanted

    def weights(self, loop: TrainingLoop) -> Weights:
        """Return the network of the best epoch."""
        network = copy.deepcopy(self.network).cpu().eval()
        network.load_state_dict(loop.best)
        model = Model(network, self.grid, self.normalisation, self.params.input_size, self.params.patch)
        return model.weights(
            half=self.params.store == "float16",
            selection="least loss on anomalies simulated in held-out scenes" if self.held else "last epoch",
            held_out=self.held_names,
            metrics={
                "epoch": loop.best_epoch,
                "losses": loop.losses(),
                "held_out_losses": loop.losses("held_out_loss"),
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

    def _validation(self, held: list[Background], seed: int) -> list[Pair]:
        if not held:
            return []
        samples = self._samples(held)
        random = np.random.default_rng([seed, 2])
        places = samples.places()
        return [samples.draw(random, places[random.integers(len(places))]) for _ in range(VALIDATION)]


def as_in_weights(params: Any, start: Model) -> SimpleNamespace:
    """Return the parameters, with the shape of the network and of its input as the weights have them."""
    known = {
        "network_bands": start.grid.bands,
        "normalise": start.normalisation.kind,
        "components": start.normalisation.components,
        "width": start.network.width,
        "attention": start.network.attention,
        "prior": start.network.prior is not None,
        "input_size": start.input_size,
    }
    return SimpleNamespace(**{**vars(params), **known})


def loss(network: Any, seen: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of n x channels x size x size, where n x 1 x size x size is wanted."""
    return supervised_loss(network(seen.contiguous(memory_format=layout(network))), wanted)


def held_out_loss(network: nn.Module, pairs: Sequence[Pair]) -> float:
    """Return the mean loss in inference mode of samples that are not learned from."""
    network.eval()
    device = next(network.parameters()).device
    losses = [loss(network, seen[None].to(device), wanted[None].to(device)) for seen, wanted in pairs]
    return float(torch.stack(losses).mean())
