"""A threshold for a constant false-alarm rate, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.threshold.tail import TAIL, Tail, fit_excesses

Scores = npt.NDArray[np.floating[Any]]

FEWEST = 50  # excesses below which two parameters cannot be told
LARGEST = 20_000  # excesses that are fitted; of more, as many are drawn
RESAMPLES = 100
TILE = 16  # pixels: edge of the tiles that are drawn again as a whole


@dataclass(frozen=True, kw_only=True)
class ConstantRate:
    """What :func:`constant_rate` found; see :class:`had_cli.threshold.Threshold`."""

    value: float
    interval: tuple[float, float]
    details: dict[str, Any]
    warnings: tuple[str, ...]


def constant_rate(
    scores: Scores, rate: float, *, name: str = "the score map", seed: int = 0, confidence: float = 0.95
) -> ConstantRate:
    """Return the score that background pixels exceed with probability ``rate``.

    The interval is that of a bootstrap which draws tiles of 16 x 16 pixels and not single pixels, since
    neighbours resemble one another and a scene holds less evidence than it has pixels.

    Parameters
    ----------
    scores
        rows x cols (or one axis), NaN where there is no score. Infinite scores count as exceeding.

    Raises
    ------
    SceneError
        When the tail holds too few different scores.
    """
    rng = np.random.default_rng(seed)
    flat = scores.ravel()
    places = np.flatnonzero(~np.isnan(flat))
    fraction = tail_fraction(rate)
    start = float(np.quantile(flat[places], 1 - fraction, method="higher"))
    above = places[flat[places] > start]
    exceeding = len(above) / len(places)
    fitted = above[np.isfinite(flat[above])]
    if len(fitted) > LARGEST:
        fitted = np.sort(rng.choice(fitted, LARGEST, replace=False))
    excesses = flat[fitted].astype(np.float64) - start
    if not np.isfinite(start) or len(excesses) < FEWEST or len(np.unique(excesses)) < FEWEST // 2:
        raise SceneError(
            f"{name}: only {len(np.unique(excesses))} different scores in the upper {fraction:.0%} of "
            f"{len(places)} pixels, too few to fit a tail; use quantile:{1 - rate:g} or value:V"
        )
    tail = Tail(start, exceeding, *fit_excesses(excesses))
    value = tail.score_at(rate)
    tiles = tile_numbers(scores.shape)
    resampled = _resample(tiles[places], tiles[above], tiles[fitted], excesses, start, rate, rng)
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    expected = rate * len(places)
    found = int(np.count_nonzero(flat[above] >= value))
    details = {
        "tail_start": start,
        "tail_fraction": exceeding,
        "shape": tail.shape,
        "scale": tail.scale,
        "expected_false_alarms": expected,
    }
    warnings = []
    if expected < 1:
        warnings.append(
            f"{len(places)} pixels hold {expected:.2g} false alarms at a rate of {rate:g}: the threshold is "
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


def tile_numbers(shape: tuple[int, ...], edge: int = TILE) -> npt.NDArray[np.int32]:
    """Return, for every pixel of the flattened map, the number of its tile; of one axis, of its run."""
    if len(shape) != 2:
        return (np.arange(np.prod(shape)) // edge**2).astype(np.int32)
    rows, cols = shape
    across = -(-cols // edge)
    numbers = (np.arange(rows) // edge * across)[:, None] + np.arange(cols) // edge
    return numbers.ravel().astype(np.int32)


def _resample(
    all_tiles: npt.NDArray[np.int32],
    above_tiles: npt.NDArray[np.int32],
    fitted_tiles: npt.NDArray[np.int32],
    excesses: npt.NDArray[np.float64],
    start: float,
    rate: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Return thresholds of scenes put together from tiles drawn with replacement."""
    count = int(all_tiles.max()) + 1
    pixels = np.bincount(all_tiles, minlength=count)
    above = np.bincount(above_tiles, minlength=count)
    filled = np.flatnonzero(pixels)
    if len(excesses) > 2000:  # the spread of a fit needs less precision than the fit
        chosen = rng.choice(len(excesses), 2000, replace=False)
        fitted_tiles, excesses = fitted_tiles[chosen], excesses[chosen]
    found: list[float] = []
    while len(found) < RESAMPLES:
        drawn = np.bincount(rng.choice(filled, len(filled)), minlength=count)
        weights = drawn[fitted_tiles].astype(np.float64)
        if np.count_nonzero(weights) < FEWEST // 2:
            continue
        fraction = float(drawn @ above) / float(drawn @ pixels)
        tail = Tail(start, fraction, *fit_excesses(excesses, weights))
        found.append(tail.score_at(min(rate, fraction)))
    return np.array(found)
