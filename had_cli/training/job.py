"""What a method's training is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from had_cli.scenes.scene import Scene
from had_cli.weights.file import Weights


class Progress(Protocol):
    """Where a training reports how far it is, and figures such as the loss."""

    def __call__(self, label: str, fraction: float, **numbers: float) -> None:
        """Report ``fraction`` of ``label`` done."""
        ...


def _not_recorded(**_facts: Any) -> None:
    """Take facts for which there is no weights file."""


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a method's ``train(job, params) -> Weights`` is given.

    Attributes
    ----------
    scenes : one or more, with the user's selection of bands, window and mask
    device : as chosen: ``cpu``, ``cuda:N`` or ``mps``
    seed : same seed, same machine, same threads: the same weights
    output : where the weights will be saved (by ``had``, not by the method)
    checkpoint : an existing folder to keep the state of the training in, or None: keep none
    resume : continue from the state in ``checkpoint``, or begin where there is none yet; the result equals
        an uninterrupted training's
    progress : called as ``progress(label, fraction, loss=...)``
    warn : called with one line that bears on the result
    record : called as ``record(device="cpu")`` with facts for the header of the weights
    log_file : file for the numbers of every epoch, or None (``had_cli.training.logs``)
    tensorboard : folder for the same numbers as TensorBoard's events, or None
    start : weights of the method to begin from, or None; only given to methods that say ``continues``
    """

    scenes: Sequence[Scene]
    device: str
    seed: int
    output: Path
    checkpoint: Path | None
    resume: bool
    progress: Progress
    warn: Callable[[str], None]
    record: Callable[..., None] = _not_recorded
    log_file: Path | None = None
    tensorboard: Path | None = None
    start: Weights | None = None
