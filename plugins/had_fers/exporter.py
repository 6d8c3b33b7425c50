"""Both networks for use without ``had``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from had_cli.exporting import Network
from had_cli.weights import Weights
from had_ferd.enhancement import fused
from had_ferd.fen import Fen
from had_fers.spatial import SpatialNetwork
from had_fers.weights import from_weights


def export_network(weights: Weights) -> Network:
    """Return both networks as one: from N x bands x rows x cols cubes in [-0.1, 0.1] to f_spe + f_spa.

    The cube is taken whole, whatever its size.
    """
    fen, network, grid = from_weights(weights)
    return Network(
        module=BothFeatures(fused(fen), network).eval(),
        example=torch.zeros(2, grid.bands, 64, 48),
        free={0: "batch"},
        input="cube",
        output="feature",
    )


class BothFeatures(nn.Module):
    """The sum of both features."""

    def __init__(self, fen: Fen, network: SpatialNetwork) -> None:
        super().__init__()
        self.fen, self.network = fen, network

    def forward(self, x: Tensor) -> Tensor:
        """Return N x bands x rows x cols."""
        feature: Tensor = self.fen(x) + self.network(x)
        return feature
