"""A small network over maps: their weighted sum, and what their neighbourhood adds to it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from had_tdd.evidence import NAMES, START, Layers

HALO = 3  # pixels: one of the first 3 x 3 convolution, two of the second, whose taps are two apart
WIDTH = 16
ROWS = 512  # of a scene at a time


class MapsNetwork(nn.Module):
    """Scores of maps; untrained, the distance from the surroundings.

    Parameters
    ----------
    width
        Channels of the hidden layers.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.width = width
        self.sum = nn.Parameter(torch.zeros(len(NAMES)))
        self.enter = nn.Conv2d(len(NAMES), width, 1)
        self.near = nn.Conv2d(width, width, 3, padding=1)
        self.far = nn.Conv2d(width, width, 3, padding=2, dilation=2)
        self.leave = nn.Conv2d(width, 1, 1)

    def begin(self, seed: int) -> None:
        """Draw the parameters by a seed; the hidden layers have no say yet."""
        random = torch.Generator().manual_seed(seed)
        for layer in (self.enter, self.near, self.far):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=random)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)
        with torch.no_grad():
            self.sum.zero_()[START] = 1

    def forward(self, maps: Tensor) -> Tensor:
        """Return n x rows x cols scores of n x maps x rows x cols."""
        hidden = functional.gelu(self.enter(maps))
        hidden = hidden + functional.gelu(self.near(hidden))
        hidden = hidden + functional.gelu(self.far(hidden))
        weighted = (maps * self.sum[:, None, None]).sum(dim=1)
        scores: Tensor = weighted + self.leave(hidden)[:, 0]
        return scores


def ranking_loss(scores: Tensor, truth: Tensor) -> Tensor:
    """Return the mean over pairs of log(1 + exp(background - anomaly)): a smooth 1 - AUC.

    Each image counts alike, whatever its anomalies; one without any counts as 0.

    Parameters
    ----------
    scores
        n x rows x cols.
    truth
        n x rows x cols: 1 in anomalies, 0 in background, -1 in pixels that say nothing.
    """
    losses = []
    for image, labels in zip(scores, truth, strict=True):
        pairs = image[labels == 0][None] - image[labels == 1][:, None]
        losses.append(functional.softplus(pairs).mean() if pairs.numel() else scores.sum() * 0)
    return torch.stack(losses).mean()


def scored(network: MapsNetwork, layers: Layers, out: Layers) -> None:
    """Write the scores of rows x cols x maps to ``out``, rows x cols; NaN stays NaN.

    Invalid pixels show the lowest rank. Strips of rows have what surrounds them, so the result is that of
    the whole.
    """
    rows = layers.shape[0]
    with torch.inference_mode():
        for start in range(0, rows, ROWS):
            first, last = max(0, start - HALO), min(rows, start + ROWS + HALO)
            part = np.asarray(layers[first:last])
            seen = torch.from_numpy(np.nan_to_num(part, nan=0.0)).permute(2, 0, 1)[None]
            scores = network(seen)[0].numpy()
            scores[np.isnan(part[..., 0])] = np.nan
            out[start : start + ROWS] = scores[start - first : start - first + ROWS]
