"""What has nothing like it nearby: the nearest spectra in a ring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, device_of, like
from had_ssf.surroundings import reflected

INNER, OUTER = 5, 11  # an 11 x 11 square holds what may be the anomaly itself, a 23 x 23 one is near
NEAREST = 20
HALO = OUTER
TILE = 8  # rows and columns: the products of a tile with its surroundings stay in the cache
TILES = 16  # at once, one below the other: fewer and larger calls, since threads wait for one another at each
SPAN = TILE + 2 * HALO  # of a tile with its surroundings


def ring() -> npt.NDArray[np.intp]:
    """Return the offsets (i, j) with INNER < max(|i|, |j|) <= OUTER, n x 2."""
    i, j = np.mgrid[-OUTER : OUTER + 1, -OUTER : OUTER + 1]
    far = np.maximum(abs(i), abs(j)) > INNER
    return np.stack([i[far], j[far]], axis=1)


@cache
def places() -> npt.NDArray[np.intp]:
    """Return where the ring's distances are among those of a tile's pixels to all around them.

    The distances of a tile, TILE^2 pixels x SPAN^2, are one line.
    """
    pixel = np.arange(TILE**2)[:, None]
    row, col = np.divmod(pixel, TILE)
    i, j = ring().T
    found: npt.NDArray[np.intp] = pixel * SPAN**2 + (row + HALO + i) * SPAN + col + HALO + j
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
        factors = self._factors(cube, valid, xp)
        result = xp.empty(
            (core.height + -core.height % TILE, core.width + -core.width % TILE),
            dtype=xp.float32,
            device=device_of(cube),
        )
        distances = _InPlace() if xp is np else partial(ring_distances, xp=xp)
        for col in range(0, result.shape[1], TILE):
            strip = factors[:, col : col + SPAN, :]
            strip = np.ascontiguousarray(strip) if xp is np else strip
            for row in range(0, result.shape[0], TILE * TILES):
                stop = min(row + TILE * TILES, result.shape[0])
                least = mean_of_least(distances(strip[row : stop + 2 * HALO, ...]), xp)
                result[row:stop, col : col + TILE] = xp.reshape(least, (-1, TILE))
        return result[: core.height, : core.width]

    def _factors(self, cube: Any, valid: Any, xp: Any) -> Any:
        """Return (y, |y|^2, 1) of all pixels y, with rows and columns of anything up to whole tiles.

        What is invalid is infinitely far from all.
        """
        rows, cols, count = cube.shape
        shape = rows + (2 * HALO - rows) % TILE, cols + (2 * HALO - cols) % TILE, count + 2
        y = xp.astype(cube, xp.float64) * like(cube, self.scale, xp)
        if not bool(xp.all(valid)):
            y = xp.where(valid[..., None], y, xp.zeros_like(y))
        factors = xp.zeros(shape, dtype=xp.float64, device=device_of(cube))
        factors[:rows, :cols, :count] = y
        factors[:rows, :cols, count] = xp.where(valid, xp.vecdot(y, y), xp.inf)
        factors[..., count + 1] = 1.0
        return factors


def nearest(variances: npt.NDArray[np.float64]) -> Nearest:
    """Return the member for components of these variances: each is divided by the root of its deviation."""
    root = np.power(variances, 0.25)
    return Nearest(np.divide(1.0, root, out=np.zeros_like(root), where=root > 0))


def ring_distances(strip: Any, xp: Any) -> Any:
    """Return squared distances, tiles x TILE^2 x ring in single precision, of the pixels HALO within.

    ``strip`` is rows x SPAN x (k + 2): (y, |y|^2, 1). With (-2 x, 1, |x|^2),
    |x - y|^2 is a product of matrices. Many of its entries are of no use, but it takes less time than
    the differences of the ring alone, and in double precision nothing that matters cancels.
    """
    ours, count = _tiles(strip, xp), strip.shape[-1]
    tops = range(0, len(ours) * TILE, TILE)
    theirs = xp.stack([xp.reshape(strip[top : top + SPAN, ...], (-1, count)) for top in tops])
    products = xp.reshape(ours @ xp.permute_dims(theirs, (0, 2, 1)), (len(ours), -1))
    index = xp.asarray(places(), device=device_of(strip))
    found = xp.take(xp.astype(products, xp.float32), index, axis=1)
    return xp.reshape(found, (len(ours), TILE**2, -1))


class _InPlace:
    """:func:`ring_distances` of C-contiguous arrays of numpy, in the same memory again and again."""

    def __init__(self) -> None:
        self._products = np.empty((TILES, TILE**2, SPAN**2))
        self._of_tile = np.empty(len(places()))
        self._squares = np.empty((TILES, len(places())), np.float32)

    def __call__(self, strip: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Return the distances, which the next call overwrites."""
        ours = _tiles(strip, np)
        tiles, _, count = ours.shape
        row, _, number = strip.strides
        # windows of a strip overlap, and need no copy
        theirs = np.lib.stride_tricks.as_strided(
            strip, (tiles, SPAN**2, count), (TILE * row, row // SPAN, number), writeable=False
        )
        np.matmul(ours, theirs.transpose(0, 2, 1), out=self._products[:tiles])
        for products, squares in zip(self._products[:tiles], self._squares, strict=False):
            # no place is outside, and looking whether one is would take a buffer of numpy's own
            products.take(places(), out=self._of_tile, mode="clip")
            np.copyto(squares, self._of_tile, casting="same_kind")
        return self._squares[:tiles].reshape(tiles, TILE**2, -1)


def _tiles(strip: Any, xp: Any) -> Any:
    """Return (-2 x, 1, |x|^2) of the pixels HALO within, tiles x TILE^2 x (k + 2)."""
    x = xp.reshape(strip[HALO:-HALO, HALO:-HALO, :], (-1, TILE**2, strip.shape[-1]))
    return xp.concat([-2 * x[..., :-2], x[..., -1:], x[..., -2:-1]], axis=-1)


def mean_of_least(squares: Any, xp: Any) -> Any:
    """Return the mean of the roots of the NEAREST least finite values along the last axis; 0 without any.

    ``squares`` may be overwritten.
    """
    if xp is np:
        squares.sort(axis=-1)
    else:
        squares = xp.sort(squares, axis=-1)
    least = squares[..., :NEAREST]
    # rounding may take equal spectra below 0
    roots = xp.sqrt(xp.clip(least, min=0.0))
    finite = xp.isfinite(roots)
    if bool(xp.all(finite)):
        return xp.mean(roots, axis=-1)
    count = xp.sum(xp.astype(finite, xp.float32), axis=-1)
    return xp.sum(xp.where(finite, roots, xp.zeros_like(roots)), axis=-1) / xp.clip(count, min=1.0)
