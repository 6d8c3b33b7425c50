"""The alternative detector: an autoencoder of spectra, trained on the one scene, rebuilds common ones."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from had_cli.plugin import Block, Extrema, GlobalExtrema, Run, full_float32, load_optimisers
from had_fers.spatial import initialise_spatial

WIDTHS = (128, 64, 32)  # channels after each convolution of the encoder
STEPS = 50  # at most, as published
FALL = 0.01  # of the loss in a step; a smaller one ends the training
RATE = 1e-3  # of Adam
PIXELS = 2**16  # to train on: all of a scene of 256 x 256, as many spread over a larger one
CHUNK = 2**14  # pixels at a time


def score(run: Run) -> npt.NDArray[np.float32]:
    """Return the mean squared error of every rebuilt spectrum, rows x cols.

    The cube is scaled to [0, 1] by its extrema. Training ends after 50 steps, or as soon as the loss
    falls by less than a hundredth in a step: what is common is learned by then. No truth is needed.
    """
    known = run.reduce(GlobalExtrema(), "extrema")
    pixels = torch.from_numpy(_scaled(run.sample(PIXELS), known)).to(run.device)
    network = autoencoder(pixels.shape[1], run.seed).to(run.device)
    losses = _train(network, pixels, run)
    run.record(ae_steps=len(losses), ae_loss=losses[-1], ae_pixels=len(pixels))
    return run.map(Error(network.cpu(), known), label="scores")


def autoencoder(bands: int, seed: int) -> nn.Sequential:
    """Return the untrained network on N x bands: the 1x1 convolutions of one pixel are linear maps."""
    widths = (bands, *WIDTHS)
    down = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    up = [nn.Linear(b, a) for a, b in itertools.pairwise(widths)][::-1]
    network = nn.Sequential(nn.Sigmoid(), *down, nn.Tanh(), *up, nn.Sigmoid())
    initialise_spatial(network, torch.Generator().manual_seed(seed))
    return network


@dataclass(frozen=True)
class Error:
    """Block map to the mean squared error of the rebuilt spectra."""

    network: nn.Sequential
    known: Extrema
    _ready: dict[str, nn.Sequential] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the rest on use."""
        return {**self.__dict__, "_ready": {}}

    def __call__(self, block: Block) -> Any:
        """Return core height x core width errors."""
        with torch.inference_mode(), full_float32():
            cube = torch.as_tensor(block.core_of(block.cube))
            device = str(cube.device)
            if device not in self._ready:
                self._ready[device] = copy.deepcopy(self.network).to(device)
            pixels = cube.reshape(-1, cube.shape[-1])
            errors = [
                _errors(self._ready[device], _scaled(part, self.known)) for part in torch.split(pixels, CHUNK)
            ]
            result = torch.cat(errors).reshape(cube.shape[:2])
        return result.numpy() if isinstance(block.cube, np.ndarray) else result


def _train(network: nn.Sequential, pixels: Tensor, run: Run) -> list[float]:
    load_optimisers()  # or torch leaves a folder for its compiler behind
    adam = torch.optim.Adam(network.parameters(), lr=RATE)
    losses: list[float] = []
    parts = torch.split(pixels, CHUNK)
    with full_float32():
        for step in range(STEPS):
            adam.zero_grad()
            total = 0.0
            for part in parts:  # gradients add up to those of all pixels at once
                loss = _errors(network, part).sum() / len(pixels)
                loss.backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach())
            adam.step()
            losses.append(total)
            run.progress("autoencoder", (step + 1) / STEPS)
            if step and losses[-2] - losses[-1] < FALL * losses[-2]:
                break
    run.progress("autoencoder", 1.0)
    return losses


def _errors(network: nn.Sequential, pixels: Tensor) -> Tensor:
    rebuilt: Tensor = network(pixels)
    return (rebuilt - pixels).square().mean(1)


def _scaled(values: Any, known: Extrema) -> Any:
    return (values - known.low) / (known.high - known.low + 1e-8)
