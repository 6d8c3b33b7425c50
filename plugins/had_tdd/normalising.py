"""From the spectra of a scene to the channels that the network sees.

``max`` is published: every band divided by its greatest value over the scene. Scenes then still differ
in brightness, in their materials and in which bands mean what. ``whiten`` takes these differences out:
the leading principal components of the scene's own background, each with unit variance, so that the
network sees how far a pixel lies from what is common in its scene, and from its surroundings, whatever
the sensor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Moments, Resampling, SecondMoments, WeightsError, to_host

MAXIMUM, WHITEN = "max", "whiten"
KINDS = (MAXIMUM, WHITEN)
# Added to every variance, as a part of the total: directions that hold rounding only are not blown up.
RIDGE = 1e-6
MOST_COMPONENTS = 1024
SURROUNDINGS = 9  # side in pixels of what a pixel is compared with
Float = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Normalisation:
    """How a network wants its input.

    Attributes
    ----------
    kind : ``max`` or ``whiten``
    components : principal components that ``whiten`` keeps
    """

    kind: str = MAXIMUM
    components: int = 0

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Normalisation:
        """Return what the header of a weights file names.

        Raises
        ------
        WeightsError
            When it names none that is known.
        """
        known = header.get("normalisation")
        known = known if isinstance(known, Mapping) else {}
        kind, components = known.get("kind"), known.get("components", 0)
        if (
            kind not in KINDS
            or not isinstance(components, int)
            or not (kind == WHITEN) <= components <= MOST_COMPONENTS
        ):
            raise WeightsError("the header of these weights names no normalisation that this had knows")
        return cls(kind, components)

    def header(self) -> dict[str, Any]:
        """Return it as values for the header of a weights file."""
        return {"kind": self.kind} | ({"components": self.components} if self.kind == WHITEN else {})

    def channels(self, bands: int) -> int:
        """Return how many channels the network's input has, for spectra of so many bands."""
        return bands if self.kind == MAXIMUM else self.components + 2 * (len(groups(self.components)) + 1)

    def features(self, values: Any) -> Any:
        """Return rows x cols x channels of the linear values of :class:`Normaliser`, as torch tensors.

        Whitened components are compressed, and joined by their energies in groups of one, one, two, four,
        ... components and of all, which is the Mahalanobis distance of GRX, on a logarithmic scale; and by
        the same energies of the difference between a pixel and the mean of the 9 x 9 pixels around it.
        """
        if self.kind == MAXIMUM:
            return values
        import torch

        around = surroundings(values)
        energies = [
            squares[..., a:b].mean(dim=-1)
            for squares in (values.square(), (values - around).square())
            for a, b in (*groups(self.components), (0, None))
        ]
        return torch.cat([values.asinh(), torch.stack(energies, dim=-1).log1p()], dim=-1)


def surroundings(values: Any) -> Any:
    """Return rows x cols x channels: the mean of the 9 x 9 pixels around each, as far as there are some.

    Down and then across, since a mean over a rectangle is a mean of means.
    """
    from torch.nn import functional

    image, reach = values.movedim(-1, 0)[None], SURROUNDINGS // 2
    down = functional.avg_pool2d(image, (SURROUNDINGS, 1), 1, (reach, 0), count_include_pad=False)
    return functional.avg_pool2d(down, (1, SURROUNDINGS), 1, (0, reach), count_include_pad=False)[0].movedim(
        0, -1
    )


def groups(components: int) -> list[tuple[int, int]]:
    """Return the first and the last component but one of each group: 1, 1, 2, 4, ... of them."""
    ends = [0, 1, *(2**k for k in range(1, 32) if 2**k < components), components]
    return [(a, b) for a, b in pairwise(ends) if b > a]


@dataclass(frozen=True)
class SceneStatistics:
    """What a scene is normalised by.

    Attributes
    ----------
    maximum : (network bands,) greatest value of each resampled band
    moments : of the scene's own bands
    """

    maximum: npt.NDArray[np.float64]
    moments: Moments


