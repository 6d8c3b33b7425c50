"""The two sorted score lists from which every figure of merit follows.

P_D(tau) and P_F(tau), the fractions of anomalous and of background pixels with score >= tau, are step
functions that change at scores only. With both lists sorted once, a value of either is one binary
search, and everything that changes at anomalous scores alone (areas, precision, F1) costs as many
searches as there are anomalous pixels: a truth of 50 million pixels is one sort.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating[Any]]
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class RocPoints:
    """Points of the 3-D ROC curve by falling threshold, (0, 0) first.

    Attributes
    ----------
    p_f, p_d : (n,) fractions of background and of anomalous pixels with score >= threshold; NaN where
        the class is absent
    tau : (n,) the threshold on the scale of 0 (lowest valid score) to 1 (highest); inf in front
    threshold : (n,) the same in score units; inf in front
    """

    p_f: Float
    p_d: Float
    tau: Float
    threshold: Float


@dataclass(frozen=True, eq=False)
class Curve:
    """The scores of both classes, ascending.

    Attributes
    ----------
    anomalous, background : sorted 1-D floating arrays without NaN; together at least one value
    """

    anomalous: Values
    background: Values

    @classmethod
    def of(cls, truth: npt.NDArray[np.bool_], scores: Values) -> Curve:
        """Return the curve of 1-D ``scores`` (no NaN) under the bool ``truth`` of the same length."""
        anomalous, background = scores[truth], scores[~truth]
        anomalous.sort()
        background.sort()
        return cls(anomalous, background)

    @property
    def low(self) -> float:
        """The lowest score."""
        return min(float(part[0]) for part in (self.anomalous, self.background) if len(part))

    @property
    def high(self) -> float:
        """The highest score."""
        return max(float(part[-1]) for part in (self.anomalous, self.background) if len(part))

    @property
    def both(self) -> bool:
        """Whether there are pixels of both classes."""
        return len(self.anomalous) > 0 and len(self.background) > 0

    def scaled(self, values: npt.ArrayLike) -> Float:
        """Return ``values`` on the scale of 0 (lowest score) to 1 (highest); NaN if a score is infinite."""
        low, high, array = self.low, self.high, np.asarray(values, dtype=np.float64)
        if math.isinf(low) or math.isinf(high):
            return np.full(array.shape, np.nan)
        if low == high:
            return np.zeros(array.shape)
        if math.isinf(high - low):  # finite scores so far apart that only half their distance is a double
            low, high, array = low / 2, high / 2, array / 2
        return (array - low) / (high - low)

    @cached_property
    def area_df(self) -> float:
        """AUC(D,F) by counting pairs, ties as half: the Mann-Whitney statistic over its maximum.

        It equals the area by trapezoids through the points at every distinct score with (0, 0) in
        front, and is exact up to its last division, since pairs are counted in integers. NaN where a
        class is absent.
        """
        if not self.both:
            return math.nan
        anomalous, background = self.anomalous, self.background
        few, many = (anomalous, background) if len(anomalous) <= len(background) else (background, anomalous)
        below = int(np.searchsorted(many, few, "left").sum(dtype=np.int64))
        not_above = int(np.searchsorted(many, few, "right").sum(dtype=np.int64))
        twice, pairs = below + not_above, len(few) * len(many)
        return (twice if few is anomalous else 2 * pairs - twice) / (2 * pairs)

    @cached_property
    def area_dtau(self) -> float:
        """AUC(D,tau): each anomalous pixel adds a step from 0 to its scaled score, so this is their mean."""
        return self._mean_scaled(self.anomalous)

    @cached_property
    def area_ftau(self) -> float:
        """AUC(F,tau): the mean scaled score of the background."""
        return self._mean_scaled(self.background)

    def _mean_scaled(self, values: Values) -> float:
        """Return the mean of the scaled ``values``, in pieces that need no second copy; NaN if empty."""
        if not len(values):
            return math.nan
        pieces = (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
        return math.fsum(float(self.scaled(piece).sum()) for piece in pieces) / len(values)

    def counts(self, thresholds: Values) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the numbers of (background, anomalous) pixels with score >= each threshold."""
        return (
            len(self.background) - np.searchsorted(self.background, thresholds, "left"),
            len(self.anomalous) - np.searchsorted(self.anomalous, thresholds, "left"),
        )

    def points(self, limit: int | None = None) -> RocPoints:
        """Return the points of the ROC curve: all, or at most about ``limit`` of them.

        The few are true points of the curve: a third evenly spaced in P_D, a third in P_F, a third
        evenly spaced in log P_F, where anomaly detectors are compared.
        """
        if limit is None or len(self.anomalous) + len(self.background) <= limit:
            chosen = np.concatenate([self.anomalous, self.background])
        else:
            share = max(2, limit // 3)
            count = len(self.background)
            even = [part[_even(len(part), share)] for part in (self.anomalous, self.background)]
            steep = np.geomspace(1, count, share).round().astype(np.intp) if count else np.empty(0, np.intp)
            chosen = np.concatenate([*even, self.background[count - steep]])
        descending = np.unique(chosen)[::-1]
        thresholds = descending.astype(np.float64)
        false, true = self.counts(descending)
        return RocPoints(
            p_f=np.concatenate([[0.0], false / (len(self.background) or math.nan)]),
            p_d=np.concatenate([[0.0], true / (len(self.anomalous) or math.nan)]),
            tau=np.concatenate([[math.inf], self.scaled(thresholds)]),
            threshold=np.concatenate([[math.inf], thresholds]),
        )


def _even(length: int, count: int) -> npt.NDArray[np.intp]:
    """Return at most ``count`` indices spread evenly over ``length``, both ends included."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(np.intp))


_SHARED: ContextVar[tuple[npt.NDArray[Any], npt.NDArray[Any], Curve] | None] = ContextVar(
    "had_curve", default=None
)


@contextmanager
def shared(truth: npt.NDArray[np.bool_], scores: Float, curve: Curve) -> Iterator[None]:
    """Let :func:`curve_of` answer ``curve`` for these very arrays, so that many metrics sort once."""
    token = _SHARED.set((truth, scores, curve))
    try:
        yield
    finally:
        _SHARED.reset(token)


def curve_of(truth: npt.NDArray[np.bool_], scores: Float) -> Curve:
    """Return the curve of 1-D ``scores`` under ``truth``."""
    known = _SHARED.get()
    if known is not None and known[0] is truth and known[1] is scores:
        return known[2]
    return Curve.of(np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64))
