"""ResNet-34 from its stem to stage 3 (He et al. 2016, arXiv 1512.03385, table 1).

Modules are named as in the public PyTorch weights of that network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 256  # of the last stage
STRIDE = 16  # input pixels per pixel of the last stage
STAGES = ((3, 64), (4, 128), (6, 256))  # blocks and channels


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, added to a shortcut.

    Parameters
    ----------
    channels, out
        Of the input and of the output.
    stride
        Of the first convolution and of the shortcut's 1x1 one, which is there only where the shape changes.
    """

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return N x out x H/stride x W/stride, of N x channels x H x W."""
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + shortcut)


def backbone() -> nn.Sequential:
    """Return the network: from N x 3 x H x W to N x 256 x H/16 x W/16, sizes rounded up.

    Its parts 0, 1, 4, 5 and 6 have weights: the stem's convolution and batch norm, and three stages.
    """
    parts: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    channels = 64
    for number, (blocks, out) in enumerate(STAGES):
        first = BasicBlock(channels, out, stride=1 if number == 0 else 2)
        parts.append(nn.Sequential(first, *(BasicBlock(out, out) for _ in range(blocks - 1))))
        channels = out
    return nn.Sequential(*parts)
