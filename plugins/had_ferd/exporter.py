"""FEN for use without ``had``."""

from __future__ import annotations

import torch

from had_cli.plugin import Network, Weights
from had_ferd.enhancement import fused
from had_ferd.weights import from_weights


def export_network(weights: Weights) -> Network:
    """Return FEN: from N x bands x rows x cols cubes in [-0.1, 0.1] to their background features.

    Rows and columns are free, five at least: the border is reflected inside the network.
    """
    fen, grid = from_weights(weights)
    return Network(
        module=fused(fen),
        example=torch.zeros(2, grid.bands, 24, 20),
        free={0: "batch", 2: "rows", 3: "cols"},
        input="cube",
        output="feature",
    )
