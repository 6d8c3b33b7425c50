"""What to take off a scene's values before they become single precision, where that would lose their digits.

Values of 32 or 64 bits that lie far from zero and vary little, such as 1e9 + noise, differ in digits that
single precision has not. A constant taken off in double precision moves them to where it has. It is taken off
only for methods whose definition says that their scores do not change by it (``Method.offset_invariant``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

# Bands whose mean is at most so many deviations keep 18 of the 24 bits for what varies, and stay as they are.
DEVIATIONS = 64
EXACT = 2**24  # integers up to this are single precision already
# Pieces of a row that are looked at, and pixels in each.
PIECES = 16
PIECE = 256


def pieces(shape: tuple[int, int, int]) -> Iterator[Window]:
    """Yield pieces of rows, evenly down a scene and staggered across it."""
    rows, cols, _ = shape
    width, count = min(cols, PIECE), min(rows, PIECES)
    for index in range(count):
        row = (2 * index + 1) * rows // (2 * count)
        yield Window(int((index * 0.6180339887) % 1 * (cols - width)), row, width, 1)


def origin_of(scene: Scene, invariance: Literal["none", "scene", "bands"]) -> npt.NDArray[np.float64] | None:
    """Return what to take off each band, (bands,), or None where single precision has the digits that matter.

    Parameters
    ----------
    invariance
        ``scene``: the same is taken off all bands. ``bands``: each band has its own, 0 where it needs none.
        ``none``: nothing is.
    """
    info = scene.source.info
    counts = info.dtype.kind in "biu" and info.scale is None and info.offset is None
    if invariance == "none" or (np.can_cast(info.dtype, np.float32) and info.offset is None):
        return None
    together = invariance == "scene"
    first = _sampled(scene, together)
    if not len(first):
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        largest, mean = np.abs(first).max(axis=0), first.mean(axis=0)
        if counts:
            mean = np.rint(mean)  # so that counts stay counts
        spread = _sampled(scene.less(np.broadcast_to(mean, scene.shape[2:])), together).std(axis=0)
        needed = np.isfinite(mean) & (spread > 0) & (np.abs(mean) > DEVIATIONS * spread)
    if counts:
        needed &= largest > EXACT
    if not needed.any():
        return None
    return np.broadcast_to(np.where(needed, mean, 0.0), scene.shape[2:]).copy()


def _sampled(scene: Scene, together: bool) -> npt.NDArray[np.float64]:
    """Return finite pixels of a few pieces of a scene, n x bands, or n x 1 of the values of all bands."""
    found = [scene.read(place).reshape(-1, scene.shape[2]) for place in pieces(scene.shape)]
    values = np.concatenate(found)
    kept: npt.NDArray[np.float64] = values[np.isfinite(values).all(axis=1)].astype(np.float64)
    return kept.reshape(-1, 1) if together else kept
