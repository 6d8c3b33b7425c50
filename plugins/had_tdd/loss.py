"""The deeply supervised loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

RATIOS = (1.0, 0.8, 0.8, 0.5, 0.5, 0.5)  # of the outputs, shallow to deep
BACKGROUND = 0.1  # weight of a pixel that is no anomaly


def supervised_loss(outputs: Sequence[Tensor], target: Tensor) -> Tensor:
    """Return the weighted cross entropy of all six outputs (Li et al. 2024).

    Each is the mean over its pixels of weight times cross entropy; the weight is 1 in anomalies and 0.1
    elsewhere. For the smaller outputs every second row and column of the target is taken.

    Parameters
    ----------
    outputs
        Logits, n x 1 x rows x cols, deep to shallow.
    target
        n x 1 x rows x cols of the size of the last output: 1 in anomalies, 0 in background, -1 in pixels
        that say nothing.
    """
    total = target.new_zeros(())
    for ratio, logits in zip(RATIOS, reversed(outputs), strict=True):
        while target.shape[-1] > logits.shape[-1]:
            target = target[..., ::2, ::2]
        weight = torch.where(target > 0, 1.0, BACKGROUND) * (target >= 0)
        total = total + ratio * functional.binary_cross_entropy_with_logits(
            logits, target.clamp(min=0), weight
        )
    return total
