"""TDD's network: a dilated VGG-16 encoder and a decoder of six cells with attention."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from had_tdd.attention import RELEASED, GlobalAttention, LocalAttention
from had_tdd.convolution import FrugalConv2d

STEP = 8  # the deepest features are so many times smaller; sides of the input are multiples of it
# convolutions of each stage: channels, and how often
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
DEEPEST = 1024
HALVING = 3  # stages that end in a pool of 2 x 2; the later ones in a pool of 1 x 1, which does nothing
DEEP_DILATION = 12
ATTENTIONS = ("local", "global", "local", "global", "local")
SMALLER = (8, 8, 8, 4, 2)  # how many times smaller than the input the images of the five are
HIDDEN = 128  # channels in the local attention
NARROW = 0.5  # up to which channels are better kept together pixel by pixel
FEWEST = 4  # channels, however narrow the network


def scaled(channels: int, width: float) -> int:
    """Return a channel count of the published network for a network of ``width``."""
    return max(FEWEST, round(width * channels))


class Encoder(nn.Module):
    """VGG-16 without batch norm, dilated after the fourth pool, and two linear convolutions."""

    def __init__(self, bands: int, width: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.cuts: list[int] = []  # layers after which a stage ends
        channels = bands
        for stage, (published, count) in enumerate(STAGES):
            wide, dilation = scaled(published, width), 2 if stage > HALVING else 1
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, wide, 3, padding=dilation, dilation=dilation),
                    nn.ReLU(inplace=True),
                ]
                channels = wide
            self.cuts.append(len(layers))
            layers.append(nn.MaxPool2d(2, 2) if stage < HALVING else nn.Identity())
        self.seq = nn.Sequential(*layers)
        deepest = scaled(DEEPEST, width)
        self.conv6: nn.Conv2d = FrugalConv2d(
            channels, deepest, 3, padding=DEEP_DILATION, dilation=DEEP_DILATION
        )
        self.conv7 = FrugalConv2d(deepest, deepest, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the six feature maps, shallow to deep: conv1 to conv5, and conv7."""
        maps, start = [], 0
        for cut in self.cuts:
            x = self.seq[start:cut](x)
            maps.append(x)
            start = cut
        return [*maps, self.conv7(self.conv6(self.seq[start:](x)))]


class Cell(nn.Module):
    """One level of the decoder: features, their attention, what goes on, and a side output."""

    def __init__(self, channels: int, following: int, attention: nn.Module) -> None:
        super().__init__()
        self.bn_en = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(2 * channels, channels, 1)
        self.am = attention
        self.conv2 = nn.Conv2d(2 * channels, following, 1)
        self.bn_feature = nn.BatchNorm2d(following)
        self.conv3 = nn.Conv2d(following, 1, 1)

    def forward(self, maps: list[Tensor], decoded: Tensor) -> Tensor:
        """Return what goes on, of which ``conv3`` makes the side output; takes the last of ``maps``."""
        features = _joined(self, maps, decoded)
        mixed = _beside(self.conv2, features, self.am(features))
        return functional.relu(self.bn_feature(mixed))


