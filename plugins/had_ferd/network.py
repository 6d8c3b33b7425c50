"""Stages of Wide-ResNet bottleneck blocks (Zagoruyko & Komodakis 2016, arXiv 1605.07146).

Modules are named as in the public PyTorch weights of these networks, so a state dict fits as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EXPANSION = 4  # output channels of a block over those of a plain (not wide) block's inner ones


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions, each with batch norm, added to a shortcut.

    Parameters
    ----------
    channels, inner, out
        Channels of the input, between the convolutions, and of the output.
    stride
        Of the 3x3 convolution and of the shortcut's 1x1 one, which is there only where the shape changes.
    """

    def __init__(self, channels: int, inner: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2: nn.Module = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def shortcut(self, x: Tensor) -> Tensor:
        """Return the input in the shape of the output."""
        return self.downsample(x) if hasattr(self, "downsample") else x

    def forward(self, x: Tensor) -> Tensor:
        """Return N x out x H/stride x W/stride, of N x channels x H x W."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class UpsamplingBottleneck(Bottleneck):
    """A bottleneck block that doubles both sides of the image.

    2x2 transposed convolutions of stride 2 stand in place of the 3x3 one and on the shortcut.
    """

    def __init__(self, channels: int, inner: int, out: int) -> None:
        super().__init__(channels, inner, channels)  # equal channels: no shortcut convolution of its own
        self.conv2 = nn.ConvTranspose2d(inner, inner, 2, stride=2, bias=False)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.upsample = nn.Sequential(
            nn.ConvTranspose2d(channels, out, 2, stride=2, bias=False), nn.BatchNorm2d(out)
        )

    def shortcut(self, x: Tensor) -> Tensor:
        """Return the input in the shape of the output."""
        out: Tensor = self.upsample(x)
        return out


def residual_stage(channels: int, inner: int, out: int, blocks: int, stride: int = 1) -> nn.Sequential:
    """Return ``blocks`` bottleneck blocks; the first changes channels and applies the stride."""
    first = Bottleneck(channels, inner, out, stride)
    return nn.Sequential(first, *(Bottleneck(out, inner, out) for _ in range(blocks - 1)))


def upsampling_stage(channels: int, inner: int, out: int, blocks: int) -> nn.Sequential:
    """Return ``blocks`` bottleneck blocks, the first of which doubles both sides of the image."""
    first = UpsamplingBottleneck(channels, inner, out)
    return nn.Sequential(first, *(Bottleneck(out, inner, out) for _ in range(blocks - 1)))


class Encoder(nn.Module):
    """The first ``stages`` residual stages of Wide-ResNet-101-2, without the stem.

    Stage k gives 256, 512 and 1024 channels at 1, 1/2 and 1/4 of the input's size.
    """

    DEPTHS = (3, 4, 23)

    def __init__(self, stages: int = 1) -> None:
        super().__init__()
        channels = 64
        for number, depth in enumerate(self.DEPTHS[:stages], start=1):
            inner = 64 << number
            stage = residual_stage(channels, inner, 2 * inner, depth, stride=1 if number == 1 else 2)
            self.add_module(f"layer{number}", stage)
            channels = 2 * inner

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stage, of N x 64 x H x W."""
        features = []
        for stage in self.children():
            x = stage(x)
            features.append(x)
        return features


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw fresh weights in place: Kaiming-normal (fan-out) for convolutions, 1 and 0 for batch norm.

    As He et al. 2015 (arXiv 1502.01852, sec. 2.2) for layers followed by ReLU.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
