"""Block reductions that several methods use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from had_cli.engine.arrays import device_of, like, to_host
from had_cli.engine.blas import subtract_product

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

CHUNK = 2048  # pixels per product: a chunk and its image stay in the cache
ON_A_DEVICE = 8192  # a GPU wants more at once; sums of single precision grow no longer than this


def chunk_pixels(xp: Any) -> int:
    """Return how many pixels to compute with at once in the namespace ``xp``."""
    return CHUNK if xp is np else ON_A_DEVICE


class Extrema(NamedTuple):
    """The least and the greatest value over all bands of all valid pixels."""

    low: float
    high: float


@dataclass(frozen=True)
class GlobalExtrema:
    """Reduction to :class:`Extrema`."""

    def compute(self, pixels: Any, xp: Any) -> Extrema:
        """Return the extrema of n x bands pixels."""
        return Extrema(float(xp.min(pixels)), float(xp.max(pixels)))

    def merge(self, first: Extrema, second: Extrema) -> Extrema:
        """Return the extrema of both."""
        return Extrema(min(first.low, second.low), max(first.high, second.high))


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of pixels.

    Attributes
    ----------
    count : number of pixels
    mean : (bands,)
    scatter : (bands, bands), sum of the outer products of the deviations from the mean
    """

    count: int
    mean: Vector
    scatter: Matrix

    @property
    def covariance(self) -> Matrix:
        """The (bands, bands) covariance with divisor count - 1."""
        return self.scatter / (self.count - 1)


def merge_moments(first: Moments, second: Moments) -> Moments:
    """Return the moments of two sets together (Chan, Golub & LeVeque, 1983, eq. 2.1)."""
    count = first.count + second.count
    step = second.mean - first.mean
    return Moments(
        count,
        first.mean + step * (second.count / count),
        first.scatter + second.scatter + np.outer(step, step) * (first.count * second.count / count),
    )


@dataclass(frozen=True)
class Deflation:
    """The affine map y = (x - shift) - ((x - shift) V) U, in single precision.

    ``V`` (bands x k) and ``U`` (k x bands) shrink the k leading directions of the background to the
    size of the others. The map is invertible, so moments of y give moments of x, and y is so well
    conditioned that single precision loses next to nothing in its products.
    """

    shift: npt.NDArray[np.float32]
    v: npt.NDArray[np.float32]
    u: npt.NDArray[np.float32]

    @classmethod
    def enough(cls, pixels: npt.NDArray[np.float32], error: float, most: int = 32) -> Deflation | None:
        """Return the deflation of the fewest components that leave no more than ``error``.

        That is :func:`rounding_error` of pixels like those given, n x bands. None where ``most`` components
        are too few.
        """
        mean, values, vectors = principal_components(pixels)
        for leading in range(min(most, len(mean) - 1) + 1):
            left = np.minimum(values, values[len(values) - leading - 1])
            # pixels are as large as before while the leading directions are taken off, and so is the rounding
            # of each value, which adds to the variance; a few values make one
            rounding = 2.0**-44 * np.mean(values) * np.mean(1 / left) if values[0] > 0 else np.inf
            if _error_of(left) + rounding <= error:
                return cls.of(mean, values, vectors, leading)
        return None

    @classmethod
    def of(cls, mean: Vector, values: Vector, vectors: Matrix, leading: int) -> Deflation:
        """Return the deflation of the ``leading`` ones of :func:`principal_components`; fewer than bands."""
        cut = len(values) - leading
        # never below the rounding of the sample itself, or V would amplify noise
        floor = max(values[cut - 1], values[-1] * 1e-12) if values[-1] > 0 else 1.0
        shrink = 1 - np.sqrt(floor / np.maximum(values[cut:], floor))
        v = vectors[:, cut:]
        u = np.ascontiguousarray((v * shrink).T, np.float32)
        return cls(mean.astype(np.float32), v.astype(np.float32), u)

    def undo(self, moments: Moments) -> Moments:
        """Return the moments of x, given those of y."""
        bands = len(self.shift)
        forward = np.eye(bands) - self.v.astype(np.float64) @ self.u.astype(np.float64)
        back = np.linalg.inv(forward)
        scatter = back.T @ moments.scatter @ back
        return Moments(moments.count, moments.mean @ back + self.shift, (scatter + scatter.T) / 2)


