"""Choose the settings of the tail fit on simulated scores, and print how well each keeps its rate.

    python docs/measurements/tail_simulation.py

Ten background laws, from chi-square to lognormal and mixtures of classes, three fractions of anomalies and
four ways in which their scores may lie; every pixel's class is known, and no real scene is looked at. A row
stands on 240 thresholds, so its fraction has a standard error of about 0.03: the package's setting
(had_cli.results.threshold.tail) is one of the best, which is all that such a choice needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from had_cli.results.threshold import tail

PIXELS = 10_000
RATES = (1e-2, 1e-3)
FRACTIONS = (0.0, 0.003, 0.01)
TAILS, FARS, DEVIATIONS = (0.05, 0.1, 0.15), (0.005, 0.02, 0.06), (0.1, 0.2)

Draw = Callable[[int], np.ndarray]


def backgrounds(rng: np.random.Generator) -> Iterator[Draw]:
    """Yield functions that draw scores of background pixels."""
    for freedom in (50, 150):
        yield lambda n, k=freedom: rng.chisquare(k, n)
    for freedom in (5, 10, 30):  # Student's t in 150 bands
        yield lambda n, v=freedom: rng.chisquare(150, n) / (rng.chisquare(v, n) / v)
    yield lambda n: rng.chisquare(150, n) * np.where(rng.random(n) < 0.2, 2.0, 0.75)
    yield lambda n: rng.chisquare(100, n) * rng.choice([0.6, 1, 1.5, 3], n, p=[0.5, 0.3, 0.15, 0.05])
    for deviation in (0.5, 1.0):
        yield lambda n, s=deviation: np.exp(s * rng.normal(size=n))
    # a product of three distances, as in SLRX
    yield (
        lambda n: (
            np.sqrt(rng.chisquare(60, n) * rng.chisquare(200, n) * rng.chisquare(150, n))
            * np.exp(0.3 * rng.normal(size=n))
        )
    )


def anomalies(rng: np.random.Generator, count: int) -> Iterator[np.ndarray]:
    """Yield scores of anomalies: 0 is the background's median, 1 its threshold at a rate of 1e-3."""
    yield rng.uniform(0, 3, count)
    yield rng.exponential(1.5, count)
    yield np.append(rng.uniform(0.3, 1.5, count), 50.0)[-count:] if count else np.empty(0)
    yield rng.normal(2.5, 0.3, count)


def main() -> None:
    """Print one row per setting."""
    rng = np.random.default_rng(1)
    settings = list(product(TAILS, FARS, DEVIATIONS))
    errors: dict[tuple[float, float, float] | None, list[float]] = {key: [] for key in [None, *settings]}
    for draw in backgrounds(rng):
        reference = np.sort(draw(1_000_000))
        middle, rare = np.median(reference), reference[-1000]
        for fraction in FRACTIONS:
            count = int(PIXELS * fraction)
            for strength in anomalies(rng, count):
                scores = np.append(draw(PIXELS - count), middle + (rare - middle) * strength)
                for setting, rate in product([None, *settings], RATES):
                    value = (
                        np.quantile(scores, 1 - rate) if setting is None else fitted(scores, rate, *setting)
                    )
                    actual = 1 - np.searchsorted(reference, value) / len(reference)
                    errors[setting].append(np.log2(max(actual, 1e-6) / rate))
    print("| tail | beyond T | deviation of the prior | within a factor of 2 | root mean square of log2 |")
    print("|---|---|---|---|---|")
    for setting, found in errors.items():
        name = "plain quantile | | " if setting is None else " | ".join(f"{value:g}" for value in setting)
        clipped = np.clip(found, -4, 4)
        within = np.mean(np.abs(clipped) <= 1)
        print(f"| {name} | {within:.3f} | {np.sqrt(np.mean(clipped**2)):.2f} |")


def fitted(scores: np.ndarray, rate: float, fraction: float, far: float, deviation: float) -> float:
    """Return the threshold of one setting."""
    tail.SHAPE_PRIOR = (tail.SHAPE_PRIOR[0], deviation)
    start = float(np.quantile(scores, 1 - fraction))
    values = scores[scores > start] - start
    known = tail.Excesses(values, np.ones(len(values)), fraction, float(np.quantile(values, 1 - far)))
    found = tail.fit(known)
    background = fraction * (1 - found.anomalies)
    return tail.Tail(start, background, found.shape, found.scale).score_at(min(rate, background))


if __name__ == "__main__":
    main()
