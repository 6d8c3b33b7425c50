"""The spatial network of FERS: from a scaled cube to its spatial feature.

Jin, Tang, Li & Guo, arXiv 2510.18781.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from had_ferd.network import initialise
from had_fers.pooling import LEVELS, enlarged, interpolation, pooled
from had_fers.resnet import CHANNELS, backbone

FUSED = 128  # channels between the pyramid and the bands


class FalseColour(nn.Module):
    """Three channels out of a spectrum: 1x1 convolution to 256, ReLU, 1x1 convolution to 3, sigmoid."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(bands, 256, 1)
        self.hidden = nn.Conv2d(256, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return N x 3 x H x W in (0, 1), of N x bands x H x W."""
        return torch.sigmoid(self.hidden(torch.relu(self.conv(x))))


class SqueezeExcitation(nn.Module):
    """Gains of channels from their means over the image (Hu et al. 2018, arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 8)
        self.fc = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def gains(self, means: Tensor) -> Tensor:
        """Return N x channels, of N x channels."""
        gains: Tensor = self.fc(means[..., None, None])[..., 0, 0]
        return gains

    def forward(self, x: Tensor) -> Tensor:
        """Return N x channels x H x W times the gains."""
        return x * self.gains(x.mean((2, 3)))[..., None, None]


class Summary(NamedTuple):
    """All that the spatial feature of an image follows from.

    Attributes
    ----------
    grids : N x 128 x 21, the pooled features after the first convolution of the fusion: one cell of the
        1x1 grid, four of the 2x2 and sixteen of the 4x4 one, row by row
    gains : N x bands, of the squeeze-and-excitation
    """

    grids: Tensor
    gains: Tensor


class PyramidPooling(nn.Module):
    """The light pyramid pooling: means over 1, 2 x 2 and 4 x 4 cells, enlarged and fused to ``bands``.

    Enlarging and the first 1x1 convolution of the fusion are both linear and the weights of the
    interpolation sum to 1, so the convolution is applied to the few cells instead of to all pixels.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.fuse = nn.Sequential(
            nn.Conv2d(len(LEVELS) * CHANNELS, FUSED, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(FUSED, bands, 1, bias=False),
            nn.ReLU(),
        )
        self.se = SqueezeExcitation(bands)

    def grids(self, features: Tensor) -> Tensor:
        """Return N x 128 x 21 of N x 256 x h x w features."""
        first = self.fuse[0].weight[..., 0, 0]  # type: ignore[index]
        cells = [
            part @ pooled(features, side).flatten(2)
            for side, part in zip(LEVELS, first.split(CHANNELS, dim=1), strict=True)
        ]
        return torch.cat(cells, dim=2)

    def bands(self, grids: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
        """Return N x bands x len(rows) x len(cols) before the gains.

        ``rows`` and ``cols`` are matrices of interpolation (:func:`had_fers.pooling.interpolation`).
        """
        spectra: Tensor = self.fuse[2](torch.relu(enlarged(grids, rows, cols)))
        return torch.relu(spectra)


class SpatialNetwork(nn.Module):
    """From N x bands x H x W in [-0.1, 0.1] to the spatial feature of that shape, not negative.

    ``get_features`` is frozen, the rest trained. The pooling spans the image it is given, whatever
    its size.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.channels = bands
        self.cells = FUSED, sum(side * side for side in LEVELS)  # the shape of a summary's grids
        self.initial_conv = FalseColour(bands)
        self.get_features = backbone().requires_grad_(False)
        self.spp = PyramidPooling(bands)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return N x bands x H x W."""
        grids = self.spp.grids(self.get_features(self.initial_conv(x)).float())
        feature: Tensor = self.spp.se(self._before_gains(grids, x))
        return feature

    def summary(self, x: Tensor) -> Summary:
        """Return what the feature of N x bands x H x W images follows from."""
        grids = self.spp.grids(self.get_features(self.initial_conv(x)).float())
        return Summary(grids, self.spp.se.gains(self._before_gains(grids, x).mean((2, 3))))

    def _before_gains(self, grids: Tensor, x: Tensor) -> Tensor:
        rows, cols = (interpolation(n, x.device, grids.dtype) for n in x.shape[2:])
        return self.spp.bands(grids, rows, cols)


def initialise_spatial(module: nn.Module, generator: torch.Generator) -> None:
    """Draw fresh weights in place for all convolutions (and linear maps) that are trained.

    Kaiming-uniform with a = 0 and the gain of ReLU; biases uniform within 1 / sqrt(fan-in).
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear) and part.weight.requires_grad:
            nn.init.kaiming_uniform_(part.weight, a=0, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                bound = 1 / math.sqrt(part.weight[0].numel())
                nn.init.uniform_(part.bias, -bound, bound, generator=generator)


def random_spatial(bands: int, seed: int = 0) -> SpatialNetwork:
    """Return an untrained network with a random backbone."""
    generator = torch.Generator().manual_seed(seed)
    network = SpatialNetwork(bands)
    initialise(network.get_features, generator)
    initialise_spatial(network, generator)
    return network
