"""FERD's training graph: a frozen teacher, and a student that undoes it (reverse distillation).

Jin, Dang & Zhu, IEEE GRSL 2024, sec. II, after Deng & Li, CVPR 2022, arXiv 2201.10703.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn

from had_ferd.fen import EMBEDDING, PAD, Fen, SpectralHead, crop, initialise_spectral
from had_ferd.network import Encoder, initialise, residual_stage, upsampling_stage

ALIGNMENT = 0.1  # weights of the loss terms
RECONSTRUCTION = 0.1


class Fusion(nn.Module):
    """The bottleneck: the teacher's three scales become one embedding of 2048 channels at 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = _halving(256, 512), nn.BatchNorm2d(512)
        self.conv2, self.bn2 = _halving(512, 1024), nn.BatchNorm2d(1024)
        self.conv3, self.bn3 = _halving(512, 1024), nn.BatchNorm2d(1024)
        self.bn_layer = residual_stage(3 * 1024, 1024, 2048, blocks=3, stride=2)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return N x 2048 x H/8 x W/8, of the features at 1, 1/2 and 1/4."""
        a, b, c = features
        a = torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(a))))))
        b = torch.relu(self.bn3(self.conv3(b)))
        embedding: Tensor = self.bn_layer(torch.cat([a, b, c], dim=1))
        return embedding


class Decoder(nn.Module):
    """The student: the mirror of Wide-ResNet-50-2, from the embedding back to full size."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = upsampling_stage(2048, 512, 1024, blocks=3)
        self.layer2 = upsampling_stage(1024, 256, 512, blocks=4)
        self.layer3 = upsampling_stage(512, 128, 256, blocks=6)

    def forward(self, embedding: Tensor) -> list[Tensor]:
        """Return features at 1, 1/2 and 1/4 of full size: 256, 512 and 1024 channels."""
        quarter = self.layer1(embedding)
        half = self.layer2(quarter)
        return [self.layer3(half), half, quarter]


class Pass(NamedTuple):
    """What one pass of the training graph computes."""

    teacher: list[Tensor]
    student: list[Tensor]
    embedding: Tensor
    reconstruction: Tensor
    teacher_spectra: Tensor
    student_spectra: Tensor


class Losses(NamedTuple):
    """The three terms of the loss, unweighted."""

    alignment: Tensor
    reconstruction: Tensor
    distillation: Tensor

    @property
    def total(self) -> Tensor:
        """The loss."""
        return ALIGNMENT * self.alignment + RECONSTRUCTION * self.reconstruction + self.distillation


class ReverseDistillation(nn.Module):
    """The whole network; only its FEN is used after training.

    Parameters
    ----------
    bands
        Of the cubes, N x bands x H x W in [-0.1, 0.1]; H + 8 and W + 8 are multiples of 8.
    encoder
        The teacher, all three stages. It is frozen and stays in inference mode, yet gradients pass
        through it to ``convh``.
    """

    def __init__(self, bands: int, encoder: Encoder) -> None:
        super().__init__()
        self.convh = nn.Conv2d(bands, EMBEDDING, 1, bias=False)
        self.encoder = encoder.requires_grad_(False)
        self.fusion = Fusion()
        self.decoder = Decoder()
        self.deconvh = nn.Conv2d(256, bands, 1, bias=False)
        self.pc = SpectralHead(bands)
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all but the teacher."""
        super().train(mode)
        self.encoder.eval()
        return self

    def initialise(self, generator: torch.Generator) -> None:
        """Draw fresh weights for all but the teacher."""
        initialise(self.fusion, generator)
        initialise(self.decoder, generator)
        initialise_spectral(nn.ModuleList([self.convh, self.deconvh, self.pc]), generator)

    def forward(self, x: Tensor) -> Pass:
        """Return what the loss compares, of N x bands x H x W cubes."""
        teacher = self.encoder(self.convh(F.pad(x, (PAD,) * 4, mode="reflect")))
        embedding = self.fusion(teacher)
        student = self.decoder(embedding)
        return Pass(
            teacher,
            student,
            embedding,
            crop(self.deconvh(student[0])),
            self.pc(crop(teacher[0])),
            self.pc(crop(student[0])),
        )

    def losses(self, x: Tensor, found: Pass) -> Losses:
        """Return the terms of the loss.

        The published system applies the logit form of the cross entropy to a value that is squashed
        already; so does this.
        """
        differ = torch.sigmoid(self.pc.conv3((found.student_spectra - found.teacher_spectra).abs())).float()
        alignment = F.binary_cross_entropy_with_logits(differ, torch.zeros_like(differ))
        unlike = [
            1 - F.cosine_similarity(t.float().flatten(1), s.float().flatten(1)).mean()
            for t, s in zip(found.teacher, found.student, strict=True)
        ]
        return Losses(alignment, F.mse_loss(found.reconstruction.float(), x), torch.stack(unlike).sum())

    def fen(self) -> Fen:
        """Return a copy of the part that is used after training."""
        bands = self.convh.in_channels
        fen = Fen(bands)
        own = {f"encoder.{n}": t for n, t in self.encoder.state_dict().items() if n.startswith("layer1.")}
        own |= {f"convh.{n}": t for n, t in self.convh.state_dict().items()}
        own |= {f"pc.{n}": t for n, t in self.pc.state_dict().items()}
        fen.load_state_dict({name: tensor.cpu() for name, tensor in own.items()})
        return fen


def _halving(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
