"""The separability box plot: how far the scaled scores of anomalies and background lie apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from had_cli.results.metrics.curve import Curve, Values


@dataclass(frozen=True, slots=True)
class Box:
    """One class of scaled scores: whiskers are the extremes, the box is 10 to 90 %, nothing is dropped."""

    minimum: float
    p10: float
    median: float
    p90: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Separability:
    """The boxes of both classes; a class without pixels has NaN throughout."""

    anomalous: Box
    background: Box

    @property
    def gap(self) -> float:
        """Return p10 of the anomalies minus p90 of the background; above 0 the boxes are apart."""
        return self.anomalous.p10 - self.background.p90


def separability(curve: Curve) -> Separability:
    """Return the separability box plot of ``curve`` on its scale of 0 to 1."""
    return Separability(_box(curve, curve.anomalous), _box(curve, curve.background))


def _box(curve: Curve, ordered: Values) -> Box:
    if not len(ordered):
        return Box(*[math.nan] * 5)
    return Box(*(_quantile(curve, ordered, q) for q in (0.0, 0.1, 0.5, 0.9, 1.0)))


def _quantile(curve: Curve, ordered: Values, q: float) -> float:
    """Return the quantile of sorted values as numpy's default does, linear between neighbours."""
    place = (len(ordered) - 1) * q
    index = math.floor(place)
    below, above = (float(v) for v in curve.scaled(ordered[[index, min(index + 1, len(ordered) - 1)]]))
    return below + (above - below) * (place - index)
