"""Adaptive mean pooling and bilinear enlarging as products of small matrices.

The matrices give what ``adaptive_avg_pool2d`` and ``interpolate(mode="bilinear", align_corners=False)``
give, for any part of the image alone, and their gradients are the same bytes each time on every device.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = (1, 2, 4)  # cells along a side


def pooled(features: Tensor, side: int) -> Tensor:
    """Return N x C x side x side means of N x C x h x w features."""
    down, across = (_means(n, side).to(features.device, features.dtype) for n in features.shape[2:])
    return down @ features @ across.T


def interpolation(
    size: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return size x 7: how the pixels along an axis mix the 1, 2 and 4 cells that span it.

    The columns of a level sum to 1 in every row (bilinear, pixel centres at halves, ends held).
    """
    parts = []
    for side in LEVELS:
        place = ((torch.arange(size, dtype=torch.float64) + 0.5) * (side / size) - 0.5).clamp(0, side - 1)
        below = place.floor().clamp(max=max(side - 2, 0)).long()
        matrix = torch.zeros(size, side, dtype=torch.float64)
        share = (place - below)[:, None]
        matrix.scatter_add_(1, below[:, None], 1 - share)
        if side > 1:
            matrix.scatter_add_(1, below[:, None] + 1, share)
        parts.append(matrix)
    return torch.cat(parts, dim=1).to(device, dtype)


def enlarged(grids: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
    """Return N x C x len(rows) x len(cols), the sum over levels of N x C x 21 cells enlarged."""
    levels = zip(
        LEVELS,
        torch.split(grids, [side * side for side in LEVELS], dim=2),
        torch.split(rows, list(LEVELS), dim=1),
        torch.split(cols, list(LEVELS), dim=1),
        strict=True,
    )
    parts = [
        down @ cells.reshape(*cells.shape[:2], side, side) @ across.T for side, cells, down, across in levels
    ]
    return torch.stack(parts).sum(0)


def _means(size: int, side: int) -> Tensor:
    """Return side x size: cell i is the mean from floor(i size / side) to ceil((i + 1) size / side)."""
    matrix = torch.zeros(side, size, dtype=torch.float64)
    for cell in range(side):
        start, stop = cell * size // side, -(-(cell + 1) * size // side)
        matrix[cell, start:stop] = 1 / (stop - start)
    return matrix
