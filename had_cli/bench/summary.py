"""Means and mean ranks over scenes, every method on the same scenes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# scene -> label -> value; NaN where there is none
Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One measure over the scenes.

    Attributes
    ----------
    scenes : those counted: every configuration in ``mean`` has a value on each
    mean, rank : by label; rank 1 is the best, equal values share the mean of their ranks. A configuration
        without a value on any scene is left out of both
    """

    scenes: tuple[str, ...]
    mean: dict[str, float]
    rank: dict[str, float]


def summarise(values: Values, labels: Sequence[str], best: float) -> Summary:
    """Return mean and mean rank of each configuration; a value nearer to ``best`` is better.

    A scene on which one of the configurations failed or has no value counts for none of them, since
    means over different scenes cannot be compared; a configuration that never has one is left out.
    """
    used = [label for label in labels if any(not math.isnan(row[label]) for row in values.values())]
    scenes = tuple(
        scene for scene, row in values.items() if used and not any(math.isnan(row[label]) for label in used)
    )
    if not scenes:
        return Summary(scenes=(), mean={}, rank={})
    ranks = [ranked({label: values[scene][label] for label in used}, best) for scene in scenes]
    return Summary(
        scenes=scenes,
        mean={label: mean([values[scene][label] for scene in scenes]) for label in used},
        rank={label: mean([row[label] for row in ranks]) for label in used},
    )


def ranked(values: Mapping[str, float], best: float) -> dict[str, float]:
    """Return the rank of each value by its distance from ``best``, 1 the nearest; ties share their mean."""
    far = {label: distance(value, best) for label, value in values.items()}
    return {
        label: 1
        + sum(other < own for other in far.values())
        + (sum(other == own for other in far.values()) - 1) / 2
        for label, own in far.items()
    }


def distance(value: float, best: float) -> float:
    """Return how far ``value`` is from a perfect one; from an infinite one, the less the larger it is."""
    if math.isinf(best):
        return -value if best > 0 else value
    return abs(value - best)


def mean(values: Sequence[float]) -> float:
    """Return the exactly rounded mean, which does not depend on the order; inf where one is."""
    return math.inf if math.inf in values else math.fsum(values) / len(values)
