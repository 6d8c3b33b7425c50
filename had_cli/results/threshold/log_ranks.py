"""The background's tail of a score that is a sum of log-ranks, such as SSF's.

Ranks are shared out among all pixels, anomalies included: those take the highest, and no gap shows where
the background ends. A fit to the whole tail takes them for background and puts the threshold too high. But
the law is known. The log-ranks of a map are exponential, and a sum of log-ranks has an exponential tail,
whatever the maps have in common: its generalised Pareto shape is near 0. So the tail is fitted to the pixels
below the upper two percent of the scene, where anomalies are few, by the likelihood of a law that is cut
off there, and continued from there.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from had_cli.results.threshold.tail import Excesses, Fit, Float

SET_ASIDE = 0.02
"""Fraction of the pixels whose scores are not looked at: anomalies are rarer by definition."""

SHAPE_PRIOR = (0.0, 0.05)
"""Mean and deviation of the normal prior on the shape: that of an exponential tail."""


def fit_below(excesses: Excesses, guess: Fit | None = None) -> Fit:
    """Return the generalised Pareto law of the excesses below the upper SET_ASIDE of all pixels.

    ``anomalies`` of the result is the share of the tail beyond what that law says, 0 where it says more.
    """
    values, counts = excesses.values, excesses.counts
    order = np.argsort(values)
    upto = np.cumsum(counts[order]) / counts.sum()
    inside = max(int(np.searchsorted(upto, 1 - SET_ASIDE / excesses.fraction)), 1)
    kept = order[:inside]
    cut = float(values[order[min(inside, len(order) - 1)]])
    unit = float(np.average(values[kept], weights=counts[kept])) or 1.0
    scaled, weights, end = values[kept] / unit, counts[kept], cut / unit
    mean, deviation = SHAPE_PRIOR

    def cost(parameters: Float) -> float:
        shape, log_scale = map(float, parameters)
        scale = float(np.exp(log_scale))
        if 1 + shape * end / scale <= 0:
            return np.inf
        density = _log_density(scaled, shape, scale)
        covered = np.log(_covered(end, shape, scale))
        return float(0.5 * ((shape - mean) / deviation) ** 2 - weights @ (density - covered))

    start = [0.0, 0.3] if guess is None else [guess.shape, np.log(guess.scale / unit)]
    found = minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    shape, log_scale = map(float, found.x)
    scale = float(np.exp(log_scale))
    below = float(weights.sum() / counts.sum())
    background = min(below / _covered(end, shape, scale), 1.0)
    return Fit(shape, scale * unit, 1 - background)


def _log_density(excesses: Float, shape: float, scale: float) -> Float:
    if abs(shape) < 1e-9:
        return np.asarray(-excesses / scale - np.log(scale))
    return np.asarray(-(1 / shape + 1) * np.log1p(shape * excesses / scale) - np.log(scale))


def _covered(end: float, shape: float, scale: float) -> float:
    """Return the probability of an excess below ``end``."""
    if abs(shape) < 1e-9:
        return float(-np.expm1(-end / scale))
    return float(-np.expm1(-np.log1p(shape * end / scale) / shape))
