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
        algorithm=params.algorithm,
    )


def score(
    run: Run,
    *,
    shrinkage: str = "none",
    shrinkage_weight: float = 1e-3,
    components: int | None = None,
    algorithm: str = "rxd",
) -> npt.NDArray[np.float32]:
    """Return (x - m)^T S^+ (x - m) of every pixel, rows x cols (Reed & Yu 1990, eq. 25).

    With the defaults S is the sample covariance with divisor N - 1, and S^+ its inverse on all
    directions in which the scene varies by more than rounding. Where the user chose background, m and S are
    of its pixels. ``algorithm`` ``utd`` returns (1 - m)^T S^+ (x - m), and ``rxd-utd`` (x - 1)^T S^+ (x - m)
    (Chang & Chiang, IEEE TGRS 40(6), 2002).
    """
    moments, _ = scene_moments(run, background=True)
    chosen = run.scene.background
    if moments.count < 2:
        where = "" if chosen is None else f" of the background chosen by {chosen.name}"
        raise SceneError(
            f"{run.scene.path}: a single valid pixel{where} has no covariance; GRX needs at least two"
        )
    covariance, weight = shrunk_covariance(run, moments, shrinkage, shrinkage_weight)
    white = whitening(covariance, moments.mean, components)
    bands = len(moments.mean)
    pixels = "valid pixels" if chosen is None else "pixels of background"
    if weight is not None:
        run.record(shrinkage_weight=weight)
    if components is None and white.rank < bands:
        run.warn(
            f"the covariance has rank {white.rank} of {bands} (bands that are constant or combinations of "
            f"others, or too few pixels: {moments.count}): directions without variance are left out"
        )
    if components is None and weight is None and moments.count <= 2 * bands:
        run.warn(
            f"{moments.count} {pixels} for {bands} bands: the covariance is poorly known and scores say "
            "little; consider --shrinkage ledoit-wolf or fewer bands"
        )
    if white.rank:
        noise = reading_error(run, moments.mean)[:, None] * white.matrix
        warn_of_reading_error(run, float(np.sqrt(np.sum(noise**2) / white.rank)))
    run.record(rank=white.rank)
    run.record(**{"valid_pixels" if chosen is None else "background_pixels": moments.count})
    if algorithm != "rxd":
        # ones are of the scene's own values, also where an origin was taken off these
        origin = 0.0 if run.scene.origin is None else run.scene.origin
        return run.map(Matched(white, 1 - (moments.mean + origin), hybrid=algorithm == "rxd-utd"))
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
        # what rounding the mean took away, s, is put back where it is of the size of the result:
        # |z - s|^2 = |z|^2 - z^T 2s + |s|^2 needs no pass over the pixels of its own
        rest = (self.white.mean - origin) @ self.white.matrix
        mean, twice, matrix = (
            like(pixels, a.astype(self.precision), xp) for a in (origin, 2 * rest, self.white.matrix)
        )
        least = float(rest @ rest)
        scores = xp.empty((pixels.shape[0],), dtype=xp.float32, device=device_of(pixels))
        chunk = chunk_pixels(xp)
        # fresh memory for every chunk would cost as much as what is computed in it
        room = np.empty((min(chunk, len(pixels)), pixels.shape[1]), self.precision) if xp is np else None
        for start in range(0, pixels.shape[0], chunk):
            x = pixels[start : start + chunk, :]
            if room is None:
                x = xp.astype(x, dtype, copy=False) - mean
            else:
                x = np.subtract(x, mean, out=room[: len(x)])
            z = self.white.applied(x, matrix)
            squares = xp.vecdot(z, z) - z @ twice + least
            scores[start : start + chunk] = xp.astype(xp.clip(squares, 0, None), xp.float32)
        return xp.reshape(scores, cube.shape[:2])


@dataclass(frozen=True)
class Matched:
    """Block map to the Uniform Target Detector, or to the squared Mahalanobis distance less that.

    The distance subtracts two sums of the same size, so all of it is in double precision.
    """

    white: Whitening
    ones: npt.NDArray[np.float64]  # less the mean, (bands,)
    hybrid: bool

    def __call__(self, block: Block) -> Any:
        """Return core height x core width (1 - m)^T S^+ (x - m), or (x - 1)^T S^+ (x - m)."""
        xp = block.xp
        cube = block.core_of(block.cube)
        pixels = xp.reshape(cube, (-1, cube.shape[-1]))
        ones = self.ones @ self.white.matrix
        mean, target, matrix = (like(pixels, a, xp) for a in (self.white.mean, ones, self.white.matrix))
        scores = xp.empty((pixels.shape[0],), dtype=xp.float32, device=device_of(pixels))
        chunk = chunk_pixels(xp)
        for start in range(0, pixels.shape[0], chunk):
            x = xp.astype(pixels[start : start + chunk, :], xp.float64) - mean
            z = self.white.applied(x, matrix)
            found = xp.vecdot(z, z - target) if self.hybrid else z @ target
            scores[start : start + chunk] = xp.astype(found, xp.float32)
        return xp.reshape(scores, cube.shape[:2])
