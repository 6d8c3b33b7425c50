"""From a scene's cube to what the network sees, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from had_cli.plugin import GlobalExtrema, Joint, Run, SceneError
from had_nl2net.mosaic import reflected

Cube = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class Sums(NamedTuple):
    """Number of pixels and their sum, (bands,) float64."""

    pixels: int
    total: npt.NDArray[np.float64]


@dataclass(frozen=True)
class BandSums:
    """Reduction to :class:`Sums`."""

    def compute(self, pixels: Any, xp: Any) -> Sums:
        """Return the sums of n x bands pixels."""
        total = xp.sum(pixels, axis=0, dtype=xp.float64)
        return Sums(pixels.shape[0], np.asarray(total.cpu() if hasattr(total, "cpu") else total))

    def merge(self, first: Sums, second: Sums) -> Sums:
        """Return the sums of both."""
        return Sums(first.pixels + second.pixels, first.total + second.total)


@dataclass(frozen=True)
class Scaling:
    """The cube in [0, 1], by the least and the greatest value of the scene's valid pixels.

    Invalid pixels show the network the scene's mean spectrum. A copy of the nearest valid pixel would
    fit its surroundings better, but let the network see at an edge of nodata the very pixel it is to
    rebuild.

    Attributes
    ----------
    low, high : the extremes
    mean : (bands,) mean spectrum, in the units of the scene
    """

    low: float
    high: float
    mean: Cube

    def scaled(self, cube: Cube) -> Cube:
        """Return a cube in [0, 1]."""
        return np.asarray((cube - np.float32(self.low)) / np.float32(self.high - self.low))

    def unscaled(self, cube: Cube) -> Cube:
        """Return a cube in the units of the scene."""
        return np.asarray(cube * np.float32(self.high - self.low) + np.float32(self.low))

    def shown(self, cube: Cube, valid: Mask, factor: int) -> torch.Tensor:
        """Return rows x cols x bands as the network sees it: 1 x bands x rows x cols, channels last.

        Rows and columns are lengthened by reflection to multiples of ``factor``.
        """
        image = self.scaled(cube)
        if not valid.all():
            image[~valid] = self.scaled(self.mean)
        rows, cols = (reflected(size, factor) for size in valid.shape)
        return torch.from_numpy(image[rows][:, cols]).permute(2, 0, 1)[None]


def scene_scaling(run: Run) -> Scaling:
    """Return the scaling of a scene, in one pass.

    Raises
    ------
    SceneError
        When the scene has no valid pixel, or but one value.
    """
    extrema, sums = run.reduce(Joint((GlobalExtrema(), BandSums())))
    if extrema.low == extrema.high:
        raise SceneError(
            f"{run.scene.path}: every valid value is {extrema.low:g}, so there is nothing to learn; "
            "choose other bands or another window"
        )
    return Scaling(extrema.low, extrema.high, (sums.total / sums.pixels).astype(np.float32))
