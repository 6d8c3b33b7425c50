"""The training: one step per epoch, until the epochs or the patience are over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from had_cli.plugin import HadError, reproducible
from had_nl2net.network import NL2Net
from had_nl2net.scaling import Scaling
from had_nl2net.settings import Settings
from had_nl2net.views import View, Views

BETAS = (0.5, 0.999)
WINDOW = 10  # losses of single steps, of random crops above all, go up and down: a mean of so many counts
LEAST_GAIN = 1e-3  # relative


@dataclass
class Training:
    """A network with everything that its training depends on.

    Attributes
    ----------
    network : on its device, channels last
    optimiser : Adam with L2 weight decay, as published
    losses : of every epoch so far
    """

    network: NL2Net
    optimiser: torch.optim.Adam
    losses: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, scaling: Scaling, settings: Settings, *, seed: int, device: str) -> Training:
        """Return an untrained network of PyTorch's initial weights, drawn by ``seed``.

        Unless the settings say otherwise, the bias of its last layer is the mean spectrum of the
        scene. Adam moves a bias by no more than its rate in a step, so that thousands of steps, or
        changes in all other weights, would be needed to bring it there.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = NL2Net(len(scaling.mean), settings.factor, settings.channels, settings.blocks)
        if settings.start == "mean":
            network.start_from(torch.from_numpy(scaling.scaled(scaling.mean)))
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, adam(network, settings))


def adam(network: NL2Net, settings: Settings) -> torch.optim.Adam:
    """Return the optimiser of the definition."""
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate,
        betas=BETAS,
        weight_decay=settings.weight_decay,
    )


def learn(
    training: Training,
    views: Views,
    settings: Settings,
    *,
    precision: torch.dtype,
    after: Callable[[Training], None],
) -> None:
    """Train in place, calling ``after`` each epoch.

    Raises
    ------
    HadError
        When the loss is no number any more.
    """
    patience = Patience(settings.patience, training.losses)
    with reproducible():
        while len(training.losses) < settings.epochs and not patience.over:
            value = step(training, views(len(training.losses)), settings.loss, precision)
            if not math.isfinite(value):
                raise HadError(
                    f"nl2net: the loss of epoch {len(training.losses) + 1} is {value}; "
                    f"lower --learning-rate (now {settings.learning_rate:g})"
                )
            training.losses.append(value)
            patience.look(training.losses)
            after(training)


def step(training: Training, view: View, kind: str, precision: torch.dtype) -> float:
    """Make one step of the optimiser, and return the loss before it."""
    training.optimiser.zero_grad(set_to_none=True)
    value = loss(rebuilt(training.network, view.shown, precision), view, kind)
    value.backward()  # type: ignore[no-untyped-call]
    training.optimiser.step()
    return float(value.detach())


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


class Patience:
    """Tells when the loss has not fallen by a thousandth for some epochs.

    The rule needs no truth. It may trust the loss although that is of the training's own image: a
    network that cannot see a pixel cannot learn to copy it.

    Parameters
    ----------
    limit
        So many epochs; 0 never ends a training.
    losses
        Of the epochs before.
    """

    def __init__(self, limit: int, losses: Sequence[float] = ()) -> None:
        self._limit, self._best, self._since = limit, math.inf, 0
        self.over = False
        for count in range(1, len(losses) + 1):
            self.look(losses[:count])

    def look(self, losses: Sequence[float]) -> None:
        """Take notice of the last of ``losses``."""
        if not self._limit or len(losses) < WINDOW:
            return
        mean = sum(losses[-WINDOW:]) / WINDOW
        if mean < self._best * (1 - LEAST_GAIN):
            self._best, self._since = mean, 0
        else:
            self._since += 1
        self.over = self._since >= self._limit
