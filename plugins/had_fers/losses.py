"""The five terms of FERS's loss (Jin, Tang, Li & Guo, arXiv 2510.18781)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor

COSINE, VARIANCE, STRUCTURE = 0.1, 0.1, 0.01  # weights of the terms; the others have 1
WINDOW, SIGMA = 5, 1.5  # of the structural similarity
C1, C2 = 0.01**2, 0.03**2  # for a data range of 1


class Losses(NamedTuple):
    """The terms, unweighted."""

    cross_covariance: Tensor
    cosine: Tensor
    variance: Tensor
    restoration: Tensor
    structure: Tensor

    @property
    def total(self) -> Tensor:
        """The loss."""
        return (
            self.cross_covariance
            + COSINE * self.cosine
            + VARIANCE * self.variance
            + self.restoration
            + STRUCTURE * self.structure
        )


def losses(x: Tensor, spectral: Tensor, spatial: Tensor, restored: Tensor) -> Losses:
    """Return the terms for cubes, both their features and the restored cubes, N x bands x H x W each."""
    return Losses(
        cross_covariance(spectral, spatial).square().sum(),
        1 + F.cosine_similarity(spectral, spatial, dim=1).mean(),
        variance(spatial),
        F.mse_loss(restored, x),
        ((1 - structural_similarity(restored, x)) / 2).clamp(0, 1).mean(),
    )


def complementarity(spectral: Tensor, spatial: Tensor) -> dict[str, float]:
    """Return how alike two features are, N x bands x H x W each: both numbers are 0 for unrelated ones.

    ``mean_abs_cosine`` is the mean over pixels of the magnitude of the cosine along bands,
    ``cross_covariance`` the sum of squares of :func:`cross_covariance`.
    """
    return {
        "mean_abs_cosine": float(F.cosine_similarity(spectral, spatial, dim=1).abs().mean()),
        "cross_covariance": float(cross_covariance(spectral, spatial).square().sum()),
    }


def cross_covariance(spectral: Tensor, spatial: Tensor) -> Tensor:
    """Return the bands x bands covariance of both features, each standardised by channel."""
    first, second = (_standardised(f) for f in (spectral, spatial))
    return first @ second.T / first.shape[1]


def variance(spatial: Tensor) -> Tensor:
    """Return how far the spatial variance of channels falls short of 1, plus the mean magnitude."""
    found = spatial.var((2, 3)).mean(0)
    return torch.relu(1 - found).mean() + spatial.abs().mean()


def structural_similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the SSIM of every pixel, N x bands x H x W (Wang et al. 2004, eq. 13).

    A 5 x 5 Gaussian window, reflected at the border.
    """
    down, across = (_blur(n).to(x.device, x.dtype) for n in x.shape[2:])

    def blurred(image: Tensor) -> Tensor:
        return down @ image @ across.T

    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    below = (mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2)
    return above / (below + 1e-12)


def _standardised(feature: Tensor) -> Tensor:
    """Return bands x pixels of mean 0 and standard deviation 1 (or 0, where a channel is constant)."""
    pixels = feature.transpose(0, 1).flatten(1)
    centred = pixels - pixels.mean(1, keepdim=True)
    return centred / (pixels.std(1, keepdim=True) + 1e-6)


def _blur(size: int) -> Tensor:
    """Return the size x size matrix of a Gaussian window along an axis that is reflected at its ends."""
    reach = WINDOW // 2
    step = torch.arange(-reach, reach + 1)
    window = torch.exp(-(step.double() ** 2) / (2 * SIGMA**2))
    window /= window.sum()
    source = F.pad(torch.arange(size).double()[None], (reach, reach), mode="reflect")[0].long()
    matrix = torch.zeros(size, size, dtype=torch.float64)
    for offset, weight in enumerate(window):
        matrix[torch.arange(size), source[offset : offset + size]] += weight
    return matrix
