"""What is rare in texture and colour: RX of random convolutional features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from had_cli.plugin import Block, Moments, SecondMoments, device_of, like, multiply_in_place, to_host
from had_ssf.surroundings import reflected

CHANNELS = 128
DRAWS = 3
RIDGE = 1e-3  # a part of the mean variance of the channels
TINY = 1e-12  # added before the logarithm
HALO = 1
CHUNK = 1024  # pixels per product: a chunk and its channels stay in the cache

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Filters:
    """A 3 x 3 convolution to the channels of all draws, side by side.

    ``weights`` is (9 k + 1, DRAWS x CHANNELS), rows by taps, then components; the last row is the biases.
    """

    weights: npt.NDArray[np.float32]


def drawn(seed: int, variances: Array) -> Filters:
    """Return the filters for k components of these variances; draw e is made from ``seed`` + e.

    Weights are N(0, 1) sqrt(2 / (9 k)) m, with m falling by half with each step from the centre, and
    sum m^2 = 9 over the taps. They take the components to a mean variance of 1.
    """
    count = len(variances)
    steps = np.abs(np.arange(-1, 2))
    taps = 0.5 ** (steps[:, None] + steps).ravel()
    taps *= 3 / np.sqrt(np.sum(taps**2))
    scale = np.sqrt(2 / (9 * count)) / np.sqrt(np.mean(variances) or 1.0)
    weights, biases = [], []
    for draw in range(DRAWS):
        random = np.random.default_rng(seed + draw)
        weights.append(
            random.standard_normal((9 * count, CHANNELS)) * np.repeat(taps, count)[:, None] * scale
        )
        biases.append(0.3 * random.standard_normal(CHANNELS))
    return Filters(np.vstack([np.hstack(weights), np.hstack(biases)]).astype(np.float32))


def neighbourhoods(block: Block) -> Iterator[tuple[slice, Any]]:
    """Yield rows of the core and their pixels' 3 x 3 neighbourhoods with a 1 for the bias, n x (9 k + 1).

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
        taps.append(xp.ones_like(taps[0][..., :1]))
        x = xp.concat(taps, axis=-1)
        yield slice(row, stop), xp.reshape(x, (-1, x.shape[-1]))


def channels(x: Any, filters: Filters, xp: Any) -> Iterator[Any]:
    """Yield the channels of n neighbourhoods for each draw, n x CHANNELS, in single precision.

    A product of one row is another routine of BLAS, which
    rounds otherwise; beside a copy of itself, a pixel's channels are the same in every block.
    """
    alone = x.shape[0] == 1
    z = (xp.concat([x, x], axis=0) if alone else x) @ like(x, filters.weights, xp)
    z = np.tanh(z, out=z) if xp is np else xp.tanh(z)  # in place: twice the memory would leave the cache
    f = z[: x.shape[0], :]
    for draw in range(DRAWS):
        yield f[:, draw * CHANNELS : (draw + 1) * CHANNELS]


@dataclass(frozen=True)
class RandomFeatures:
    """The member ``rcf``: the mean over draws of the logarithm of RX of random features."""

    filters: Filters
    name = "rcf"
    halo = HALO

    def measured(self, block: Block) -> tuple[Moments, ...]:
        """Return the moments of the channels of each draw over the valid pixels of the core."""
        xp, valid = block.xp, block.core_of(block.valid)
        count = int(xp.sum(xp.astype(valid, xp.int64)))
        total, products = np.zeros((DRAWS, CHANNELS)), np.zeros((DRAWS, CHANNELS, CHANNELS))
        for rows, pixels in neighbourhoods(block):
            known = xp.reshape(valid[rows, :], (-1,))
            x = pixels if bool(xp.all(known)) else pixels[known]
            for draw, single in enumerate(channels(x, self.filters, xp) if x.shape[0] else ()):
                f = xp.astype(single, xp.float64)
                total[draw] += to_host(xp.sum(f, axis=0))
                products[draw] += to_host(f.T @ f)
        # channels lie in [-1, 1] and are no small numbers beside their means: nothing cancels
        mean = total / count
        return tuple(
            Moments(count, m, p - np.outer(m, m) * count) for m, p in zip(mean, products, strict=True)
        )

    def merged(self, first: tuple[Moments, ...], second: tuple[Moments, ...]) -> tuple[Moments, ...]:
        """Return the moments of both."""
        return tuple(SecondMoments().merge(a, b) for a, b in zip(first, second, strict=True))

    def scores(self, known: tuple[Moments, ...]) -> RareFeatures:
        """Return the block map, once the moments over the scene are known."""
        return RareFeatures(self.filters, tuple(m.mean for m in known), tuple(whitening(m) for m in known))


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
    """Block map to the mean over draws of log(RX + TINY).

    RX is in single precision: the ridge bounds what it amplifies, and it errs by less than a millionth.
    """

    filters: Filters
    means: tuple[Array, ...]
    whitenings: tuple[Array, ...]

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        xp, core = block.xp, block.core
        result = xp.empty((core.height, core.width), dtype=xp.float32, device=device_of(block.cube))
        means, whitenings = (
            [like(result, a.astype(np.float32), xp) for a in each] for each in (self.means, self.whitenings)
        )
        for rows, x in neighbourhoods(block):
            total = xp.zeros((x.shape[0],), dtype=xp.float64, device=device_of(x))
            for f, mean, white in zip(channels(x, self.filters, xp), means, whitenings, strict=True):
                total += xp.log(xp.astype(_squared_length(f - mean, white, xp), xp.float64) + TINY)
            result[rows, :] = xp.reshape(xp.astype(total / DRAWS, xp.float32), (-1, core.width))
        return result


def _squared_length(x: Any, white: Any, xp: Any) -> Any:
    """Return the squared lengths of the rows of x W, with W upper triangular: half of it is left out.

    ``x`` may be overwritten.
    """
    if xp is np:
        multiply_in_place(x, white)
        return np.vecdot(x, x)
    total = xp.zeros((x.shape[0],), dtype=x.dtype, device=device_of(x))
    for start in range(0, CHANNELS, 32):
        z = x[:, : start + 32] @ white[: start + 32, start : start + 32]
        total += xp.vecdot(z, z)
    return total
