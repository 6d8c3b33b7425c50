"""The detector: one block map, with half the outer window as its halo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import array_api_compat
import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Run, UsageError

CUTOFF = 1e-12
"""Directions with less than this part of a window's largest variance count as having none."""

BATCH_BYTES = 2**24  # background pixels of a batch of windows: they stay near the cache


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return (x - m)^T S^+ (x - m) of every pixel, rows x cols, m and S of its own background.

    Parameters
    ----------
    run
        The detection.
    params
        ``inner``, ``outer`` (odd sides of the windows) and ``ridge``.

    Raises
    ------
    UsageError
        When a side is even, or the outer window is not larger than the inner.
    """
    inner, outer, ridge = params.inner, params.outer, params.ridge
    if inner % 2 == 0 or outer % 2 == 0:
        raise UsageError(f"--inner and --outer must be odd to have a centre, not {inner} and {outer}")
    if outer <= inner:
        raise UsageError(f"--outer must be larger than --inner, not {outer} with {inner}")
    bands = run.scene.shape[2]
    # the map copies its block in double precision
    layers = run.map(LocalDistance(inner, outer, ridge), layers=2, halo=outer // 2, cost=8 * bands)
    scores, background = layers[..., 0], layers[..., 1]
    # NaN at invalid pixels compares false
    valid, singular, alone = (int(np.count_nonzero(background <= limit)) for limit in (np.inf, bands, 1))
    if singular and ridge == 0:
        run.warn(
            f"{singular} of {valid} pixels have no more background pixels than bands ({bands}): their "
            "covariance is singular, and directions in which it is zero are left out; enlarge --outer or "
            "give --ridge"
        )
    if alone:
        run.warn(f"{alone} pixels have fewer than two background pixels and score 0; enlarge --outer")
    run.record(singular_pixels=singular)
    return np.ascontiguousarray(scores)


@dataclass(frozen=True)
class LocalDistance:
    """Block map to the score and the number of background pixels."""

    inner: int
    outer: int
    ridge: float

    def __call__(self, block: Block) -> Any:
        """Return core height x core width x 2."""
        xp, reach = block.xp, self.outer // 2
        core, bands = block.core, block.cube.shape[-1]
        device = array_api_compat.device(block.cube)
        # windows that reach over the scene's edge find invalid pixels there
        shape = (core.height + 2 * reach, core.width + 2 * reach)
        cube = xp.zeros((*shape, bands), dtype=xp.float64, device=device)
        valid = xp.zeros(shape, dtype=xp.bool, device=device)
        top, left = reach - core.row, reach - core.col
        place = slice(top, top + block.window.height), slice(left, left + block.window.width)
        cube[place] = xp.where(block.valid[..., None], xp.astype(block.cube, xp.float64), 0.0)
        valid[place] = block.valid

        width = shape[1]
        pixels, valid = xp.reshape(cube, (-1, bands)), xp.reshape(valid, (-1,))
        offsets = xp.asarray(self._offsets(width), device=device)
        result = xp.zeros((core.height * core.width, 2), dtype=xp.float32, device=device)
        step = max(1, BATCH_BYTES // (offsets.shape[0] * bands * 8))
        for some in _batches(core.height * core.width, step):
            row, col = np.divmod(np.arange(some.start, some.stop), core.width)
            centres = xp.asarray((row + reach) * width + col + reach, device=device)
            around = centres[:, None] + offsets
            scores, count = self._score(pixels[centres], pixels[around], valid[around], xp)
            result[some, 0], result[some, 1] = xp.astype(scores, xp.float32), xp.astype(count, xp.float32)
        return xp.reshape(result, (core.height, core.width, 2))

    def _offsets(self, width: int) -> npt.NDArray[np.intp]:
        """Return the places of the background pixels relative to the centre, in rows of ``width``."""
        reach = np.arange(self.outer) - self.outer // 2
        y, x = np.meshgrid(reach, reach, indexing="ij")
        background = np.maximum(abs(y), abs(x)) > self.inner // 2
        return y[background] * width + x[background]

    def _score(self, x: Any, background: Any, valid: Any, xp: Any) -> tuple[Any, Any]:
        """Return scores and counts of n pixels: n x bands, n x k x bands, n x k.

        S = C^T C / (n - 1) with C the centred background. Where C has fewer rows than columns, its
        eigenvalues and the projections onto its eigenvectors come from C C^T, which is smaller.
        """
        count = xp.sum(xp.astype(valid, xp.float64), axis=1)
        enough = count >= 2
        weight = xp.astype(valid, xp.float64)[..., None]
        mean = xp.sum(background * weight, axis=1) / xp.where(count > 0, count, 1.0)[:, None]
        centred = (background - mean[:, None, :]) * weight
        difference = x - mean
        # scatter's eigenvalues, and the squared projections of the difference onto its eigenvectors
        turned = xp.matrix_transpose(centred)
        if centred.shape[1] < centred.shape[2]:
            scatter, vectors = xp.linalg.eigh(centred @ turned)
            keep = scatter > CUTOFF * scatter[:, -1:]
            along = (xp.matrix_transpose(vectors) @ (centred @ difference[..., None]))[..., 0] ** 2
            along = along / xp.where(keep, scatter, 1.0)
        else:
            scatter, vectors = xp.linalg.eigh(turned @ centred)
            keep = scatter > CUTOFF * scatter[:, -1:]
            along = (xp.matrix_transpose(vectors) @ difference[..., None])[..., 0] ** 2
        along = xp.where(keep, along, 0.0)
        variance = scatter / xp.where(enough, count - 1, 1.0)[:, None]
        mean_variance = xp.sum(xp.where(keep, variance, 0.0), axis=1) / x.shape[1]
        added = self.ridge * mean_variance
        scores = xp.sum(along / (xp.where(keep, variance, 1.0) + added[:, None]), axis=1)
        if self.ridge > 0:
            # with a ridge, the part of the difference that lies outside the window's directions counts
            rest = xp.sum(difference**2, axis=1) - xp.sum(along, axis=1)
            outside = xp.where(added > 0, xp.clip(rest, 0.0, None) / xp.where(added > 0, added, 1.0), 0.0)
            scores = scores + outside
        return xp.where(enough, scores, 0.0), count


def _batches(count: int, step: int) -> Iterator[slice]:
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