@dataclass(frozen=True)
class Statistics:
    """Reduction to :class:`SceneStatistics`."""

    spectra: Resampling

    def compute(self, pixels: Any, xp: Any) -> SceneStatistics:
        """Return the statistics of n x bands pixels."""
        maximum = to_host(xp.max(self.spectra(pixels, xp), axis=0)).astype(np.float64)
        return SceneStatistics(maximum, SecondMoments().compute(pixels, xp))

    def merge(self, first: SceneStatistics, second: SceneStatistics) -> SceneStatistics:
        """Return the statistics of both."""
        moments = SecondMoments().merge(first.moments, second.moments)
        return SceneStatistics(np.maximum(first.maximum, second.maximum), moments)


@dataclass(frozen=True, eq=False)
class Normaliser:
    """The affine map from spectra to the values that :meth:`Normalisation.features` takes.

    Attributes
    ----------
    normalisation : what it is for
    offset : (bands,) taken off each spectrum
    matrix : (bands, values)
    """

    normalisation: Normalisation
    offset: Float
    matrix: Float

    def __call__(self, spectra: Any) -> Any:
        """Return ... x values of ... x bands, torch tensors."""
        import torch

        offset, matrix = (torch.as_tensor(a, device=spectra.device) for a in (self.offset, self.matrix))
        return (spectra - offset) @ matrix


def scaling(known: SceneStatistics) -> npt.NDArray[np.float64]:
    """Return (network bands,) what each band is divided by: its maximum, or 1 where that is not positive."""
    return np.where(known.maximum > 0, known.maximum, 1.0)


def of_scaled(normalisation: Normalisation, spectra: Resampling, known: SceneStatistics) -> Normaliser:
    """Return the map from the scene's resampled spectra, each band divided by its :func:`scaling`.

    Components that the scene does not have (fewer bands, or fewer that vary) are zero throughout.
    """
    scale = scaling(known)
    if normalisation.kind == MAXIMUM:
        bands = len(scale)
        return Normaliser(normalisation, np.zeros(bands, np.float32), np.eye(bands, dtype=np.float32))
    resampled = _matrix(spectra, len(known.moments.mean))
    covariance = known.moments.scatter / max(1, known.moments.count - 1)
    white = _whitening(resampled.T @ covariance @ resampled, normalisation.components)
    mean = known.moments.mean @ resampled / scale
    return Normaliser(normalisation, mean.astype(np.float32), (white * scale[:, None]).astype(np.float32))


def of_scene(normalisation: Normalisation, spectra: Resampling, known: SceneStatistics) -> Normaliser:
    """Return the map from the scene's own spectra: resampled, scaled and normalised at once."""
    bands = len(known.moments.mean)
    scaled = of_scaled(normalisation, spectra, known)
    matrix = (_matrix(spectra, bands) / scaling(known)) @ scaled.matrix
    offset = known.moments.mean if normalisation.kind == WHITEN else np.zeros(bands)
    return Normaliser(normalisation, offset.astype(np.float32), matrix.astype(np.float32))


def _matrix(spectra: Resampling, bands: int) -> npt.NDArray[np.float64]:
    return np.eye(bands) if spectra.matrix is None else spectra.matrix.astype(np.float64)


def _whitening(covariance: npt.NDArray[np.float64], components: int) -> npt.NDArray[np.float64]:
    """Return (bands, components): leading eigenvectors over the root of their variances."""
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    # of a vector and its negative the one whose greatest entry is positive, on any machine
    vectors = vectors * np.where(np.abs(vectors.min(axis=0)) > vectors.max(axis=0), -1.0, 1.0)
    total = variances.sum()
    kept = min(components, len(variances))
    white = np.zeros((len(variances), components))
    if total > 0 and math.isfinite(total):
        white[:, :kept] = (vectors / np.sqrt(variances + RIDGE * total))[:, :kept]
        white[:, :kept][:, variances[:kept] <= 1e-12 * total] = 0  # rounding
    return white
