"""How the network is optimised, and what it begins from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from had_tdd.network import Tdd

BACKGROUND_LOGIT = -2.0  # what an untrained output says of a pixel: most are no anomalies


def adam(network: Tdd, encoder_rate: float, decoder_rate: float, decay: float) -> torch.optim.Adam:
    """Return an optimiser that remembers nothing, with one rate for the encoder and one for the rest."""
    encoder = list(network.encoder.parameters())
    known = set(encoder)
    others = [parameter for parameter in network.parameters() if parameter not in known]
    groups = [{"params": encoder, "lr": encoder_rate}, {"params": others, "lr": decoder_rate}]
    return torch.optim.Adam(groups, weight_decay=decay)


def rising_and_falling(warm_up: int, steps: int, *, cosine: bool) -> Callable[[int], float]:
    """Return what the rates are multiplied by in a step, the first being 0.

    They rise from zero in ``warm_up`` steps, and then fall to zero along a cosine until ``steps``, or stay.
    """

    def factor(step: int) -> float:
        rising = min(1.0, (step + 1) / warm_up) if warm_up else 1.0
        falling = (1 + math.cos(math.pi * step / max(1, steps))) / 2 if cosine else 1.0
        return rising * falling

    return factor


def initialise(network: Tdd, seed: int) -> None:
    """Draw the parameters by a seed: He et al. 2015, but outputs that begin near "no anomaly"."""
    random = torch.Generator().manual_seed(seed)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=random)
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]
        elif isinstance(part, nn.MultiheadAttention):
            nn.init.xavier_uniform_(part.in_proj_weight, generator=random)
            nn.init.kaiming_normal_(part.out_proj.weight, nonlinearity="linear", generator=random)
            nn.init.zeros_(part.in_proj_bias)
            nn.init.zeros_(part.out_proj.bias)
    *cells, last = network.decoder
    outputs: list[Any] = [*(cell.conv3 for cell in cells), last.conv2]
    for output in outputs:
        nn.init.normal_(output.weight, std=0.01, generator=random)
        nn.init.constant_(output.bias, BACKGROUND_LOGIT)
