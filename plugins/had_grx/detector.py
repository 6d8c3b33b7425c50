"""The detector: moments of the scene, then the Mahalanobis distance of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import (
    Block,
    Run,
    SceneError,
    chunk_pixels,
    device_of,
    is_small,
    like,
    reading_error,
    scene_moments,
    warn_of_reading_error,
)
from had_grx.shrinkage import shrunk_covariance
from had_grx.whitening import Whitening, whitening

TOLERANCE = 2e-6  # relative error of a score that single precision may add


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return the score of every pixel, rows x cols; ``params`` are those of :func:`score`."""
    return score(
        run,
        shrinkage=params.shrinkage,
        shrinkage_weight=params.shrinkage_weight,
        components=params.components,
    )


def score(
    run: Run, *, shrinkage: str = "none", shrinkage_weight: float = 1e-3, components: int | None = None
) -> npt.NDArray[np.float32]:
    """Return (x - m)^T S^+ (x - m) of every pixel, rows x cols (Reed & Yu 1990, eq. 25).

    With the defaults S is the sample covariance with divisor N - 1, and S^+ its inverse on all
    directions in which the scene varies by more than rounding.
    """
    moments, _ = scene_moments(run)
    if moments.count < 2:
        raise SceneError(f"{run.scene.path}: a single valid pixel has no covariance; GRX needs at least two")
    covariance, weight = shrunk_covariance(run, moments, shrinkage, shrinkage_weight)
    white = whitening(covariance, moments.mean, components)
    bands = len(moments.mean)
    if weight is not None:
        run.record(shrinkage_weight=weight)
    if components is None and white.rank < bands:
        run.warn(
            f"the covariance has rank {white.rank} of {bands} (bands that are constant or combinations of "
            f"others, or too few pixels: {moments.count}): directions without variance are left out"
        )
    if components is None and weight is None and moments.count <= 2 * bands:
        run.warn(
            f"{moments.count} valid pixels for {bands} bands: the covariance is poorly known and scores say "
            "little; consider --shrinkage ledoit-wolf or fewer bands"
        )
    if white.rank:
        noise = reading_error(run, moments.mean)[:, None] * white.matrix
        warn_of_reading_error(run, float(np.sqrt(np.sum(noise**2) / white.rank)))
    run.record(rank=white.rank, valid_pixels=moments.count)
    if weight is None:  # a shrunk covariance makes no chi-square scores, whatever the background
        run.record(chi_square_freedom=white.rank)
    return run.map(Distance(white, precision(run, white, covariance)))


def precision(run: Run, white: Whitening, covariance: npt.NDArray[np.float64]) -> str:
    """Return the precision in which scores are computed: single where it loses less than TOLERANCE."""
    bands = run.scene.shape[2]
    if is_small(run.scene):
        return "float64"
    # a product of rounded terms errs by 2^-24 |x| |w| per component; the score is a mean over rank of them
    error = 2.0**-23 * np.sqrt(
        np.trace(covariance) / bands * np.sum(white.matrix**2) / max(white.rank, 1) ** 2
    )
    return "float32" if error <= TOLERANCE else "float64"


@dataclass(frozen=True)
class Distance:
    """Block map to squared Mahalanobis distances."""

    white: Whitening
    precision: str

    def __call__(self, block: Block) -> Any:
        """Return core height x core width squared distances."""
        xp = block.xp
        cube = block.core_of(block.cube)
        pixels = xp.reshape(cube, (-1, cube.shape[-1]))
        dtype = getattr(xp, self.precision)
        origin = self.white.mean.astype(self.precision)
        # what rounding the mean took away is put back where it is of the size of the result
        rest = (self.white.mean - origin) @ self.white.matrix
        mean, shift, matrix = (
            like(pixels, a.astype(self.precision), xp) for a in (origin, rest, self.white.matrix)
        )
        scores = xp.empty((pixels.shape[0],), dtype=xp.float32, device=device_of(pixels))
        chunk = chunk_pixels(xp)
        for start in range(0, pixels.shape[0], chunk):
            x = xp.astype(pixels[start : start + chunk, :], dtype, copy=False) - mean
            z = self.white.applied(x, matrix)
            z -= shift
            scores[start : start + chunk] = xp.astype(xp.vecdot(z, z), xp.float32)
        return xp.reshape(scores, cube.shape[:2])