class LastCell(nn.Module):
    """The level of full size, without attention: its output is the map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn_en = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(2 * channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: list[Tensor], decoded: Tensor) -> Tensor:
        """Return the logits of the map; takes the last of ``maps``."""
        logits: Tensor = self.conv2(_joined(self, maps, decoded))
        return logits


class Tdd(nn.Module):
    """The network of Li et al., IEEE TGRS 2024, with its released names of parameters.

    Parameters
    ----------
    bands
        Channels of the input.
    width
        Scales all other channel counts; 1 is the published network.
    attention
        Form of the local attention, ``released`` or ``exact``.
    prior
        Add to each output a multiple of the last channel of the input, so that the network begins from a
        detector that this channel is, and learns what to change in it.
    """

    def __init__(
        self, bands: int, width: float = 1.0, attention: str = RELEASED, *, prior: bool = False
    ) -> None:
        super().__init__()
        self.bands, self.width, self.attention = bands, width, attention
        self.prior = nn.Parameter(torch.ones(len(ATTENTIONS) + 1)) if prior else None
        self.encoder = Encoder(bands, width)
        channels = [scaled(published, width) for published in (DEEPEST, *(c for c, _ in STAGES[::-1]))]
        cells: list[nn.Module] = []
        for kind, (here, following) in zip(ATTENTIONS, pairwise(channels), strict=True):
            module = (
                LocalAttention(here, scaled(HIDDEN, width), attention)
                if kind == "local"
                else GlobalAttention(here)
            )
            cells.append(Cell(here, following, module))
        self.decoder = nn.ModuleList([*cells, LastCell(channels[-1])])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits of the six outputs, deep to shallow; the last is the map.

        Parameters
        ----------
        x : n x bands x rows x cols, rows and cols multiples of 8

        Returns
        -------
        list of n x 1 x rows x cols at 1/8, 1/8, 1/8, 1/4, 1/2 and full size
        """
        maps = self.encoder(x)
        decoded, outputs = maps[-1], []
        for cell in self.decoder:
            decoded = cell(maps, decoded)
            outputs.append(cell.conv3(decoded) if isinstance(cell, Cell) else decoded)
        if self.prior is not None:
            known = x[:, -1:]
            outputs = [
                logits + gain * functional.adaptive_max_pool2d(known, logits.shape[2:])
                for gain, logits in zip(self.prior, outputs, strict=True)
            ]
        return outputs

    def score(self, x: Tensor) -> Tensor:
        """Return the map, n x rows x cols in [0, 1]: the last of the outputs, without the others."""
        maps = self.encoder(x)
        decoded: Tensor = maps[-1]
        for cell in self.decoder:
            decoded = cell(maps, decoded)
        logits = decoded if self.prior is None else decoded + self.prior[-1] * x[:, -1:]
        return logits[:, 0].sigmoid()


def layout(network: Tdd) -> torch.memory_format:
    """Return how images lie in memory where the network is fastest, as measured on a CPU."""
    return torch.channels_last if network.width <= NARROW else torch.contiguous_format


def fused(network: Tdd) -> Tdd:
    """Return the network with batch norm taken into the convolutions before it: the same values, less work.

    All other tensors are shared with ``network``.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    network = copy.deepcopy(network, shared)
    for cell in network.decoder:
        if isinstance(cell, Cell):
            cell.conv2 = fuse_conv_bn_eval(cell.conv2, cell.bn_feature)
            cell.bn_feature = nn.Identity()  # type: ignore[assignment]
    return network


def for_large_images(network: Tdd, size: int) -> Tdd:
    """Return a :func:`fused` network for images larger than the size x size that it was trained on.

    A pixel sees what it saw there: the global attentions look at windows of that size, and of the deepest
    convolution the taps that no pixel of such an image has are left out, since nothing was learned for them.
    An image of size x size has the same map.
    """
    network = fused(network)
    deep = network.encoder.conv6
    if size // STEP <= DEEP_DILATION:  # all of its taps but the middle one lie in the margin of zeros
        middle = nn.Conv2d(deep.in_channels, deep.out_channels, 1, device="meta")
        middle.weight = nn.Parameter(deep.weight[:, :, 1:2, 1:2].contiguous(), requires_grad=False)
        middle.bias = deep.bias
        network.encoder.conv6 = middle
    for cell, smaller in zip(network.decoder, SMALLER, strict=False):
        if isinstance(cell, Cell) and isinstance(cell.am, GlobalAttention):
            cell.am.side = size // smaller
    return network


def _joined(cell: Cell | LastCell, maps: list[Tensor], decoded: Tensor) -> Tensor:
    """Return the features of a level: the encoder's map, the last of ``maps``, beside what comes from below.

    The map is taken from the list, so that its memory is free for what follows.
    """
    ours = functional.relu(cell.bn_en(maps.pop()), inplace=True)
    return functional.relu(_beside(cell.conv1, ours, decoded), inplace=True)


def _beside(convolution: nn.Conv2d, first: Tensor, second: Tensor) -> Tensor:
    """Return a 1 x 1 convolution of two images one behind the other, the second enlarged to the first's size.

    A sum of two convolutions, so that neither is copied; and what is to be enlarged is convolved before, for
    a quarter of the work: both are linear, and the weights of an interpolation sum to 1.
    """
    count = first.shape[1]
    ours, theirs = convolution.weight[:, :count], convolution.weight[:, count:]
    added = functional.conv2d(second, theirs)
    if added.shape[2:] != first.shape[2:]:
        added = functional.interpolate(added, size=first.shape[2:], mode="bilinear", align_corners=True)
    return functional.conv2d(first, ours, convolution.bias).add_(added)
