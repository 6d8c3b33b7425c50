"""What is trained: the untrained network, its optimiser, and its loss."""

from __future__ import annotations

import torch

from had_nl2net.network import NL2Net
from had_nl2net.scaling import Input
from had_nl2net.settings import Settings
from had_nl2net.views import View

BETAS = (0.5, 0.999)


def untrained(scaling: Input, settings: Settings, seed: int) -> NL2Net:
    """Return a network of PyTorch's initial weights, drawn by ``seed``, channels last.

    Unless the settings say otherwise, the bias of its last layer is the mean spectrum of the
    scene. Adam moves a bias by no more than its rate in a step, so that thousands of steps, or
    changes in all other weights, would be needed to bring it there.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = NL2Net(scaling.channels, settings.factor, settings.channels, settings.blocks)
    if settings.start == "mean":
        network.start_from(torch.from_numpy(scaling.scaled(scaling.mean)))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def adam(network: NL2Net, settings: Settings) -> torch.optim.Adam:
    """Return the optimiser of the definition: Adam with L2 weight decay."""
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate,
        betas=BETAS,
        weight_decay=settings.weight_decay,
    )


def rebuilt(network: NL2Net, shown: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    """Return the background of 1 x bands x rows x cols ``shown`` in float32."""
    with torch.autocast(shown.device.type, precision, enabled=precision != torch.float32):
        background: torch.Tensor = network(shown)
    return background.float()


def loss(background: torch.Tensor, view: View, kind: str) -> torch.Tensor:
    """Return the mean over all elements of valid pixels: of |difference| (l1), or of its square (l2)."""
    difference = (background - view.shown)[..., : view.rows, : view.cols]
    values = difference.abs() if kind == "l1" else difference.square()
    if view.valid is None:
        return values.mean()
    return (values * view.valid).sum() / (view.valid.sum() * values.shape[1])
