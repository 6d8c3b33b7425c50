"""Covariances drawn towards a multiple of the identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Moments, Run, chunk_pixels, device_of, like

Array = npt.NDArray[np.float64]


def shrunk_covariance(run: Run, moments: Moments, kind: str, weight: float) -> tuple[Array, float | None]:
    """Return (1 - w) S + w trace(S)/B I and w, None for no shrinkage.

    ``kind`` is ``none``, ``fixed`` (w as given), ``ledoit-wolf`` (Ledoit & Wolf 2004, Lemma 3.1 to
    3.5) or ``oas`` (Chen et al. 2010, eq. 23). The two estimates need S with divisor N; so does then
    the result, as in scikit-learn.
    """
    if kind == "none":
        return moments.covariance, None
    if kind == "fixed":
        covariance = moments.covariance
    else:
        covariance = moments.scatter / moments.count
        weight = _oas(covariance, moments.count) if kind == "oas" else _ledoit_wolf(run, moments)
    bands = len(covariance)
    return (1 - weight) * covariance + weight * np.trace(covariance) / bands * np.eye(bands), weight


def _oas(covariance: Array, count: int) -> float:
    bands = len(covariance)
    square, trace = float(np.sum(covariance**2)), float(np.trace(covariance))
    spread = (count + 1) * (square - trace**2 / bands)
    # the form of Chen et al. for real data without the factor 2/p, which vanishes for many bands
    return 1.0 if spread <= 0 else min(1.0, (square + trace**2) / spread)


def _ledoit_wolf(run: Run, moments: Moments) -> float:
    bands, count = len(moments.mean), moments.count
    covariance = moments.scatter / count
    fourth: float = run.reduce(FourthMoment(moments.mean), "shrinkage", background=True)
    square = float(np.sum(covariance**2))
    distance = square - float(np.trace(covariance)) ** 2 / bands  # d^2 B: how far S is from the identity
    error = (fourth / count - square) / count  # b^2 B: how far S is from the true covariance
    return 0.0 if distance <= 0 else float(np.clip(error / distance, 0.0, 1.0))


@dataclass(frozen=True)
class FourthMoment:
    """Reduction to the sum of |x - mean|^4."""

    mean: Array

    def compute(self, pixels: Any, xp: Any) -> float:
        """Return the sum over n x bands pixels."""
        mean, chunk = like(pixels, self.mean, xp), chunk_pixels(xp)
        total = xp.zeros((), dtype=xp.float64, device=device_of(pixels))
        for start in range(0, pixels.shape[0], chunk):
            x = xp.astype(pixels[start : start + chunk, :], xp.float64) - mean
            total = total + xp.sum(xp.vecdot(x, x) ** 2)
        return float(total)  # one copy from a device

    def merge(self, first: float, second: float) -> float:
        """Return the sum of both."""
        return first + second
