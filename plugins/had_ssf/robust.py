"""What is foreign to the scene as a whole, whatever its size: a robust Mahalanobis distance.

Plain RX learns a wide target as a part of the background. Here mean and covariance are those of the
part of the scene that fits together best (Rousseeuw & Van Driessen, Technometrics 41(3), 1999), so a
target of up to 40 percent of the scene does not count. Components are averaged over 5 x 5 pixels
before: a wide target has that much, and clutter of single pixels has not. So that the edge of a target
is not averaged away, a pixel takes the calmest of the squares that it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from had_cli.plugin import Block, BlockMap, like
from had_ssf.averages import REACH, averages, calmest

SAMPLE = 2**14  # pixels of the scene, at most, that mean and covariance are made of
KEPT = 0.6  # of them: those that fit together best
STEPS = 4
RIDGE = 1e-5  # a part of the mean variance

Array = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """Averaged components of some pixels (n, k), and where they lie in the scene (n,)."""

    place: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class RobustDistance:
    """Member: the distance of averaged components from the bulk of the scene.

    ``shape`` is the scene's (rows, cols): the sample is taken on a lattice over it, whatever the blocks.
    ``variances`` (k,) are those of the components.
    """

    shape: tuple[int, int]
    variances: Array
    name: str = "wide"
    halo: int = 2 * REACH

    def measured(self, block: Block) -> Sample:
        """Return the sample of a core."""
        rows, cols = self.shape
        step = max(1, int(np.ceil(np.sqrt(rows * cols / SAMPLE))))
        averaged, known = averages(block), block.core_of(block.valid)
        top, left = block.window.row + block.core.row, block.window.col + block.core.col
        lattice = np.ix_(
            np.arange(-top % step, block.core.height, step), np.arange(-left % step, block.core.width, step)
        )
        row, col = np.broadcast_arrays(*lattice)
        known = np.asarray(known.cpu() if hasattr(known, "cpu") else known)[row, col]
        values = averaged[row, col]
        values = np.asarray(values.cpu() if hasattr(values, "cpu") else values)
        place = (top + row).astype(np.int64) * cols + left + col
        return Sample(place[known], values[known])

    def merged(self, first: Sample, second: Sample) -> Sample:
        """Return both."""
        return Sample(
            np.concatenate([first.place, second.place]), np.concatenate([first.values, second.values])
        )

    def scores(self, known: Sample) -> BlockMap:
        """Return the map of distances from the bulk of the sample."""
        # in the order of the scene, whatever the blocks were
        bulk_of_all = bulk(known.values[np.argsort(known.place)].astype(np.float64))
        spread = np.sqrt(self.variances)
        return Calmest(bulk_of_all, np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0))


@dataclass(frozen=True)
class Mahalanobis:
    """The squared distance |(x - mean) root|^2 of averaged components."""

    mean: Array
    root: Array

    def __call__(self, averaged: Any, xp: Any) -> Any:
        """Return rows x cols of rows x cols x k."""
        x = xp.astype(averaged, xp.float64) - like(averaged, self.mean, xp)
        z = x @ like(averaged, self.root, xp)
        return xp.astype(xp.vecdot(z, z), xp.float32)


@dataclass(frozen=True)
class Calmest:
    """Block map to the distance of the square around each pixel that varies least.

    ``weights`` (k,) of the components' squares make that variation: the inverse of their deviations.
    """

    distance: Mahalanobis
    weights: Array

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        return calmest(block, lambda averaged: self.distance(averaged, block.xp), self.weights)


def bulk(sample: Array) -> Mahalanobis:
    """Return the distance from the part KEPT of n x k ``sample`` whose covariance is about the least.

    The search begins with the pixels nearest to the medians, in median absolute deviations, and keeps
    those of least distance STEPS times.
    """
    count = sample.shape[1]
    centre = np.median(sample, axis=0)
    spread = np.median(np.abs(sample - centre), axis=0)
    spread[spread == 0] = np.inf  # what mostly does not vary says nothing here
    distance = np.sum(((sample - centre) / spread) ** 2, axis=1)
    mean, root = centre, np.zeros((count, count))
    for _ in range(STEPS):
        kept = sample[distance <= np.quantile(distance, KEPT)]
        mean = kept.mean(axis=0)
        covariance = np.atleast_2d(np.cov(kept, rowvar=False, bias=True))
        size = np.trace(covariance) / count
        if not size > 0:
            return Mahalanobis(mean, np.zeros((count, count)))
        factor = np.linalg.cholesky(covariance + RIDGE * size * np.eye(count))
        root = solve_triangular(factor, np.eye(count), lower=True).T
        distance = np.sum(((sample - mean) @ root) ** 2, axis=1)
    return Mahalanobis(mean, root)
