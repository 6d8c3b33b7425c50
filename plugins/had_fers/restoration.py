"""The restoration network: rebuilds the cube from both features; used in training only."""

from __future__ import annotations

from torch import Tensor, nn

from had_fers.resnet import BasicBlock
from had_fers.spatial import SqueezeExcitation


class Restoration(nn.Module):
    """Three times a residual block and a squeeze-and-excitation block, then a 1x1 convolution."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for _ in range(3):
            parts += [BasicBlock(bands, bands), SqueezeExcitation(bands)]
        self.body = nn.Sequential(*parts)
        self.final_conv = nn.Conv2d(bands, bands, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the restored cube, N x bands x H x W, of the sum of both features."""
        restored: Tensor = self.final_conv(self.body(features))
        return restored
