"""The network: two blind-spot branches that rebuild each pixel from its surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from had_nl2net.attention import Attention
from had_nl2net.mosaic import from_mosaic, to_mosaic

STRIDE = 3  # dilation of all convolutions after the ring: they reach pixels of the mosaic 3 apart only
ATTENTIVE = 2  # so many blocks at the end of the non-local branch look at the whole image


class NL2Net(nn.Module):
    """Non-local and local feature-coupled network (Wang et al., IEEE JSTARS 2025).

    Parameters
    ----------
    bands
        Bands of the cube.
    factor
        Of the pixel-shuffle down-sampling; 1 leaves the image as it is.
    channels
        Width of the branches.
    blocks
        Blocks per branch; the last two of the non-local one hold attention.
    """

    def __init__(self, bands: int, factor: int = 3, channels: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.bands, self.factor, self.channels, self.blocks = bands, factor, channels, blocks
        plain = max(0, blocks - ATTENTIVE)
        self.head = nn.Sequential(nn.Conv2d(bands, channels, 1), nn.ReLU())
        self.local_branch = _branch(channels, [LocalBlock(channels) for _ in range(blocks)])
        self.nonlocal_branch = _branch(
            channels, [NonLocalBlock(channels, attentive=index >= plain) for index in range(blocks)]
        )
        self.tail = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1),
            nn.ReLU(),
            nn.Conv2d(channels, channels // 2, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 2, bands, 1),
        )

    def start_from(self, spectrum: torch.Tensor) -> None:
        """Let the background of an untrained network be near one spectrum, (bands,), everywhere."""
        last = self.tail[-1]
        with torch.no_grad():
            last.bias.copy_(spectrum)  # type: ignore[operator]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the background of cubes ``x``, n x bands x rows x cols; rows and cols divide by factor."""
        features = self.head(to_mosaic(x, self.factor))
        branches = torch.cat([self.local_branch(features), self.nonlocal_branch(features)], dim=1)
        return from_mosaic(self.tail(branches), self.factor)


class RingConv(nn.Conv2d):
    """A 5 x 5 convolution that sees the outer ring of its window only.

    The inner 3 x 3 weights count as zero, so an output knows nothing of its own pixel, and nothing
    that the dilated convolutions behind it, in steps of 3, could bring back to it.
    """

    ring: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 2 * STRIDE - 1, padding=STRIDE - 1)
        ring = torch.ones(2 * STRIDE - 1, 2 * STRIDE - 1)
        ring[1:-1, 1:-1] = 0
        self.register_buffer("ring", ring, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return n x channels x rows x cols."""
        return functional.conv2d(x, self.weight * self.ring, self.bias, padding=self.padding)


class LocalBlock(nn.Module):
    """x + f(x), with one dilated convolution in f."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_dilated(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return n x channels x rows x cols."""
        rebuilt: torch.Tensor = x + self.body(x)
        return rebuilt


class NonLocalBlock(nn.Module):
    """x + g(x), or x + g(x + attention(x)), with two dilated convolutions in g."""

    def __init__(self, channels: int, *, attentive: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _dilated(channels), nn.ReLU(), _dilated(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1)
        )
        self.attention = Attention(channels) if attentive else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return n x channels x rows x cols."""
        seen = x if self.attention is None else x + self.attention(x)
        rebuilt: torch.Tensor = x + self.body(seen)
        return rebuilt


def _dilated(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=STRIDE, dilation=STRIDE)


def _branch(channels: int, blocks: Sequence[nn.Module]) -> nn.Sequential:
    pointwise = [layer for _ in range(2) for layer in (nn.Conv2d(channels, channels, 1), nn.ReLU())]
    return nn.Sequential(
        RingConv(channels), nn.ReLU(), *pointwise, *blocks, nn.Conv2d(channels, channels, 1), nn.ReLU()
    )
