"""``had train -m tdd --recipe maps``: a ranking learned from anomalies put into backgrounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.plugin import (
    Backgrounds,
    Implants,
    Scene,
    TrainingJob,
    TrainingLoop,
    TrainingPlan,
    Weights,
    WeightsError,
    scene_runs,
)
from had_tdd.evidence import evidence
from had_tdd.learning import rising_and_falling
from had_tdd.maps_network import MapsNetwork, ranking_loss
from had_tdd.weights import maps_network, maps_weights

PAIRED = 512  # background pixels of a sample that are compared with its anomalies, drawn anew each time
HELD = 5  # one sample in so many is not learned from
STREAM = 3  # of random numbers


class Sample(NamedTuple):
    """The maps of a background with anomalies, maps x rows x cols, and its truth, rows x cols."""

    maps: Tensor
    truth: Tensor


class Batch(NamedTuple):
    """n samples of one size; what is added to their edges says nothing."""

    maps: Tensor
    truth: Tensor


def train(job: TrainingJob, params: Any) -> Weights:
    """Return a network over maps, trained to rank anomalies put into the scenes of the job.

    The epoch is kept that has the least loss on samples that are not learned from. Truths are not
    looked at, those of the training scenes neither.
    """
    network = beginning(job)
    drawn = samples(job, params.patches)
    held, learned = drawn[::HELD], [sample for n, sample in enumerate(drawn) if n % HELD]
    steps = max(1, len(learned) // params.batch_size)

    def batches(random: np.random.Generator, _epoch: int) -> Iterator[Batch]:
        order = random.permutation(len(learned))
        for step in range(steps):
            chosen = order[step * params.batch_size :][: params.batch_size]
            yield batch([varied(random, learned[i]) for i in chosen])

    plan = TrainingPlan(
        method="tdd",
        network=network,
        optimiser=lambda: torch.optim.Adam(network.parameters(), lr=params.decoder_rate),
        batches=batches,
        loss=lambda b: ranking_loss(network(b.maps), b.truth),
        epochs=params.epochs,
        steps=steps,
        parameters=vars(params),
        validate=lambda trained: held_out_loss(trained, held),
        schedule=rising_and_falling(0, steps * params.epochs, cosine=True),
        advice="try a lower --decoder-rate",
    )
    loop = TrainingLoop(job, plan).run()
    network.load_state_dict(loop.best)
    return maps_weights(
        network.cpu().eval(),
        selection="least ranking loss on anomalies put into backgrounds that were not learned from",
        metrics={
            "epoch": loop.best_epoch,
            "losses": loop.losses(),
            "held_out_losses": loop.losses("held_out_loss"),
        },
        settings=vars(params),
    )


def beginning(job: TrainingJob) -> MapsNetwork:
    """Return the network before training: that of the weights to begin from, or an untrained one.

    Raises
    ------
    WeightsError
        When those weights are of the published kind.
    """
    if job.start is None:
        network = MapsNetwork()
        network.begin(job.seed)
        return network
    given = maps_network(job.start)
    if given is None:
        raise WeightsError(
            f"{job.start.name}: holds a network over tiles; give --recipe dependable to train it on"
        )
    return given.requires_grad_()


def samples(job: TrainingJob, count: int) -> list[Sample]:
    """Return so many samples, each decided by the seed and its number."""
    implants, found = Implants(backgrounds=Backgrounds(job.scenes)), []
    for number in range(count):
        job.progress("putting anomalies in", number / count)
        cube, truth = implants.draw(np.random.default_rng([job.seed, STREAM, number]))
        silent = dataclasses.replace(
            job, scenes=[Scene.from_array(cube)], progress=lambda *_, **__: None, warn=lambda _: None
        )
        (layers,) = (evidence(run) for _, run in scene_runs(silent))
        maps = torch.from_numpy(np.ascontiguousarray(layers.transpose(2, 0, 1)))
        found.append(Sample(maps, torch.from_numpy(truth)))
    return found


def varied(random: np.random.Generator, sample: Sample) -> Sample:
    """Return a sample turned, and with a part of its background pixels only."""
    turns = int(random.integers(4))
    maps, truth = (torch.rot90(part, turns, (-2, -1)) for part in sample)
    if random.random() < 0.5:
        maps, truth = maps.flip(-1), truth.flip(-1)
    labels = truth.flatten().clone()
    background = torch.nonzero(labels == 0).flatten()
    unused = torch.from_numpy(random.permutation(len(background))[PAIRED:])
    labels[background[unused]] = -1
    return Sample(maps, labels.reshape(truth.shape))


def batch(chosen: Sequence[Sample]) -> Batch:
    """Return samples side by side, made equally large."""
    sides = [max(sample.truth.shape[axis] for sample in chosen) for axis in (0, 1)]
    maps = torch.zeros(len(chosen), len(chosen[0].maps), *sides)
    truth = torch.full((len(chosen), *sides), -1, dtype=torch.int8)
    for number, sample in enumerate(chosen):
        rows, cols = sample.truth.shape
        maps[number, :, :rows, :cols] = sample.maps
        truth[number, :rows, :cols] = sample.truth
    return Batch(maps, truth)


def held_out_loss(network: nn.Module, held: Sequence[Sample]) -> float:
    """Return the mean loss of samples, each as it is."""
    device = next(network.parameters()).device
    losses = [
        ranking_loss(network(sample.maps[None].to(device)), sample.truth[None].to(device)) for sample in held
    ]
    return float(torch.stack(losses).mean())
