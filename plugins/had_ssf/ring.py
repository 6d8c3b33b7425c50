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
TILE = 8  # rows and columns: the products of a tile with its surroundings stay in the cache
TILES = 8  # at once: few large calls, since threads wait for one another at each


def ring() -> npt.NDArray[np.intp]:
    """Return the offsets (i, j) with INNER < max(|i|, |j|) <= OUTER, n x 2."""
    i, j = np.mgrid[-OUTER : OUTER + 1, -OUTER : OUTER + 1]
    far = np.maximum(abs(i), abs(j)) > INNER
    return np.stack([i[far], j[far]], axis=1)


@lru_cache(maxsize=TILE)
def places(height: int) -> npt.NDArray[np.intp]:
    """Return where the ring's distances are among those of a tile's pixels to all around them.

    A tile has ``height`` rows; its distances, pixels x ((height + 2 HALO) (TILE + 2 HALO)), are one line.
    """
    pixel = np.arange(height * TILE)[:, None]
    row, col = np.divmod(pixel, TILE)
    i, j = ring().T
    around = (height + 2 * HALO) * (TILE + 2 * HALO)
    found: npt.NDArray[np.intp] = pixel * around + (row + HALO + i) * (TILE + 2 * HALO) + col + HALO + j
    return found.ravel()


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
        missing = -core.width % TILE  # the last tile of a row has columns that nobody asks for
        if missing:
            x = xp.concat([x, xp.zeros_like(x[:, :missing, :])], axis=1)
        result = xp.empty((core.height, core.width + missing), dtype=xp.float32, device=device_of(cube))
        for row in range(0, core.height, TILE):
            height = min(TILE, core.height - row)
            for col in range(0, core.width, TILE * TILES):
                width = min(TILE * TILES, result.shape[1] - col)
                around = x[row : row + height + 2 * HALO, col : col + width + 2 * HALO, :]
                least = mean_of_least(ring_distances(around, xp), xp)
                result[row : row + height, col : col + width] = xp.reshape(
                    xp.permute_dims(least, (1, 0, 2)), (height, width)
                )
        return result[:, : core.width]


def nearest(variances: npt.NDArray[np.float64]) -> Nearest:
    """Return the member for components of these variances: each is divided by the root of its deviation."""
    root = np.power(variances, 0.25)
    return Nearest(np.divide(1.0, root, out=np.zeros_like(root), where=root > 0))


def ring_distances(around: Any, xp: Any) -> Any:
    """Return squared distances, tiles x height x TILE x ring in single precision, of the pixels HALO within.

    ``around`` is rows x cols x (k + 1): spectra y, and last |y|^2, by which |x - y|^2 = |x|^2 - 2 x y + |y|^2
    is a product of matrices. Many of its entries are of no use, but it takes less time than the
    differences of the ring alone, and in double precision nothing that matters cancels.
    """
    rows, cols, count = around.shape
    height, tiles = rows - 2 * HALO, (cols - 2 * HALO) // TILE
    columns = np.arange(tiles)[:, None] * TILE + np.arange(TILE + 2 * HALO)
    y = xp.take(around, xp.asarray(columns.ravel(), device=device_of(around)), axis=1)
    y = xp.permute_dims(xp.reshape(y, (rows, tiles, -1, count)), (1, 0, 2, 3))
    x = xp.reshape(y[:, HALO:-HALO, HALO:-HALO, :], (tiles, -1, count))
    y = xp.reshape(y, (tiles, -1, count))
    ours = xp.concat([-2 * x[..., :-1], xp.ones_like(x[..., :1])], axis=-1)
    products = xp.reshape(ours @ xp.permute_dims(y, (0, 2, 1)), (tiles, -1))
    index = xp.asarray(places(height), device=device_of(around))
    squares = xp.reshape(xp.take(products, index, axis=1), (*x.shape[:2], -1)) + x[..., -1:]
    return xp.reshape(xp.astype(squares, xp.float32), (tiles, height, TILE, -1))


def mean_of_least(squares: Any, xp: Any) -> Any:
    """Return the mean of the roots of the NEAREST least finite values along the last axis; 0 without any."""
    least = xp.sort(squares, axis=-1)[..., :NEAREST]
    # rounding may take equal spectra below 0
    roots = xp.sqrt(xp.clip(least, min=0.0))
    finite = xp.isfinite(roots)
    if bool(xp.all(finite)):
        return xp.mean(roots, axis=-1)
    count = xp.sum(xp.astype(finite, xp.float32), axis=-1)
    return xp.sum(xp.where(finite, roots, xp.zeros_like(roots)), axis=-1) / xp.clip(count, min=1.0)
