"""What a method gives to the training loop: a network, an optimiser, batches and a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.scenes.bands import BandGrid

Loss = Tensor | Mapping[str, Tensor]


def _every(_name: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """A training, for :class:`had_cli.training.loop.TrainingLoop` to carry out.

    Attributes
    ----------
    method : name of the method, for messages and the identity of a checkpoint
    network : what is trained; its ``train()`` is called before every epoch
    optimiser : returns a new optimiser of the network's parameters, at the full learning rates
    batches : called with a generator of random numbers and the number of the epoch, gives the batches of
        that epoch. The generator is seeded by seed and epoch, and all that is random must come from it:
        a resumed training then draws what an uninterrupted one would. A batch is a tensor or a (named)
        tuple of them, samples along the first axis; the loop moves it to the device.
    loss : from a batch to its loss, or to several numbers of which ``loss`` is minimised and the others are
        reported
    epochs : at most
    steps : batches of an epoch
    parameters : those of the method that decide the result; without ``epochs`` where more may be asked of a
        resumed training
    grid : bands of the network
    identity : what else makes this training, as JSON values, such as the hash of a backbone
    frozen : modules that the loss uses and that do not change; they follow the network to its device
    validate : from the network (averaged, with ``average``) to its loss on data held out; the epoch with
        the least is kept. Without it, the last is.
    patience : end after so many epochs without a lower validation loss
    plateau : end after so many epochs in which the loss (a mean of ten) fell by less than a thousandth; 0
        does not look
    schedule : from the number of a step to what the learning rates are multiplied by in it
    average : decay of the running mean of the network, which is validated and kept in its place; 0 for none
    clip : greatest norm of the gradient
    fresh_optimiser : begin each epoch with a new optimiser
    kept : whether the tensor of that name belongs to the result
    separable : whether the loss of a batch is the mean of those of its samples. Where it is not (batch norm,
        covariances), a batch in parts gives another result, and the user is warned.
    smaller : makes the method use less memory, once batches cannot be split further: returns what it did,
        as the end of a sentence, or None where it cannot
    checkpoint_every : epochs between two saved states
    stream : told apart from other random numbers of the same seed by this
    label : of the progress
    advice : what to do against a loss that is not finite
    """

    method: str
    network: nn.Module
    optimiser: Callable[[], torch.optim.Optimizer]
    batches: Callable[[np.random.Generator, int], Iterable[Any]]
    loss: Callable[[Any], Loss]
    epochs: int
    steps: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    grid: BandGrid | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    frozen: Sequence[nn.Module] = ()
    validate: Callable[[nn.Module], float] | None = None
    patience: int | None = None
    plateau: int = 0
    schedule: Callable[[int], float] | None = None
    average: float = 0.0
    clip: float | None = None
    fresh_optimiser: bool = False
    kept: Callable[[str], bool] = _every
    separable: bool = True
    smaller: Callable[[], str | None] | None = None
    checkpoint_every: int = 1
    stream: int = 0
    label: str = "epochs"
    advice: str = "try a lower learning rate"
