"""The upper tail of the background by a generalised Pareto distribution, in spite of the anomalies.

Above a high enough level u the excesses of almost any distribution follow a generalised Pareto law
(Pickands, Annals of Statistics 3(1), 1975), so the score that a background pixel exceeds with a small
probability P_F can be extrapolated from the many pixels just above u (peaks over threshold):

    t = u + F^-1(1 - P_F / P(a background pixel exceeds u)).

Broadwater & Chellappa (IEEE Trans. Signal Processing 58(2), 2010) use this for target detectors and note
the difficulty: the targets sit in that very tail, and a plain fit follows them. They drop the largest
scores one by one until a test is passed. Here the anomalies are a second component of the likelihood,

    (1 - w) f(y; shape, scale) + w h(y),    h(y) = 1/2T for y < T,  T/2y^2 beyond,

where h is deliberately vague: the density of T times the ratio of two uniform numbers, flat over the far
part of the tail and falling off so slowly that no outlier, however far, bends f. Without anomalies w
goes to 0 and the fit is the plain one. How much of the map is the tail, T, and the weak prior on the
shape were chosen on simulated scores alone (``docs/measurements/tail_simulation.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import genpareto

Float = npt.NDArray[np.float64]

TAIL = 0.1
"""Fraction of the pixels that counts as the tail."""

FAR = 0.02
"""Fraction of the tail beyond T."""

SHAPE_LIMITS = (-0.5, 1.0)
"""Shapes looked for: below, the law has no regular fit; above, no mean."""

SHAPE_PRIOR = (0.05, 0.1)
"""Mean and deviation of the normal prior on the shape: from short tails to those of Student's t."""

RARITY = 0.005
"""Mean of the exponential prior on the fraction of anomalous pixels: they are rare by definition."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A fitted upper tail.

    Attributes
    ----------
    start : the level u, in score units
    fraction : of the background pixels above u
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


@dataclass(frozen=True, slots=True)
class Excesses:
    """What is known of the scores above a level.

    Attributes
    ----------
    values : (n,) positive excesses
    counts : (n,) how many pixels each stands for
    fraction : of the pixels that exceed the level
    far : the excess T beyond which anomalies may lie as they like
    """

    values: Float
    counts: Float
    fraction: float
    far: float

    @classmethod
    def of(cls, values: Float, fraction: float) -> Excesses:
        """Return the excesses of single pixels, with the usual T."""
        return cls(values, np.ones(len(values)), fraction, float(np.quantile(values, 1 - FAR)))


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters of the mixture: generalised Pareto ``shape`` and ``scale``, share of ``anomalies``."""

    shape: float
    scale: float
    anomalies: float


def fit(excesses: Excesses, guess: Fit | None = None) -> Fit:
    """Return the mixture of largest posterior density.

    Parameters
    ----------
    guess
        Where to look; default: at several places.
    """
    values, counts = excesses.values, excesses.counts
    unit = float(np.median(values)) / np.log(2)  # the mean, were they exponential: anomalies do not move it
    scaled = values / unit
    vague = _vague(scaled, excesses.far / unit)
    (mean, deviation), (low, high) = SHAPE_PRIOR, SHAPE_LIMITS

    def cost(parameters: Float) -> float:
        shape, log_scale, odds = map(float, parameters)
        if not low <= shape <= high:
            return np.inf
        share = float(expit(odds))
        likelihood = (1 - share) * _density(scaled, shape, np.exp(log_scale)) + share * vague
        prior = 0.5 * ((shape - mean) / deviation) ** 2 + share * excesses.fraction / RARITY
        return float(prior - counts @ np.log(np.maximum(likelihood, np.finfo(float).tiny)))

    if guess is None:
        starts, precision = [[0.0, 0.0, -4.0], [0.0, 0.0, -1.5]], 1e-5
    else:
        odds = float(logit(np.clip(guess.anomalies, 1e-4, 0.99)))
        starts, precision = [[guess.shape, np.log(guess.scale / unit), odds]], 5e-3
    options = {"xatol": precision, "fatol": precision, "maxiter": 500}
    found = [minimize(cost, start, method="Nelder-Mead", options=options) for start in starts]
    shape, log_scale, odds = min(found, key=lambda one: float(one.fun)).x
    return Fit(float(shape), float(np.exp(log_scale) * unit), float(expit(odds)))


def _vague(excesses: Float, far: float) -> Float:
    """Return the density of ``far`` times the ratio of two uniform numbers."""
    density: Float = np.where(excesses < far, 0.5 / far, 0.5 * far / np.maximum(excesses, far) ** 2)
    return density


def _density(excesses: Float, shape: float, scale: float) -> Float:
    """Return the generalised Pareto density; genpareto.pdf takes ten times as long for its checks."""
    if abs(shape) < 1e-9:
        density = np.exp(-excesses / scale) / scale
    else:
        # beyond the end that a negative shape has, the density is zero
        inside = np.maximum(1 + shape * excesses / scale, 0)
        with np.errstate(divide="ignore"):
            density = np.exp(-(1 / shape + 1) * np.log(inside)) / scale
        density = np.where(inside > 0, density, 0)
    result: Float = density
    return result
