"""What has nothing like it nearby: the nearest spectra in a ring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, device_of, like
from had_ssf.surroundings import reflected

INNER, OUTER = 5, 11  # an 11 x 11 square holds what may be the anomaly itself, a 23 x 23 one is near
NEAREST = 20
HALO = OUTER
TILE = 8, 8  # rows and columns: the products of a tile with its surroundings stay in the cache


def ring() -> npt.NDArray[np.intp]:
    """Return the offsets (i, j) with INNER < max(|i|, |j|) <= OUTER, n x 2."""
    i, j = np.mgrid[-OUTER : OUTER + 1, -OUTER : OUTER + 1]
    far = np.maximum(abs(i), abs(j)) > INNER
    return np.stack([i[far], j[far]], axis=1)


@lru_cache(maxsize=64)  # shapes of tiles: whole ones, and those at the ends of cores
def places(height: int, width: int) -> npt.NDArray[np.intp]:
    """Return where the ring's distances are among those of height x width pixels to all around them.

    These are pixels x ((height + 2 HALO) (width + 2 HALO)), taken as one line.
    """
    row, col = np.divmod(np.arange(height * width)[:, None], width)
    i, j = ring().T
    around = (height + 2 * HALO) * (width + 2 * HALO)
    inside = (row + HALO + i) * (width + 2 * HALO) + col + HALO + j
    found: npt.NDArray[np.intp] = (np.arange(height * width)[:, None] * around + inside).ravel()
    return found


@dataclass(frozen=True)
class Nearest:
    """The member ``near``, a block map: the mean distance to the NEAREST pixels of the ring.

    ``scale`` (k,) multiplies the components first. Invalid pixels are in no ring; where fewer than
    NEAREST are left, the mean is over these, and a pixel without any has distance 0: nothing says that
    it is unlike its surroundings.
    """

    scale: npt.NDArray[np.float64]
    name = "near"
    halo = HALO

    def measured(self, _block: Block) -> None:
        """Return None: nothing of the scene has to be known."""

    def merged(self, _first: None, _second: None) -> None:
        """Return None."""

    def scores(self, _known: None) -> Nearest:
        """Return the block map, which this is."""
        return self

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        xp, core = block.xp, block.core
        cube, valid = reflected(block, HALO)
        x = xp.astype(cube, xp.float64) * like(cube, self.scale, xp)
        if not bool(xp.all(valid)):
            x = xp.where(valid[..., None], x, xp.zeros_like(x))
        size = xp.vecdot(x, x)
        # what is invalid is infinitely far from all
        x = xp.concat([x, xp.where(valid, size, xp.inf)[..., None]], axis=-1)
        result = xp.empty((core.height, core.width), dtype=xp.float32, device=device_of(cube))
        for row in range(0, core.height, TILE[0]):
            for col in range(0, core.width, TILE[1]):
                height, width = min(TILE[0], core.height - row), min(TILE[1], core.width - col)
                around = x[row : row + height + 2 * HALO, col : col + width + 2 * HALO, :]
                squares = ring_distances(around, xp)
                result[row : row + height, col : col + width] = mean_of_least(squares, xp)
        return result


def nearest(variances: npt.NDArray[np.float64]) -> Nearest:
    """Return the member for components of these variances: each is divided by the root of its deviation."""
    root = np.power(variances, 0.25)
    return Nearest(np.divide(1.0, root, out=np.zeros_like(root), where=root > 0))


def ring_distances(around: Any, xp: Any) -> Any:
    """Return squared distances, height x width x ring in single precision, of the pixels HALO within.

    ``around`` is rows x cols x (k + 1): spectra y, and last |y|^2, by which |x - y|^2 = |x|^2 - 2 x y + |y|^2
    is a product of matrices. Many of its entries are of no use, but it takes less time than the
    differences of the ring alone, and in double precision nothing that matters cancels.
    """
    pixels = around[HALO:-HALO, HALO:-HALO, :]
    height, width, count = pixels.shape
    x = xp.reshape(pixels, (-1, count))
    ours = xp.concat([-2 * x[:, :-1], xp.ones_like(x[:, :1])], axis=1)
    products = ours @ xp.reshape(around, (-1, count)).T
    index = xp.asarray(places(height, width), device=device_of(around))
    squares = xp.reshape(xp.take(xp.reshape(products, (-1,)), index), (height, width, -1))
    return xp.astype(squares + pixels[..., -1:], xp.float32)


def mean_of_least(squares: Any, xp: Any) -> Any:
    """Return the mean of the roots of the NEAREST least finite values along the last axis; 0 without any."""
    least = xp.sort(squares, axis=-1)[..., :NEAREST]
    # rounding may take equal spectra below 0
    roots = xp.sqrt(xp.clip(xp.astype(least, xp.float64), min=0.0))
    finite = xp.isfinite(roots)
    count = xp.sum(xp.astype(finite, xp.float64), axis=-1)
    total = xp.sum(xp.where(finite, roots, 0.0), axis=-1)
    return xp.astype(total / xp.clip(count, min=1.0), xp.float32)
