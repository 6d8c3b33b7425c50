"""What is rare in texture and colour: RX of random convolutional features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from had_cli.plugin import Block, Moments, device_of, like, merge_moments, to_host
from had_ssf.surroundings import reflected

CHANNELS = 128
DRAWS = 3
RIDGE = 1e-3  # a part of the mean variance of the channels
TINY = 1e-12  # added before the logarithm
HALO = 1
CHUNK = 2048  # pixels per product: a chunk and its image stay in the cache

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Filters:
    """A 3 x 3 convolution to channels: ``weights`` (9 k, channels), rows by taps, then components."""

    weights: Array
    biases: Array


def drawn(seed: int, variances: Array) -> Filters:
    """Return the filters of one draw, for k components of these variances.

    Weights are N(0, 1) sqrt(2 / (9 k)) m, with m falling by half with each step from the centre, and
    sum m^2 = 9 over the taps. They take the components to a mean variance of 1.
    """
    count = len(variances)
    steps = np.abs(np.arange(-1, 2))
    taps = 0.5 ** (steps[:, None] + steps).ravel()
    taps *= 3 / np.sqrt(np.sum(taps**2))
    random = np.random.default_rng(seed)
    weights = random.standard_normal((9 * count, CHANNELS))
    biases = 0.3 * random.standard_normal(CHANNELS)
    scale = np.sqrt(2 / (9 * count)) / np.sqrt(np.mean(variances) or 1.0)
    return Filters(weights * np.repeat(taps, count)[:, None] * scale, biases)


def neighbourhoods(block: Block) -> Iterator[tuple[slice, Any]]:
    """Yield rows of the core and their pixels' 3 x 3 neighbourhoods, n x 9 k, in double precision.

    A neighbour that is invalid counts as equal to the pixel itself: no edge of what is known is a
    texture.
    """
    xp, core = block.xp, block.core
    cube, valid = reflected(block, HALO)
    whole = bool(xp.all(valid))
    rows = max(1, CHUNK // core.width)
    for row in range(0, core.height, rows):
        stop = min(row + rows, core.height)
        part, known = cube[row : stop + 2, ...], valid[row : stop + 2, :]
        centre = part[1:-1, 1:-1, :]
        taps = []
        for i in range(3):
            for j in range(3):
                there = slice(i, i + stop - row), slice(j, j + core.width)
                tap = part[there]
                taps.append(tap if whole else xp.where(known[there][..., None], tap, centre))
        x = xp.astype(xp.concat(taps, axis=-1), xp.float64)
        yield slice(row, stop), xp.reshape(x, (-1, x.shape[-1]))


def features(x: Any, filters: Filters, xp: Any) -> Any:
    """Return the channels of n neighbourhoods, n x channels, rounded to single precision."""
    z = x @ like(x, filters.weights, xp)
    z += like(x, filters.biases, xp)
    return xp.tanh(xp.astype(z, xp.float32))


@dataclass(frozen=True)
class RandomFeatures:
    """The member ``rcf``: the mean over draws of the logarithm of RX of random features."""

    draws: tuple[Filters, ...]
    name = "rcf"
    halo = HALO

    def measured(self, block: Block) -> tuple[Moments, ...]:
        """Return the moments of the channels of each draw over the valid pixels of the core."""
        xp, valid = block.xp, block.core_of(block.valid)
        count = int(xp.sum(xp.astype(valid, xp.int64)))
        total = np.zeros((len(self.draws), CHANNELS))
        products = np.zeros((len(self.draws), CHANNELS, CHANNELS))
        for rows, pixels in neighbourhoods(block):
            known = xp.reshape(valid[rows, :], (-1,))
            x = pixels if bool(xp.all(known)) else pixels[known]
            for draw, filters in enumerate(self.draws):
                f = xp.astype(features(x, filters, xp), xp.float64)
                total[draw] += to_host(xp.sum(f, axis=0))
                products[draw] += to_host(f.T @ f)
        # channels lie in [-1, 1] and are no small numbers beside their means: nothing cancels
        mean = total / count
        return tuple(
            Moments(count, m, p - np.outer(m, m) * count) for m, p in zip(mean, products, strict=True)
        )

    def merged(self, first: tuple[Moments, ...], second: tuple[Moments, ...]) -> tuple[Moments, ...]:
        """Return the moments of both."""
        return tuple(merge_moments(a, b) for a, b in zip(first, second, strict=True))

    def scores(self, known: tuple[Moments, ...]) -> RareFeatures:
        """Return the block map, once the moments over the scene are known."""
        return RareFeatures(self.draws, tuple(m.mean for m in known), tuple(whitening(m) for m in known))


def whitening(moments: Moments) -> Array:
    """Return W with W W^T = (S + RIDGE trace(S) / channels I)^-1; zeros where nothing varies."""
    covariance = moments.covariance
    size = len(covariance)
    ridge = RIDGE * np.trace(covariance) / size
    if not ridge > 0:
        return np.zeros_like(covariance)
    lower = np.linalg.cholesky(covariance + ridge * np.eye(size))
    return np.ascontiguousarray(solve_triangular(lower, np.eye(size), lower=True).T)


@dataclass(frozen=True)
class RareFeatures:
    """Block map to the mean over draws of log(RX + TINY); RX in double precision."""

    draws: tuple[Filters, ...]
    means: tuple[Array, ...]
    whitenings: tuple[Array, ...]

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        xp, core = block.xp, block.core
        result = xp.empty((core.height, core.width), dtype=xp.float32, device=device_of(block.cube))
        for rows, x in neighbourhoods(block):
            total = xp.zeros((x.shape[0],), dtype=xp.float64, device=device_of(x))
            for filters, mean, white in zip(self.draws, self.means, self.whitenings, strict=True):
                f = xp.astype(features(x, filters, xp), xp.float64)
                f -= like(x, mean, xp)
                z = f @ like(x, white, xp)
                total += xp.log(xp.vecdot(z, z) + TINY)
            result[rows, :] = xp.reshape(xp.astype(total / len(self.draws), xp.float32), (-1, core.width))
        return result
