"""A convolution of many weights that holds few copies of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOST = 10**7  # bytes of weights at a time


class FrugalConv2d(nn.Conv2d):
    """A convolution that computes some of its outputs at a time, where nothing is learned on a CPU.

    Each call there copies the weights that it takes into an order of its own. The largest of TDD's are 38 MB,
    and the allocator keeps room for several such copies; small ones fit where features lay. The values and,
    as measured, the time are the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return n x channels x rows x cols."""
        parts = -(-self.weight.nbytes // MOST)
        if parts == 1 or self.bias is None or x.device.type != "cpu" or torch.is_grad_enabled():
            return super().forward(x)
        parts = 1 << (parts - 1).bit_length()  # equal ones, of whole vectors
        each = zip(self.weight.chunk(parts), self.bias.chunk(parts), strict=True)
        return torch.cat([self._conv_forward(x, weight, bias) for weight, bias in each], dim=1)
