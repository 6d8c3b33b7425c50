"""Mean, covariance and extremes of the scene, the same to the last bit however it is cut.

The directions of the least of twenty components are poorly determined: an error of 1e-16 in the
covariance shows in them as 1e-9, which may exchange two pixels that are neighbours in rank, and
log-ranks show that. Sums over fixed tiles are therefore rounded to multiples of one small number, and
multiples of it add without error, in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Extrema, Moments, Run, like, to_host

TILE = 32  # pixels on a side
SAMPLE = 4096
BITS = 50  # of a sum's size; three more are left in double precision for what the sample did not show


@dataclass(frozen=True)
class Sums:
    """Of pixels less a shift: how many, their sums (bands,), products (bands, bands), and extremes."""

    count: int
    total: npt.NDArray[np.float64]
    products: npt.NDArray[np.float64]
    extrema: Extrema


@dataclass(frozen=True)
class TileSums:
    """Block reduction to :class:`Sums`, rounded tile by tile to multiples of ``steps``.

    Blocks must begin at multiples of TILE. ``steps`` are those of sums and of products; 0 does not
    round.
    """

    shift: npt.NDArray[np.float64]
    steps: tuple[float, float]

    def compute(self, block: Block) -> Sums:
        """Return the sums of the block's valid pixels."""
        xp, bands = block.xp, len(self.shift)
        cube, valid = block.core_of(block.cube), block.core_of(block.valid)
        count, total, products = 0, np.zeros(bands), np.zeros((bands, bands))
        low, high = math.inf, -math.inf
        for row in range(0, cube.shape[0], TILE):
            for col in range(0, cube.shape[1], TILE):
                part = slice(row, row + TILE), slice(col, col + TILE)
                pixels, known = cube[part], valid[part]
                pixels = xp.reshape(pixels, (-1, bands)) if bool(xp.all(known)) else pixels[known]
                if not len(pixels):
                    continue
                low, high = min(low, float(xp.min(pixels))), max(high, float(xp.max(pixels)))
                y = xp.astype(pixels, xp.float64)
                y -= like(y, self.shift, xp)
                count += len(pixels)
                total += _rounded(to_host(xp.sum(y, axis=0)), self.steps[0])
                products += _rounded(to_host(y.T @ y), self.steps[1])
        return Sums(count, total, products, Extrema(low, high))

    def merge(self, first: Sums, second: Sums) -> Sums:
        """Return the sums of both."""
        a, b = first.extrema, second.extrema
        return Sums(
            first.count + second.count,
            first.total + second.total,
            first.products + second.products,
            Extrema(min(a.low, b.low), max(a.high, b.high)),
        )


def scene_moments(run: Run) -> tuple[Moments, Extrema]:
    """Return moments and extremes of the valid pixels, in one pass.

    Raises
    ------
    SceneError
        When the scene has no valid pixel.
    """
    rows, cols, bands = run.scene.shape
    sample = run.sample(SAMPLE)
    shift, steps = np.zeros(bands), (0.0, 0.0)
    if len(sample):  # else the few valid pixels lie where it did not look, and sums are as usual
        shift = sample.mean(axis=0, dtype=np.float64)
        size = float(np.abs(sample - shift).max()) or float(np.abs(shift).max()) or 1.0
        steps = _step(rows * cols * size), _step(rows * cols * size**2)
    reduction = TileSums(shift, steps)
    sums = run.reduce_blocks(reduction, align=TILE, label="statistics")
    scatter = sums.products - np.outer(sums.total, sums.total) / sums.count
    return Moments(sums.count, shift + sums.total / sums.count, scatter), sums.extrema


def _step(bound: float) -> float:
    return 2.0 ** (math.ceil(math.log2(bound)) - BITS)


def _rounded(values: npt.NDArray[np.float64], step: float) -> npt.NDArray[np.float64]:
    return np.rint(values / step) * step if step else values