def principal_components(pixels: npt.NDArray[np.float32]) -> tuple[Vector, Vector, Matrix]:
    """Return the mean of n x bands pixels, the ascending eigenvalues of their covariance, and its vectors."""
    x = pixels.astype(np.float64)
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False).reshape(len(mean), -1))
    return mean, values, vectors


def rounding_error(moments: Moments) -> float:
    """Estimate the relative error of Mahalanobis distances when products were in single precision.

    An entry of the covariance carries a relative error of about 2^-24 of the variances of its two
    bands; what reaches the distance is that times the mean variance over the harmonic mean of the
    eigenvalues.
    """
    try:
        return _error_of(np.linalg.eigvalsh(moments.covariance))
    except np.linalg.LinAlgError:  # where products overflowed
        return np.inf


def _error_of(values: npt.NDArray[Any]) -> float:
    """Return :func:`rounding_error` of a covariance with these ascending eigenvalues."""
    return float(2.0**-24 * np.mean(values) * np.mean(1 / values)) if values[0] > 0 else np.inf


@dataclass(frozen=True)
class SecondMoments:
    """Reduction to :class:`Moments`.

    In double precision; or, given a deflation, with products in single precision of the deflated
    pixels and sums in double (the result is then that of y, to be undone by the deflation).
    """

    deflation: Deflation | None = None

    # what overflows in single precision is computed again in double
    @np.errstate(over="ignore", invalid="ignore")
    def compute(self, pixels: Any, xp: Any) -> Moments:
        """Return the moments of n x bands pixels."""
        count, bands = pixels.shape
        device, chunk = device_of(pixels), chunk_pixels(xp)
        v: Any = None
        u: Any = None
        if self.deflation is None:
            # any value near the data guards the products against cancellation
            shift = origin = xp.mean(xp.astype(pixels[:CHUNK, :], xp.float64), axis=0)
        else:
            shift = xp.zeros((bands,), dtype=xp.float64, device=device)
            origin, v, u = (
                like(pixels, a, xp) for a in (self.deflation.shift, self.deflation.v, self.deflation.u)
            )
        total = xp.zeros((1, bands), dtype=xp.float64, device=device)
        products = xp.zeros((bands, bands), dtype=xp.float64, device=device)
        # fresh memory for every chunk costs more than what is computed in it
        room = np.empty((min(chunk, count), bands), np.float32) if xp is np and v is not None else None
        for start in range(0, count, chunk):
            x = pixels[start : start + chunk, :]
            if room is not None:
                y = np.subtract(x, origin, out=room[: len(x)])
                subtract_product(y, y @ v, u)
            else:
                y = x - origin
                if v is not None:
                    y -= (y @ v) @ u
            total += xp.ones((1, y.shape[0]), dtype=y.dtype, device=device) @ y
            products += y.T @ y  # of one matrix, so BLAS computes half of it (syrk)
        # one copy from a device: it waits for all that was asked for before
        sums = to_host(xp.concat([shift[None, :], total / count, products], axis=0))
        shifted, mean, scatter = sums[0], sums[1], sums[2:]
        return Moments(count, mean + shifted, scatter - np.outer(mean, mean) * count)

    def merge(self, first: Moments, second: Moments) -> Moments:
        """Return the moments of both."""
        return merge_moments(first, second)


@dataclass(frozen=True)
class Joint:
    """Several reductions in one pass; the result is the tuple of theirs."""

    parts: tuple[Any, ...]

    def compute(self, pixels: Any, xp: Any) -> tuple[Any, ...]:
        """Return each part's result."""
        return tuple(part.compute(pixels, xp) for part in self.parts)

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return each part's merged result."""
        return tuple(part.merge(a, b) for part, a, b in zip(self.parts, first, second, strict=True))
