"""From a scene's cube to what the network sees, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from had_cli.plugin import GlobalExtrema, Joint, Moments, Run, SceneError, scene_moments
from had_nl2net.mosaic import reflected
from had_nl2net.settings import CUBE, Settings

Cube = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
# Added to every variance, as a part of the total: directions that hold rounding only are not blown up.
RIDGE = 1e-6
ROUNDING = 1e-12


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


class Input(ABC):
    """How a scene is shown to the network.

    Invalid pixels show it the scene's mean spectrum. A copy of the nearest valid pixel would fit its
    surroundings better, but let the network see at an edge of nodata the very pixel it is to rebuild.

    Attributes
    ----------
    mean : (bands,) mean spectrum, in the units of the scene
    """

    mean: Cube

    @property
    @abstractmethod
    def channels(self) -> int:
        """How many layers the network sees."""

    @abstractmethod
    def scaled(self, cube: Cube) -> Cube:
        """Return ... x channels of ... x bands."""

    @abstractmethod
    def unscaled(self, image: Cube) -> Cube:
        """Return a cube in the units of the scene."""

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """Return it as values for the header of a weights file."""

    def shown(self, cube: Cube, valid: Mask, factor: int) -> torch.Tensor:
        """Return rows x cols x bands as the network sees it: 1 x channels x rows x cols, channels last.

        Rows and columns are lengthened by reflection to multiples of ``factor``.
        """
        image = self.scaled(cube if valid.all() else np.where(valid[..., None], cube, self.mean))
        rows, cols = (reflected(size, factor) for size in valid.shape)
        return torch.from_numpy(image[rows][:, cols]).permute(2, 0, 1)[None]


@dataclass(frozen=True, eq=False)
class Scaling(Input):
    """The cube in [0, 1], by the least and the greatest value of the scene's valid pixels, as published.

    Attributes
    ----------
    low, high : the extremes
    """

    low: float
    high: float
    mean: Cube

    @property
    def channels(self) -> int:
        """The bands."""
        return len(self.mean)

    def scaled(self, cube: Cube) -> Cube:
        """Return a cube in [0, 1]."""
        return np.asarray((cube - np.float32(self.low)) / np.float32(self.high - self.low))

    def unscaled(self, image: Cube) -> Cube:
        """Return a cube in the units of the scene."""
        return np.asarray(image * np.float32(self.high - self.low) + np.float32(self.low))

    def header(self) -> dict[str, Any]:
        """Return the extremes."""
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Whitening(Input):
    """The leading principal components of the scene, each with unit variance.

    In the cube itself, a few directions of the spectra hold nearly all of the variance, and the mean
    difference over bands is theirs alone. Anomalies are told by the others as well.

    Attributes
    ----------
    matrix : (bands, channels)
    inverse : (channels, bands)
    """

    mean: Cube
    matrix: Cube
    inverse: Cube

    @property
    def channels(self) -> int:
        """The components."""
        return int(self.matrix.shape[1])

    def scaled(self, cube: Cube) -> Cube:
        """Return the components."""
        return np.asarray((cube - self.mean) @ self.matrix)

    def unscaled(self, image: Cube) -> Cube:
        """Return the cube that has these components, and nothing besides."""
        return np.asarray(image @ self.inverse + self.mean)

    def header(self) -> dict[str, Any]:
        """Return the number of components; the rest follows from the scene."""
        return {"components": self.channels}


def scene_input(run: Run, settings: Settings) -> Input:
    """Return how the scene is shown, in one pass.

    Raises
    ------
    SceneError
        When the scene has no valid pixel, or but one value.
    """
    if settings.input == CUBE:
        return scene_scaling(run)
    moments, _ = scene_moments(run)
    if moments.count < 2 or not np.trace(moments.scatter) > 0:
        raise SceneError(
            f"{run.scene.path}: every valid pixel is the same, so there is nothing to learn; choose other "
            "bands or another window"
        )
    return whitening(moments, settings.components)


def whitening(moments: Moments, components: int) -> Whitening:
    """Return up to so many leading components of the covariance (divisor N - 1) in which the scene varies."""
    variances, vectors = np.linalg.eigh(moments.covariance)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    total = variances.sum()
    count = min(components, int(np.count_nonzero(variances > ROUNDING * total)))
    vectors = vectors[:, :count]
    # of a vector and its negative the one whose greatest entry is positive, on any machine
    vectors = vectors * np.where(np.abs(vectors.min(axis=0)) > vectors.max(axis=0), -1.0, 1.0)
    deviations = np.sqrt(variances[:count] + RIDGE * total)
    return Whitening(
        moments.mean.astype(np.float32),
        (vectors / deviations).astype(np.float32),
        (vectors * deviations).T.astype(np.float32),
    )


def scene_scaling(run: Run) -> Scaling:
    """Return the published scaling of a scene, in one pass.

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
