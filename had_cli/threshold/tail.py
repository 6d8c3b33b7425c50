"""The upper tail of the background by a generalised Pareto distribution, in spite of the anomalies.

Above a high enough level u the excesses of almost any distribution follow a generalised Pareto law
(Pickands, Annals of Statistics 3(1), 1975), so the score that a background pixel exceeds with a small
probability P_F can be extrapolated from the many pixels just above u:

    t = u + F^-1(1 - P_F / P(score >= u)).

Broadwater & Chellappa (IEEE Trans. Signal Processing 58(2), 2010) use this for detectors of targets
and note the difficulty: the targets themselves sit in that tail, and a fit by maximum likelihood
follows them. They drop the largest scores until a test is passed. Here every excess keeps a weight
that falls with its unlikeliness under the fit: the minimum density power divergence of Basu et al.
(Biometrika 85(3), 1998), for this distribution in Juarez & Schucany (Extremes 7, 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import genpareto

Float = npt.NDArray[np.float64]

TAIL = 0.1
"""Fraction of the pixels that counts as the tail."""

ROBUSTNESS = 0.3
"""Power of the density power divergence: 0 is maximum likelihood, 1 the L2 distance of densities."""

SHAPES = (-0.5, 1.0)
"""Shapes looked for: below, the law has no regular fit; above, no mean."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A fitted upper tail.

    Attributes
    ----------
    start : the level u, in score units
    fraction : of the pixels at or above u
    shape, scale : of the generalised Pareto law of the excesses over u
    """

    start: float
    fraction: float
    shape: float
    scale: float

    def score_at(self, rate: float) -> float:
        """Return the score that a background pixel exceeds with probability ``rate`` <= ``fraction``."""
        return self.start + float(genpareto.isf(rate / self.fraction, self.shape, scale=self.scale))

    def rate_at(self, score: float) -> float:
        """Return the probability that a background pixel exceeds ``score`` >= ``start``."""
        return self.fraction * float(genpareto.sf(score - self.start, self.shape, scale=self.scale))


def fit_excesses(
    excesses: Float, weights: Float | None = None, robustness: float = ROBUSTNESS
) -> tuple[float, float]:
    """Return shape and scale of the generalised Pareto law nearest to ``excesses``.

    Nearest by the density power divergence: with density f, power a and the sample mean <>, the
    minimum of  integral f^(1+a) - (1 + 1/a) <f^a>, where the integral is scale^-a / (1 + a + a shape).

    Parameters
    ----------
    excesses
        (n,) positive numbers.
    weights
        (n,) how often each counts; default: once.
    """
    weights = np.ones(len(excesses)) if weights is None else weights
    share = weights / weights.sum()
    unit = float(share @ excesses)
    scaled = excesses / unit
    low, high = SHAPES

    def divergence(parameters: Float) -> float:
        shape, scale = float(parameters[0]), float(np.exp(parameters[1]))
        if not low <= shape <= high:
            return np.inf
        log_density = _log_density(scaled, shape, scale)
        if robustness == 0:
            return -float(share @ log_density)
        likeness = float(share @ np.exp(robustness * log_density))
        integral = float(scale**-robustness / (1 + robustness + robustness * shape))
        return integral - (1 + 1 / robustness) * likeness

    best = min(
        (
            minimize(divergence, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-9})
            for start in ([0.1, -0.1], [-0.2, 0.2])
        ),
        key=lambda found: float(found.fun),
    )
    return float(best.x[0]), float(np.exp(best.x[1])) * unit


def _log_density(excesses: Float, shape: float, scale: float) -> Float:
    """Return the logarithm of the density; genpareto.logpdf takes ten times as long for its checks."""
    if abs(shape) < 1e-9:
        surprise = excesses / scale
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            stretched = np.log1p(shape * excesses / scale)
        # beyond the end that a negative shape has, the density is zero
        surprise = np.where(np.isnan(stretched), np.inf, (1 / shape + 1) * stretched)
    density: Float = -np.log(scale) - surprise
    return density
