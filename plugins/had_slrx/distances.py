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
        xp, size = block.xp, self.size
        rows, cols, bands = block.cube.shape
        down, across = -(-rows // size), -(-cols // size)
        tiles = self._tiles(block, down, across)  # down, across, size^2, bands + validity
        pixels, weight = tiles[..., :-1], tiles[..., -1]
        count = xp.sum(weight, axis=-1)
        mean = xp.sum(pixels, axis=-2) / xp.clip(count, min=1)[..., None]
        centred = (pixels - mean[..., None, :]) * weight[..., None]

        top, left = block.core.row // size, block.core.col // size
        core_down, core_across = -(-block.core.height // size), -(-block.core.width // size)
        result = []
        around = _Surroundings(count, mean, centred, xp)
        for row in range(top, top + core_down):
            part = slice(left, left + core_across)
            own = pixels[row, part, ...]
            whole = self._from_scene(own, xp)
            from_around = around.distances(own, row, part, whole)
            from_own = _from_block(centred[row, part, ...], count[row, part], from_around, xp)
            result.append(xp.stack([from_own, from_around, whole], axis=-1))
        values = xp.reshape(xp.stack(result), (core_down, core_across, size, size, 3))
        values = xp.permute_dims(values, (0, 2, 1, 3, 4))
        values = xp.reshape(values, (core_down * size, core_across * size, 3))
        return values[: block.core.height, : block.core.width, :]

    def _tiles(self, block: Block, down: int, across: int) -> Any:
        """Return the scaled pixels by blocks, down x across x size^2 x (bands + 1), float64.

        The last entry of a pixel is 1 where it is valid; invalid pixels and those beyond the scene's
        edge are zero throughout.
        """
        xp, size = block.xp, self.size
        rows, cols, bands = block.cube.shape
        # scaled in single precision, as the definition has it
        span = (self.extrema.high - self.extrema.low) or 1.0
        scaled = (block.cube - self.extrema.low) / span
        padded = xp.zeros(
            (down * size, across * size, bands + 1),
            dtype=xp.float64,
            device=array_api_compat.device(block.cube),
        )
        padded[:rows, :cols, :-1] = xp.where(block.valid[..., None], scaled, xp.zeros_like(scaled))
        padded[:rows, :cols, -1] = block.valid
        padded = xp.reshape(padded, (down, size, across, size, bands + 1))
        return xp.reshape(xp.permute_dims(padded, (0, 2, 1, 3, 4)), (down, across, size * size, bands + 1))

    def _from_scene(self, pixels: Any, xp: Any) -> Any:
        """Return the distances of ... x bands pixels from the scene."""
        device = array_api_compat.device(pixels)
        mean, root = xp.asarray(self.scene.mean, device=device), xp.asarray(self.scene.root, device=device)
        return xp.linalg.vector_norm((pixels - mean) @ root, axis=-1)


class _Surroundings:
    """Mean and covariance of the up to eight blocks around each block, row of blocks by row."""

    def __init__(self, count: Any, mean: Any, centred: Any, xp: Any) -> None:
        self.xp = xp
        self.count, self.mean, self.centred = count, mean, centred
        self._scatter: dict[int, Any] = {}  # row of blocks -> across x bands x bands

    def distances(self, pixels: Any, row: int, part: slice, whole: Any) -> Any:
        """Return the distances of blocks x n x bands pixels of blocks ``part`` in ``row``."""
        xp = self.xp
        down, across = self.count.shape
        near = [r for r in (row - 1, row, row + 1) if 0 <= r < down]
        for old in [r for r in self._scatter if r < near[0]]:
            del self._scatter[old]
        for r in near:
            if r not in self._scatter:
                x = self.centred[r, ...]
                self._scatter[r] = xp.matrix_transpose(x) @ x
        neighbours = [
            (r, step)
            for r in near
            for step in (-1, 0, 1)
            if (r, step) != (row, 0)
        ]
        count = sum(self._shifted(self.count[r, ...], step, part) for r, step in neighbours)
        weighted = sum(
            self._shifted(self.count[r, ...][..., None] * self.mean[r, ...], step, part) for r, step in neighbours
        )
        mean = weighted / xp.clip(count, min=1)[..., None]
        # the scatter of a union: that of its parts, and that of the parts' means (Chan et al. 1983)
        steps = xp.stack(
            [
                (self._shifted(self.mean[r, ...], step, part) - mean)
                * xp.sqrt(self._shifted(self.count[r, ...], step, part))[..., None]
                for r, step in neighbours
            ],
            axis=-2,
        )
        scatter = xp.matrix_transpose(steps) @ steps
        for r, step in neighbours:
            scatter += self._shifted(self._scatter[r], step, part)
        covariance = scatter / xp.clip(count - 1, min=1)[..., None, None]
        covariance += RIDGE * xp.eye(covariance.shape[-1], dtype=xp.float64, device=array_api_compat.device(covariance))
        x = pixels - mean[..., None, :]
        solved = xp.linalg.solve(covariance, xp.matrix_transpose(x))
        squares = xp.vecdot(x, xp.matrix_transpose(solved))
        return xp.where((count < 2)[..., None], whole, xp.sqrt(xp.clip(squares, min=0)))

    def _shifted(self, values: Any, step: int, part: slice) -> Any:
        """Return ``values[part.start + step : part.stop + step]`` of a row, zeros beyond its ends."""
        xp = self.xp
        start, stop = part.start + step, part.stop + step
        inside = values[max(0, start) : max(0, stop), ...]
        missing = (stop - start) - inside.shape[0]
        if not missing:
            return inside
        edge = xp.zeros((missing, *values.shape[1:]), dtype=values.dtype, device=array_api_compat.device(values))
        return xp.concat([edge, inside] if start < 0 else [inside, edge], axis=0)


def _from_block(centred: Any, count: Any, fallback: Any, xp: Any) -> Any:
    """Return the distances of each block's own pixels from the block.

    With U = centred / sqrt(n - 1), S = U^T U, and the n x n matrix K = U U^T, Woodbury's identity gives
    d_i^2 = (n - 1) [K (K + ridge I)^-1]_ii: a block of 64 pixels with 200 bands needs a 64 x 64 system
    instead of a 200 x 200 one.
    """
    pixels, bands = centred.shape[-2:]
    free = xp.clip(count - 1, min=1)[..., None, None]
    device = array_api_compat.device(centred)
    if pixels <= bands:
        gram = centred @ xp.matrix_transpose(centred) / free
        ridge = RIDGE * xp.eye(pixels, dtype=xp.float64, device=device)
        hat = xp.linalg.solve(gram + ridge, gram)
        squares = xp.linalg.diagonal(hat) * free[..., 0]
    else:
        covariance = xp.matrix_transpose(centred) @ centred / free
        covariance += RIDGE * xp.eye(bands, dtype=xp.float64, device=device)
        solved = xp.linalg.solve(covariance, xp.matrix_transpose(centred))
        squares = xp.vecdot(centred, xp.matrix_transpose(solved))
    return xp.where((count < 2)[..., None], fallback, xp.sqrt(xp.clip(squares, min=0)))
