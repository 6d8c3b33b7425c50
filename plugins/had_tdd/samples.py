"""Training samples: patches with simulated anomalies, as the network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from had_cli.plugin import BandGrid, resampling
from had_tdd.backgrounds import Background
from had_tdd.geometry import turned, warped
from had_tdd.normalising import WHITEN, Normalisation, groups
from had_tdd.simulation import MIXED, Mixture, published

ZOOMED = 0.35  # patches are taken up to exp(this) times larger or smaller
BRIGHTNESS = 0.5  # and made up to exp(this) times brighter or darker
BENT = 0.05  # and moved along the band axis by up to this part of it


@dataclass(frozen=True)
class Samples:
    """Draws samples.

    Attributes
    ----------
    scenes : to draw from
    normalisation : of the network
    simulation : ``mixed``, ``shuffle``, ``gaussian`` or ``uniform``
    patch, stride : side of a patch, and the step between the published places of patches
    sizes : least and greatest side of an anomaly, in pixels
    strengths : least and greatest distance of a mixed anomaly from its background
    input_size : side of the network's input
    augment : vary size, brightness and bands of patches, and the components of whitened ones
    """

    scenes: Sequence[Background]
    normalisation: Normalisation
    simulation: str
    patch: int
    stride: int
    sizes: tuple[int, int]
    strengths: tuple[float, float]
    input_size: int
    augment: bool

    def places(self) -> list[tuple[int, int, int]]:
        """Return scene, row and column of the published patches of all scenes."""
        return [
            (number, row, col)
            for number, scene in enumerate(self.scenes)
            for row, col in scene.places(self.patch, self.stride)
        ]

    def draw(self, random: np.random.Generator, place: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        """Return channels x size x size and 1 x size x size: 1 in anomalies, 0 in background, -1 not sure.

        ``place`` is that of a published patch; ``mixed`` takes its scene only, and any place there.
        """
        number, row, col = place
        scene = self.scenes[number]
        if self.simulation == MIXED:
            return self._mixed(random, scene)
        patch, _ = scene.patch(row, col, self.patch)
        image, mask = published(random, patch, self.simulation, *self.sizes)
        image, mask = warped(random, image, mask)
        return self._seen(self._varied(random, image), mask, scene, random, mode="nearest")

    def _mixed(self, random: np.random.Generator, scene: Background) -> tuple[Tensor, Tensor]:
        zoom = np.exp(random.uniform(-ZOOMED, ZOOMED)) if self.augment else 1.0
        side = max(4, round(self.patch * zoom))
        patch = turned(random, scene.draw(random, side))
        image, mask = Mixture(self.scenes, self.sizes, self.strengths)(random, scene, patch)
        mask[(mask == 0) & scene.unsure(patch)] = -1
        return self._seen(self._varied(random, image), mask, scene, random, mode="bilinear")

    def _varied(self, random: np.random.Generator, image: np.ndarray) -> np.ndarray:
        """Return an image as another sensor might see it; whitening takes such differences out anyway."""
        if not self.augment or self.normalisation.kind == WHITEN:
            return image
        bands = image.shape[-1]
        first, last = random.uniform(-BENT, BENT, 2)
        places = np.linspace(first, 1 + last, bands) * (bands - 1)
        here, there = (BandGrid(bands, np.clip(c, 0, bands - 1)) for c in (np.arange(bands) * 1.0, places))
        brighter = np.exp(random.uniform(-BRIGHTNESS, BRIGHTNESS))
        return np.asarray(resampling(here, there)(image) * np.float32(brighter))

    def _seen(
        self, image: np.ndarray, mask: np.ndarray, scene: Background, random: np.random.Generator, mode: str
    ) -> tuple[Tensor, Tensor]:
        values = scene.normaliser(torch.from_numpy(image))
        if self.augment and self.normalisation.kind == WHITEN:
            values = _mixed_components(random, values, self.normalisation.components)
        channels = self.normalisation.features(values).permute(2, 0, 1)[None]
        size = (self.input_size, self.input_size)
        corners = None if mode == "nearest" else False
        seen = functional.interpolate(channels, size=size, mode=mode, align_corners=corners)
        wanted = functional.interpolate(torch.from_numpy(mask)[None, None], size=size, mode="nearest")
        return seen[0], wanted[0]


def _mixed_components(random: np.random.Generator, values: Tensor, components: int) -> Tensor:
    """Return whitened values with each group of components turned at random.

    Which direction within a group comes first, and its sign, say nothing that another scene would repeat.
    """
    parts = []
    for first, last in groups(components):
        basis, _ = np.linalg.qr(random.standard_normal((last - first, last - first)))
        basis *= random.choice([-1.0, 1.0])
        parts.append(values[..., first:last] @ torch.from_numpy(basis.astype(np.float32)))
    return torch.cat(parts, dim=-1)
