"""Distances of a block's pixels from the block, from its surroundings and from the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Extrema, device_of, like
from had_slrx import cached
from had_slrx.triangles import RIDGE, Scene, lengths, ridge_leverage, squared_norms


def inverse_root(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lower triangle W with W W^T = matrix^-1, of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root = vectors / np.sqrt(np.maximum(values, RIDGE))
    triangle: npt.NDArray[np.float64] = np.linalg.qr(root.T)[1]
    return np.ascontiguousarray(triangle.T)


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
        if isinstance(block.cube, np.ndarray):
            return cached.distances(block, size, self.extrema, self.scene)
        part = slice(core.col // size, core.col // size + -(-core.width // size))
        down = -(-block.cube.shape[0] // size)
        kept: dict[int, RowOfBlocks] = {}
        strips = []
        for row in range(core.row // size, core.row // size + -(-core.height // size)):
            # three rows of blocks at a time are in double precision, whatever the height
            near = [r for r in (row - 1, row, row + 1) if 0 <= r < down]
            kept = {r: kept[r] if r in kept else self._row(block, r) for r in near}
            own = kept[row]
            pixels, count = own.pixels[part, ...], own.count[part]
            to_scene = lengths(pixels, like(pixels, self.scene.root, xp), xp)
            around = from_surroundings(kept, row, part, to_scene, xp)
            mean = own.total[part, :] / xp.clip(count, min=1)[..., None]
            centred = (pixels - mean[..., None, :]) * own.weight[part, ..., None]
            inside = from_block(centred, count, around, xp)
            values = xp.reshape(xp.stack([inside, around, to_scene], axis=-1), (-1, size, size, 3))
            strips.append(xp.reshape(xp.permute_dims(values, (1, 0, 2, 3)), (size, -1, 3)))
        return xp.concat(strips, axis=0)[: core.height, : core.width, :]

    def _row(self, block: Block, row: int) -> RowOfBlocks:
        xp, size = block.xp, self.size
        strip = slice(row * size, (row + 1) * size)
        cube, valid = block.cube[strip, ...], block.valid[strip, ...]
        rows, cols, _ = cube.shape
        across = -(-cols // size)
        # scaled in single precision, as the definition has it
        span = (self.extrema.high - self.extrema.low) or 1.0
        scaled = xp.astype((cube - self.extrema.low) / span, xp.float64)
        scaled -= like(cube, self.scene.mean, xp)
        if not bool(xp.all(valid)):
            scaled = xp.where(valid[..., None], scaled, xp.zeros_like(scaled))

        def by_blocks(values: Any) -> Any:
            padded = values
            if (rows, cols) != (size, across * size):  # at the scene's right and bottom edge
                padded = _zeros((size, across * size, values.shape[-1]), values, xp)
                padded[:rows, :cols, :] = values
            padded = xp.permute_dims(xp.reshape(padded, (size, across, size, -1)), (1, 0, 2, 3))
            return xp.reshape(padded, (across, size * size, -1))

        pixels, weight = by_blocks(scaled), by_blocks(xp.astype(valid, xp.float64)[..., None])[..., 0]
        return RowOfBlocks(
            pixels=pixels,
            weight=weight,
            count=xp.sum(weight, axis=-1),
            total=xp.sum(pixels, axis=-2),
            products=xp.matrix_transpose(pixels) @ pixels,
        )


@dataclass(frozen=True, slots=True)
class RowOfBlocks:
    """One row of blocks: scaled pixels less the scene's mean, and their sums, in double precision.

    Sums, not means, are kept, since those of a union of blocks are the sums of its parts; with the
    scene's mean taken off, nothing cancels that would show beside the ridge.

    Attributes
    ----------
    pixels : across x size^2 x bands, zero where they do not count
    weight : across x size^2, 1 where a pixel counts, 0 where it is invalid or beyond the scene's edge
    count, total, products : across (x bands (x bands)), sums over the pixels of a block
    """

    pixels: Any
    weight: Any
    count: Any
    total: Any
    products: Any


def from_surroundings(kept: dict[int, RowOfBlocks], row: int, part: slice, to_scene: Any, xp: Any) -> Any:
    """Return the distances of the pixels of the blocks ``part`` of ``row`` from the blocks around each.

    ``to_scene`` (blocks x n) stands in where the surroundings have fewer than two pixels.
    """
    count = _around({r: k.count for r, k in kept.items()}, row, part, xp)
    total = _around({r: k.total for r, k in kept.items()}, row, part, xp)
    mean = total / xp.clip(count, min=1)[..., None]
    x = kept[row].pixels[part, ...] - mean[..., None, :]
    scatter = _around({r: k.products for r, k in kept.items()}, row, part, xp)
    scatter -= total[..., :, None] * mean[..., None, :]
    squares = quadratic_form(scatter, count, x, xp)
    return xp.where((count < 2)[..., None], to_scene, xp.sqrt(xp.clip(squares, min=0)))


def _around(rows: dict[int, Any], row: int, part: slice, xp: Any) -> Any:
    """Return the sum over the up to eight neighbours of each block of ``part``: columns, then rows."""
    own, size = rows[row], part.stop - part.start
    beside = [values for r, values in rows.items() if r != row]  # above and below
    column = beside[0] + beside[1] if len(beside) > 1 else sum(beside, _zeros(own.shape, own, xp))
    whole_column = own + column
    result = column[part]
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
        squares = ridge_leverage(gram, xp) * free
    else:
        squares = quadratic_form(xp.matrix_transpose(centred) @ centred, count, centred, xp)
    return xp.where((count < 2)[..., None], fallback, xp.sqrt(xp.clip(squares, min=0)))


def quadratic_form(scatter: Any, count: Any, x: Any, xp: Any) -> Any:
    """Return x_i^T (scatter / (count - 1) + ridge I)^-1 x_i, blocks x n, of blocks x n x bands ``x``.

    ``scatter`` (blocks x bands x bands) is overwritten.
    """
    free = xp.clip(count - 1, min=1)[..., None]
    diagonal = np.arange(scatter.shape[-1])
    scatter[:, diagonal, diagonal] += RIDGE * free
    return squared_norms(scatter, x, xp) * free


def _zeros(shape: tuple[int, ...], of: Any, xp: Any) -> Any:
    return xp.zeros(shape, dtype=xp.float64, device=device_of(of))
