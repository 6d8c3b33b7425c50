"""What has nothing like it nearby: the nearest spectra in a ring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, device_of, like
from had_ssf.surroundings import reflected

INNER, OUTER = 5, 11  # an 11 x 11 square holds what may be the anomaly itself, a 23 x 23 one is near
NEAREST = 20
HALO = OUTER
TILE = 32, 128  # rows and columns: differences of a tile stay in the cache


def half_ring() -> Iterator[tuple[int, int]]:
    """Yield the offsets (i, j) with INNER < max(|i|, |j|) <= OUTER; of each and its negative, one."""
    for i in range(OUTER + 1):
        for j in range(-OUTER, OUTER + 1):
            if max(i, abs(j)) > INNER and (i > 0 or j > 0):
                yield i, j


RING = 2 * len(list(half_ring()))


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
        result = xp.empty((core.height, core.width), dtype=xp.float32, device=device_of(cube))
        for row in range(0, core.height, TILE[0]):
            for col in range(0, core.width, TILE[1]):
                height, width = min(TILE[0], core.height - row), min(TILE[1], core.width - col)
                part = slice(row, row + height + 2 * HALO), slice(col, col + width + 2 * HALO)
                planes = self._planes(cube[part], valid[part], xp)
                distances = mean_of_least(ring_distances(planes, xp), xp)
                result[row : row + height, col : col + width] = xp.reshape(distances, (height, width))
        return result

    def _planes(self, cube: Any, valid: Any, xp: Any) -> Any:
        """Return k x rows x cols, infinite where invalid: infinitely far from every valid pixel."""
        x = xp.astype(xp.astype(cube, xp.float64) * like(cube, self.scale, xp), xp.float32)
        if not bool(xp.all(valid)):
            x = xp.where(valid[..., None], x, xp.inf)
        planes = xp.empty((x.shape[2], *x.shape[:2]), dtype=xp.float32, device=device_of(x))
        planes[...] = xp.permute_dims(x, (2, 0, 1))
        return planes


def nearest(variances: npt.NDArray[np.float64]) -> Nearest:
    """Return the member for components of these variances: each is divided by the root of its deviation."""
    root = np.power(variances, 0.25)
    return Nearest(np.divide(1.0, root, out=np.zeros_like(root), where=root > 0))


def ring_distances(planes: Any, xp: Any) -> Any:
    """Return squared distances, RING x pixels, of the pixels HALO within k x rows x cols planes.

    The distance to an offset is that to its negative of another pixel, so half of them are computed.
    Planes are taken as lines: a step to another row is one of ``cols``, long lines are computed faster
    than many short ones, and what is compared across an edge is not used.
    """
    count, rows, cols = planes.shape
    height, width = rows - 2 * HALO, cols - 2 * HALO
    lines = xp.reshape(planes, (count, -1))
    found = xp.empty((RING, height, width), dtype=xp.float32, device=device_of(planes))
    for index, (i, j) in enumerate(half_ring()):
        # from the core's first pixel less the offset to its last: rows HALO - i to HALO + height
        first, step = (HALO - i) * cols, i * cols + j
        stop = min((HALO + height) * cols, rows * cols - step)
        difference = lines[:, first:stop] - lines[:, first + step : stop + step]
        difference *= difference
        squares = xp.zeros((height + i) * cols, dtype=xp.float32, device=device_of(planes))
        squares[: stop - first] = xp.sum(difference, axis=0)
        squares = xp.reshape(squares, (-1, cols))
        found[2 * index, ...] = squares[i:, HALO : HALO + width]
        found[2 * index + 1, ...] = squares[:height, HALO - j : HALO - j + width]
    return xp.reshape(found, (RING, -1))


def mean_of_least(squares: Any, xp: Any) -> Any:
    """Return the mean of the roots of the NEAREST least finite values of each column; 0 without any."""
    if xp is np:
        rows = np.ascontiguousarray(squares.T)
        rows.partition(NEAREST - 1, axis=1)
        least = rows[:, :NEAREST]
    else:
        least = xp.permute_dims(xp.sort(squares, axis=0)[:NEAREST, :], (1, 0))
    roots = xp.sqrt(xp.astype(least, xp.float64))
    finite = xp.isfinite(roots)
    if bool(xp.all(finite)):
        return xp.astype(xp.mean(roots, axis=1), xp.float32)
    count = xp.sum(xp.astype(finite, xp.float64), axis=1)
    total = xp.sum(xp.where(finite, roots, 0.0), axis=1)
    return xp.astype(total / xp.clip(count, min=1.0), xp.float32)
