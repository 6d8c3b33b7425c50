"""Pixel-shuffle down-sampling: the polyphase components of an image as a mosaic of its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def to_mosaic(x: torch.Tensor, factor: int) -> torch.Tensor:
    """Return the mosaic of images ``x``, n x channels x rows x cols.

    Component (i, j), the pixels (i + factor k, j + factor l), fills cell (i, j) of ``factor`` x
    ``factor`` cells. So neighbours in the mosaic are ``factor`` pixels apart in the image, and noise or
    a target that correlates over neighbouring pixels no longer does. Rows and columns must divide by
    ``factor``.
    """
    return _swapped(x, x.shape[2] // factor, factor, x.shape[3] // factor, factor)


def from_mosaic(x: torch.Tensor, factor: int) -> torch.Tensor:
    """Return the images whose mosaics are ``x``: the inverse of :func:`to_mosaic`."""
    return _swapped(x, factor, x.shape[2] // factor, factor, x.shape[3] // factor)


def _swapped(x: torch.Tensor, a: int, b: int, c: int, d: int) -> torch.Tensor:
    """Return ``x`` with its rows, counted as (a, b), counted as (b, a), and columns likewise."""
    count, channels, rows, cols = x.shape
    if (a, c) == (1, 1) or (b, d) == (1, 1):
        return x
    pixels = x.permute(0, 2, 3, 1).reshape(count, a, b, c, d, channels)
    return pixels.permute(0, 2, 1, 4, 3, 5).reshape(count, rows, cols, channels).permute(0, 3, 1, 2)


def reflected(size: int, factor: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return indices that lengthen an axis of ``size`` by reflection until it divides by ``factor``."""
    return np.pad(np.arange(size), (0, -size % factor), mode="reflect")
