"""Whether configurations differ: Friedman's test, Nemenyi's critical difference, paired bootstrap.

Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006: scenes are the data
sets, and the mean ranks of :mod:`had_cli.bench.summary` are compared. Efron & Tibshirani, "An Introduction
to the Bootstrap", 1993, for the percentile interval; scenes are drawn with replacement, the same for all
configurations, so what is hard about a scene counts for all of them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from had_cli.bench.summary import Summary, Values, distance

LEVEL = 0.05
RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One measure of several configurations over several scenes.

    Attributes
    ----------
    chi_square, p : of Friedman's test with its correction for ties; None below three configurations
    critical_difference : mean ranks further apart than this differ at the level of 0.05 (Nemenyi)
    reference : the configuration whose mean is nearest to a perfect one
    difference : by label, its mean minus that of the reference, with the ``low`` and ``high`` end of the
        95 % interval; empty where a value is infinite
    """

    critical_difference: float
    reference: str
    difference: dict[str, dict[str, float]]
    chi_square: float | None = None
    p: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``results.json``."""
        return {
            "chi_square": self.chi_square,
            "p": self.p,
            "critical_difference": self.critical_difference,
            "reference": self.reference,
            "difference": self.difference,
        }


def compare(values: Values, summary: Summary, best: float) -> Comparison | None:
    """Return the comparison of the configurations in ``summary``; None for fewer than two, or one scene."""
    labels, scenes = list(summary.mean), summary.scenes
    if len(labels) < 2 or len(scenes) < 2:
        return None
    table = np.array([[values[scene][label] for label in labels] for scene in scenes])
    reference = min(labels, key=lambda label: distance(summary.mean[label], best))
    chi_square, p = _friedman(table) if len(labels) > 2 else (None, None)
    return Comparison(
        critical_difference=critical_difference(len(labels), len(scenes)),
        reference=reference,
        difference=_differences(table, labels, reference),
        chi_square=chi_square,
        p=p,
    )


@functools.cache
def critical_difference(configurations: int, scenes: int, level: float = LEVEL) -> float:
    """Return Nemenyi's critical difference of mean ranks, q sqrt(k (k + 1) / (6 N)).

    q is the upper point of the studentized range of k means with infinite degrees of freedom, divided by
    the root of 2 (Demsar 2006, section 3.2.2).
    """
    from scipy.stats import studentized_range

    q = studentized_range.isf(level, configurations, math.inf) / math.sqrt(2)
    return float(q * math.sqrt(configurations * (configurations + 1) / (6 * scenes)))


def cliques(ranks: Mapping[str, float], difference: float) -> list[list[str]]:
    """Return the largest groups of configurations whose mean ranks do not differ, best ranks first."""
    ordered = sorted(ranks, key=lambda label: ranks[label])
    groups: list[list[str]] = []
    for start, label in enumerate(ordered):
        group = [other for other in ordered[start:] if ranks[other] - ranks[label] <= difference]
        if len(group) > 1 and not any(set(group) <= set(earlier) for earlier in groups):
            groups.append(group)
    return groups


def _friedman(table: Any) -> tuple[float | None, float | None]:
    from scipy.stats import friedmanchisquare

    if (table == table[:, :1]).all():  # all tied everywhere: the test divides 0 by 0
        return None, None
    found = friedmanchisquare(*table.T)
    return float(found.statistic), float(found.pvalue)


def _differences(table: Any, labels: Sequence[str], reference: str) -> dict[str, dict[str, float]]:
    if not np.isfinite(table).all():
        return {}
    gaps = table - table[:, [labels.index(reference)]]
    scenes = len(table)
    # how often each scene is drawn; always the same draws, so that the same figures give the same intervals
    drawn = np.random.default_rng(0).multinomial(scenes, np.full(scenes, 1 / scenes), RESAMPLES)
    low, high = np.percentile(drawn @ gaps / scenes, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)], axis=0)
    return {
        label: {"mean": float(gaps[:, i].mean()), "low": float(low[i]), "high": float(high[i])}
        for i, label in enumerate(labels)
        if label != reference
    }
