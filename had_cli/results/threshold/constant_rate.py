"""A threshold for a constant false-alarm rate, with its uncertainty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.results.threshold.log_ranks import fit_below
from had_cli.results.threshold.tail import TAIL, Excesses, Fit, Tail, fit

Scores = npt.NDArray[np.floating[Any]]

FEWEST = 50  # excesses below which two parameters cannot be told
LARGEST = 1_000_000  # excesses that are looked at; of more, as many are drawn
RESAMPLES = 100
SINGLE, GROUPED = 300, 700  # the largest excesses are fitted one by one, the others in groups of neighbours
TILE = 16  # pixels: edge of the tiles that are drawn again as a whole


@dataclass(frozen=True, kw_only=True)
class ConstantRate:
    """What :func:`constant_rate` found; see :class:`had_cli.results.threshold.Threshold`."""

    value: float
    interval: tuple[float, float]
    details: dict[str, Any]
    warnings: tuple[str, ...]


def constant_rate(
    scores: Scores,
    rate: float,
    *,
    name: str = "the score map",
    seed: int = 0,
    confidence: float = 0.95,
    log_ranks: bool = False,
) -> ConstantRate:
    """Return the score that background pixels exceed with probability ``rate``.

    The interval is that of a bootstrap which draws tiles of 16 x 16 pixels and not single pixels, since
    neighbours resemble one another and a scene holds less evidence than it has pixels.

    Parameters
    ----------
    scores
        rows x cols (or one axis), NaN where there is no score. Infinite scores count as exceeding.
    log_ranks
        The score is a sum of log-ranks, whose tail is known (:mod:`had_cli.results.threshold.log_ranks`).

    Raises
    ------
    SceneError
        When the tail holds too few different scores.
    """
    rng = np.random.default_rng(seed)
    flat = scores.ravel()
    valid = ~np.isnan(scores)
    count = int(np.count_nonzero(valid))
    fraction = tail_fraction(rate)
    start = float(np.quantile(flat[valid.ravel()], 1 - fraction, method="higher", overwrite_input=True))
    above = np.flatnonzero(flat > start)
    exceeding = len(above) / count
    fitted = above[np.isfinite(flat[above])]
    if len(fitted) > LARGEST:
        fitted = np.sort(rng.choice(fitted, LARGEST, replace=False))
    excesses = flat[fitted].astype(np.float64) - start
    if not np.isfinite(start) or len(excesses) < FEWEST or len(np.unique(excesses)) < FEWEST // 2:
        raise SceneError(
            f"{name}: only {len(np.unique(excesses))} different scores in the upper {fraction:.0%} of "
            f"{count} pixels, too few to fit a tail; use quantile:{1 - rate:g} or value:V"
        )
    group, means = grouped(excesses)
    sizes = np.bincount(group).astype(np.float64)
    known = Excesses(means, sizes, exceeding, Excesses.of(excesses, exceeding).far)
    law: Callable[..., Fit] = fit_below if log_ranks else fit
    best = law(known)
    tail = _tail(start, exceeding, best)
    value = _score_at(tail, rate)
    tiles = Tiles(tile_sizes(valid), tile_of(above, scores.shape), tile_of(fitted, scores.shape))
    resampled = _resample(law, tiles, group, known, best, start, rate, rng)
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    expected = rate * count
    found = int(np.count_nonzero(flat[above] >= value))
    details = {
        "tail_start": start,
        "tail_fraction": exceeding,
        "shape": tail.shape,
        "scale": tail.scale,
        "anomalous_fraction": exceeding * best.anomalies,
        "expected_false_alarms": expected,
    }
    warnings = []
    if expected < 1:
        warnings.append(
            f"{count} pixels hold {expected:.2g} false alarms at a rate of {rate:g}: the threshold is "
            "extrapolated beyond the background's own scores"
        )
    if found > 0.5 * len(above):
        warnings.append(f"{found} pixels reach the threshold, most of the tail: the fit does not describe it")
    return ConstantRate(
        value=value,
        interval=(min(float(low), value), max(float(high), value)),
        details=details,
        warnings=tuple(warnings),
    )


def tail_fraction(rate: float) -> float:
    """Return which part of the pixels is fitted for a false-alarm rate."""
    return min(0.75, max(TAIL, 2 * rate))


class Tiles(NamedTuple):
    """Where the pixels lie: valid ones per tile, and the tile of each that exceeds the start or is fitted."""

    valid: npt.NDArray[np.intp]
    above: npt.NDArray[np.intp]
    fitted: npt.NDArray[np.intp]


def tile_of(pixels: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Return the number of the tile of each flat pixel index; a map of one axis has runs for tiles."""
    if len(shape) != 2:
        return pixels // TILE**2
    rows, cols = np.divmod(pixels, shape[1])
    tiles: npt.NDArray[np.intp] = rows // TILE * -(-shape[1] // TILE) + cols // TILE
    return tiles


def tile_sizes(valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return how many valid pixels each tile has."""
    if valid.ndim != 2:
        runs: npt.NDArray[np.intp] = np.add.reduceat(
            valid.ravel(), np.arange(0, valid.size, TILE**2), dtype=np.intp
        )
        return runs
    down = np.add.reduceat(valid, np.arange(0, valid.shape[0], TILE), axis=0, dtype=np.intp)
    sizes: npt.NDArray[np.intp] = np.add.reduceat(down, np.arange(0, valid.shape[1], TILE), axis=1)
    return sizes.ravel()


def grouped(excesses: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the group of every excess, and the means of the groups.

    What a fit costs then does not grow with the scene, and it loses nothing: within a group of neighbours
    the densities hardly differ.
    """
    count = len(excesses)
    ranks = np.empty(count, dtype=np.intp)
    ranks[np.argsort(excesses, kind="stable")] = np.arange(count)
    below = max(count - SINGLE, 0)
    group = (
        ranks
        if below <= GROUPED
        else np.where(ranks < below, ranks * GROUPED // below, ranks - below + GROUPED)
    )
    return group, np.bincount(group, excesses) / np.bincount(group)


def _tail(start: float, exceeding: float, found: Fit) -> Tail:
    """Return the background's tail: what exceeds the start, less the share of the anomalies."""
    return Tail(start, exceeding * (1 - found.anomalies), found.shape, found.scale)


def _score_at(tail: Tail, rate: float) -> float:
    return tail.score_at(min(rate, tail.fraction))


def _resample(
    law: Callable[..., Fit],
    tiles: Tiles,
    group: npt.NDArray[np.intp],
    known: Excesses,
    best: Fit,
    start: float,
    rate: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return thresholds of scenes put together from tiles drawn with replacement."""
    count = len(tiles.valid)
    above = np.bincount(tiles.above, minlength=count)
    filled = np.flatnonzero(tiles.valid)
    found: list[float] = []
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.choice(filled, len(filled)), minlength=count)
        counts = np.zeros(len(known.values))
        np.add.at(counts, group, drawn[tiles.fitted])
        exceeding = float(drawn @ above) / float(drawn @ tiles.valid)
        if counts.sum() < FEWEST // 2:  # these tiles hold no tail: the start is as much as is known
            found.append(start)
            continue
        again = law(Excesses(known.values, counts, exceeding, known.far), best)
        found.append(_score_at(_tail(start, exceeding, again), rate))
    return np.array(found)
