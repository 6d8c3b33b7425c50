"""Attention between the pixels of each polyphase sub-image."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

STEP = 6  # pixels of a sub-image are this far apart; a multiple of 3, or the blind spot would be lost
LENGTH = 1e-8  # added to the length of a token, which may be zero
FEW = 512  # tokens, up to which a matrix of bfloat16 scores is small, and quicker than the fused kernel


class Attention(nn.Module):
    """Non-local means over pixels that are :data:`STEP` apart.

    Queries and keys are the layer-normalised pixels times the matrix ``wqk``, scaled to unit length;
    values are the pixels themselves. Each of the STEP^2 sub-images is attended to on its own.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wqk = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels, channels), gain=1.414))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return images of the shape of ``x``, n x channels x rows x cols.

        The definition adds 1 to every score before the softmax, which cancels. The zeros that fill up
        the sub-images remain, as keys with a score and a value of zero.
        """
        rows, cols = x.shape[2:]
        pixels = x.permute(0, 2, 3, 1)
        normal = functional.layer_norm(pixels, pixels.shape[1:])
        tokens = sub_images(normal) @ self.wqk
        tokens = tokens / (torch.linalg.vector_norm(tokens, dim=-1, keepdim=True) + LENGTH)
        values = sub_images(pixels)
        tokens = tokens.to(values.dtype)
        return from_sub_images(_attended(tokens, values), rows, cols).permute(0, 3, 1, 2)


def _attended(tokens: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return softmax(tokens tokens^T / sqrt(channels)) values."""
    if tokens.dtype == torch.bfloat16 and tokens.device.type == "cpu" and tokens.shape[-2] <= FEW:
        scores = (tokens * tokens.shape[-1] ** -0.5) @ tokens.mT
        weights: torch.Tensor = scores.softmax(dim=-1, dtype=scores.dtype)
        return weights @ values
    # the fused kernel never holds the matrix of scores
    return functional.scaled_dot_product_attention(tokens, tokens, values)


def sub_images(pixels: torch.Tensor) -> torch.Tensor:
    """Return the sub-images of n x rows x cols x channels, as (n STEP^2) x 1 x tokens x channels.

    Rows and columns are filled up with zeros, at the bottom and at the right, to multiples of STEP.
    """
    count, rows, cols, channels = pixels.shape
    padded = functional.pad(pixels, (0, 0, 0, -cols % STEP, 0, -rows % STEP))
    down, across = padded.shape[1] // STEP, padded.shape[2] // STEP
    split = padded.reshape(count, down, STEP, across, STEP, channels).permute(0, 2, 4, 1, 3, 5)
    return split.reshape(count * STEP**2, 1, down * across, channels)


def from_sub_images(tokens: torch.Tensor, rows: int, cols: int) -> torch.Tensor:
    """Return the n x rows x cols x channels images of which ``tokens`` are the sub-images."""
    down, across = -(-rows // STEP), -(-cols // STEP)
    split = tokens.reshape(-1, STEP, STEP, down, across, tokens.shape[-1]).permute(0, 3, 1, 4, 2, 5)
    return split.reshape(-1, down * STEP, across * STEP, tokens.shape[-1])[:, :rows, :cols]
