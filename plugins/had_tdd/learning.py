"""The state of a training: the network, its running mean, two optimiser rates, one step."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from had_cli.plugin import HadError
from had_tdd.loss import supervised_loss
from had_tdd.network import Tdd, layout

BACKGROUND_LOGIT = -2.0  # what an untrained output says of a pixel: most are no anomalies


@dataclass(frozen=True)
class Rates:
    """How the network is optimised.

    Attributes
    ----------
    encoder, decoder : learning rates of Adam
    decay : weight decay
    clip : greatest norm of the gradient
    warm_up : steps in which the rates rise from zero
    steps : of the whole training
    cosine : whether the rates then fall to zero along a cosine
    average : decay of the running mean of the network, 0 for none
    """

    encoder: float
    decoder: float
    decay: float
    clip: float
    warm_up: int
    steps: int
    cosine: bool
    average: float

    def factor(self, step: int) -> float:
        """Return what the rates are multiplied by in a step, the first being 0."""
        rising = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        falling = (1 + math.cos(math.pi * step / max(1, self.steps))) / 2 if self.cosine else 1.0
        return rising * falling


class Learning:
    """A network in training.

    Attributes
    ----------
    network : as trained
    averaged : its running mean, or the network itself
    """

    def __init__(self, network: Tdd, rates: Rates, device: str) -> None:
        self.rates, self.device, self.step = rates, device, 0
        self.network: Tdd = network.to(device, memory_format=layout(network))  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval() if rates.average else self.network
        self.renew()

    def renew(self) -> None:
        """Begin with an optimiser that remembers nothing, as the released system does in every epoch."""
        encoder = list(self.network.encoder.parameters())
        known = set(encoder)
        others = [parameter for parameter in self.network.parameters() if parameter not in known]
        parts = ((encoder, self.rates.encoder), (others, self.rates.decoder))
        groups = [{"params": parameters, "lr": rate} for parameters, rate in parts]
        self.adam = torch.optim.Adam(groups, weight_decay=self.rates.decay)

    def learn(self, seen: Tensor, wanted: Tensor) -> float:
        """Take one step on n x channels x size x size and n x 1 x size x size; return the loss.

        Raises
        ------
        HadError
            When the loss is not finite.
        """
        factor = self.rates.factor(self.step)
        for group, rate in zip(self.adam.param_groups, (self.rates.encoder, self.rates.decoder), strict=True):
            group["lr"] = rate * factor
        self.network.train()
        self.adam.zero_grad()
        loss = supervised_loss(self.network(self._there(seen)), wanted.to(self.device))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise HadError(
                f"training of tdd diverged in step {self.step + 1} (the loss is {value}); try lower "
                "--encoder-rate and --decoder-rate"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.rates.clip)
        self.adam.step()
        self.step += 1
        self._average()
        return value

    def loss(self, samples: Sequence[tuple[Tensor, Tensor]]) -> float:
        """Return the mean loss of the averaged network, in inference mode, on samples not learned from."""
        network = self.averaged.eval()
        with torch.inference_mode():
            losses = [
                supervised_loss(network(self._there(seen[None])), wanted[None].to(self.device))
                for seen, wanted in samples
            ]
        return float(torch.stack(losses).mean())

    def _average(self) -> None:
        if not self.rates.average:
            return
        # a young mean forgets faster, or it would remember the random start for long
        keep = min(self.rates.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            now = self.network.state_dict()
            for name, mean in self.averaged.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(now[name], 1 - keep)
                else:
                    mean.copy_(now[name])

    def _there(self, seen: Tensor) -> Tensor:
        return seen.to(self.device).contiguous(memory_format=layout(self.network))


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
