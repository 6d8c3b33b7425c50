"""Distances of a block's pixels from the block, from its surroundings and from the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
import numpy.typing as npt

from had_cli.engine import Block
from had_cli.engine.reductions import Extrema

RIDGE = 1e-6  # added to the diagonal of every covariance, in units of the scaled cube


@dataclass(frozen=True)
class Scene:
    """Statistics of the whole scene: ``mean`` (bands,), ``root`` with root root^T = (S + ridge I)^-1."""

    mean: npt.NDArray[np.float64]
    root: npt.NDArray[np.float64]


def inverse_root(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return W with W W^T = matrix^-1, of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors / np.sqrt(np.maximum(values, RIDGE)))


@dataclass(frozen=True)
class LocalDistances:
    """Block map to three distances: from the block, its surroundings, the scene.

    Blocks of ``size`` x ``size`` pixels lie from the scene's top left, those at its right and bottom
    edge may be smaller, and only valid pixels count. A set of fewer than two pixels has no
    covariance: such a block takes the statistics of its surroundings, and surroundings with fewer
    than two take those of the scene.
    """

    size: int
    extrema: Extrema
    scene: Scene

    def __call__(self, block: Block) -> Any:
        """Return core height x core width x 3 distances."""
        xp, size, core = block.xp, self.size, block.core
        pixels, weight = self._tiles(block)
        count = xp.sum(weight, axis=-1)
        total = xp.sum(pixels, axis=-2)
        part = slice(core.col // size, core.col // size + -(-core.width // size))
        surroundings = Surroundings(count, total, pixels, part, xp)
        rows = []
        for row in range(core.row // size, core.row // size + -(-core.height // size)):
            own, free = pixels[row, part, ...], count[row, part]
            whole = xp.linalg.vector_norm(own @ _like(own, self.scene.root, xp), axis=-1)
            around = surroundings.distances(own, row, whole)
            centred = own - (total[row, part, :] / xp.clip(free, min=1)[..., None])[..., None, :]
            inside = from_block(centred * weight[row, part, ...][..., None], free, around, xp)
            rows.append(xp.stack([inside, around, whole], axis=-1))
        values = xp.reshape(xp.stack(rows), (len(rows), -1, size, size, 3))
        values = xp.permute_dims(values, (0, 2, 1, 3, 4))
        values = xp.reshape(values, (len(rows) * size, -1, 3))
        return values[: core.height, : core.width, :]

    def _tiles(self, block: Block) -> tuple[Any, Any]:
        """Return the pixels by blocks, down x across x size^2 x bands, and their weights.

        Pixels are scaled by the extrema, less the scene's mean. Invalid pixels and those beyond the
        scene's edge have weight 0 and are zero themselves; all others have weight 1.
        """
        xp, size = block.xp, self.size
        rows, cols, _ = block.cube.shape
        down, across = -(-rows // size), -(-cols // size)
        # scaled in single precision, as the definition has it
        span = (self.extrema.high - self.extrema.low) or 1.0
        scaled = xp.astype((block.cube - self.extrema.low) / span, xp.float64)
        scaled -= _like(block.cube, self.scene.mean, xp)
        scaled = xp.where(block.valid[..., None], scaled, xp.zeros_like(scaled))

        def by_blocks(values: Any) -> Any:
            padded = _zeros((down * size, across * size, values.shape[-1]), values, xp)
            padded[:rows, :cols, :] = values
            padded = xp.permute_dims(xp.reshape(padded, (down, size, across, size, -1)), (0, 2, 1, 3, 4))
            return xp.reshape(padded, (down, across, size * size, -1))

        return by_blocks(scaled), by_blocks(block.valid[..., None])[..., 0]


class Surroundings:
    """Statistics of the up to eight blocks around each block, one row of blocks after the other.

    Sums, not means, are kept for each block: those of a union are then the sums of its parts. The
    pixels are deviations from the scene's mean in double precision, so that nothing cancels that
    would show beside the ridge.
    """

    def __init__(self, count: Any, total: Any, pixels: Any, part: slice, xp: Any) -> None:
        self._xp, self._part = xp, part
        self._count, self._total, self._pixels = count, total, pixels
        self._products: dict[int, Any] = {}  # by row of blocks: across x bands x bands

    def distances(self, pixels: Any, row: int, whole: Any) -> Any:
        """Return the distances of the pixels of one row of blocks from their surroundings.

        ``pixels`` is blocks x n x bands; ``whole`` (blocks x n) stands in where the surroundings
        have fewer than two pixels.
        """
        xp = self._xp
        near = [r for r in (row - 1, row, row + 1) if 0 <= r < self._count.shape[0]]
        self._products = {r: self._products[r] if r in self._products else self._product(r) for r in near}
        count = self._around({r: self._count[r, ...] for r in near}, row)
        total = self._around({r: self._total[r, ...] for r in near}, row)
        covariance = self._around(self._products, row)
        mean = total / xp.clip(count, min=1)[..., None]
        covariance -= total[..., :, None] * mean[..., None, :]
        covariance /= xp.clip(count - 1, min=1)[..., None, None]
        squares = quadratic_form(covariance, pixels - mean[..., None, :], xp)
        return xp.where((count < 2)[..., None], whole, xp.sqrt(xp.clip(squares, min=0)))

    def _product(self, row: int) -> Any:
        x = self._pixels[row, ...]
        return self._xp.matrix_transpose(x) @ x

    def _around(self, rows: dict[int, Any], row: int) -> Any:
        """Return the sum over the neighbours of each block of ``part``: columns first, then rows."""
        own, part = rows[row], self._part
        column = sum(values for r, values in rows.items() if r != row)  # above and below
        whole_column = own + column
        size = part.stop - part.start
        if len(rows) > 1:
            result = self._xp.asarray(column[part], copy=True)
        else:
            result = _zeros((size, *own.shape[1:]), own, self._xp)
        for step in (-1, 1):
            first, last = max(0, -part.start - step), min(size, own.shape[0] - part.start - step)
            if last > first:
                result[first:last] += whole_column[part.start + step + first : part.start + step + last]
        return result


def from_block(centred: Any, count: Any, fallback: Any, xp: Any) -> Any:
    """Return the distances of each block's own pixels from the block, blocks x n.

    ``centred`` (blocks x n x bands) is zero where a pixel does not count; ``fallback`` stands in
    where a block has fewer than two pixels. With U = centred / sqrt(n - 1), S = U^T U and the n x n
    matrix K = U U^T, Woodbury's identity gives d_i^2 = (n - 1) [(K + ridge I)^-1 K]_ii: a block of 64
    pixels with 200 bands needs a 64 x 64 system instead of a 200 x 200 one.
    """
    pixels, bands = centred.shape[-2:]
    free = xp.clip(count - 1, min=1)[..., None]
    if pixels <= bands:
        gram = centred @ xp.matrix_transpose(centred) / free[..., None]
        hat = xp.linalg.solve(gram + RIDGE * _like(gram, np.eye(pixels), xp), gram)
        squares = xp.linalg.diagonal(hat) * free
    else:
        squares = quadratic_form(xp.matrix_transpose(centred) @ centred / free[..., None], centred, xp)
    return xp.where((count < 2)[..., None], fallback, xp.sqrt(xp.clip(squares, min=0)))


def quadratic_form(covariance: Any, x: Any, xp: Any) -> Any:
    """Return x_i^T (covariance + ridge I)^-1 x_i, blocks x n, of blocks x n x bands ``x``."""
    bands = covariance.shape[-1]
    covariance = covariance + RIDGE * _like(covariance, np.eye(bands), xp)
    solved = xp.linalg.solve(covariance, xp.matrix_transpose(x))
    return xp.vecdot(x, xp.matrix_transpose(solved))


def _like(array: Any, values: npt.NDArray[Any], xp: Any) -> Any:
    return xp.asarray(values, device=array_api_compat.device(array))


def _zeros(shape: tuple[int, ...], like: Any, xp: Any) -> Any:
    return xp.zeros(shape, dtype=xp.float64, device=array_api_compat.device(like))
