"""FEN, the feature enhancement network: what is left of FERD once it is trained.

Jin, Dang & Zhu, IEEE GRSL 2024, doi 10.1109/LGRS.2024.3456178.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from had_ferd.network import Encoder, initialise

PAD = 4  # reflected pixels on each side; the receptive field reaches 3
EMBEDDING = 64  # channels of the first convolution
SCALE = 0.1  # scaled cubes lie in [-SCALE, SCALE]


class SpectralHead(nn.Module):
    """The spectral feature of every pixel: 1x1 convolution, ReLU, 1x1 convolution, ReLU.

    ``conv3`` gives the similarity of two such features; it is used in training only.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        hidden = 256 if bands > 128 else 128
        self.conv1 = nn.Conv2d(256, hidden, 1)
        self.conv2 = nn.Conv2d(hidden, bands, 1)
        self.conv3 = nn.Conv2d(bands, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return N x bands x H x W, not negative, of N x 256 x H x W features."""
        return torch.relu(self.conv2(torch.relu(self.conv1(features))))


class Fen(nn.Module):
    """From a scaled cube to its background feature.

    ``convh`` (bands -> 64) and ``pc`` (256 -> bands) are trained, ``encoder`` is the first stage of a
    Wide-ResNet-101-2 and frozen.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = bands
        self.convh = nn.Conv2d(bands, EMBEDDING, 1, bias=False)
        self.encoder = Encoder(stages=1)
        self.pc = SpectralHead(bands)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Return the background feature, N x bands x H x W, of cubes of that shape in [-0.1, 0.1]."""
        feature: Tensor = self.pc(self.encode(F.pad(x, (PAD,) * 4, mode="reflect")))
        return feature

    def encode(self, padded: Tensor) -> Tensor:
        """Return N x 256 x H x W, of cubes with ``PAD`` more pixels on each side."""
        return crop(self.encoder(self.convh(padded))[0])


def crop(x: Tensor) -> Tensor:
    """Return ``x`` without its outer ``PAD`` rows and columns."""
    return x[..., PAD:-PAD, PAD:-PAD]


def random_fen(bands: int, seed: int = 0) -> Fen:
    """Return an untrained network: Xavier-normal convolutions of spectra, a Kaiming-normal encoder."""
    generator = torch.Generator().manual_seed(seed)
    fen = Fen(bands)
    initialise(fen.encoder, generator)
    initialise_spectral(nn.ModuleList([fen.convh, fen.pc]), generator)
    return fen


def initialise_spectral(module: nn.Module, generator: torch.Generator) -> None:
    """Draw fresh weights in place: Xavier-normal for convolutions, biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.xavier_normal_(part.weight, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
