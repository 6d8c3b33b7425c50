"""Maps on one scale, added."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from had_cli.plugin import cores, ordered
from had_ssf.ranks import EXACT, Bins, average_ranks, log_rank

Float = npt.NDArray[np.float32]
PIXELS = 2**20  # at a time: maps may lie on disk


def pieces(shape: tuple[int, ...], pixels: int = PIXELS) -> Iterator[slice]:
    """Yield the rows of a map, so many at a time as hold about ``pixels`` pixels."""
    rows, cols = shape[:2]
    height = max(1, pixels // cols)
    for row in range(0, rows, height):
        yield slice(row, min(row + height, rows))


def fused(layers: Float, out: Float) -> bool:
    """Write the sum over layers of their log-ranks to ``out``; return whether ranks are exact.

    ``layers`` is rows x cols x k, NaN at invalid pixels, as is then ``out``, rows x cols. Up to EXACT
    valid pixels are ranked by sorting, more by counting (:class:`Bins`).
    """
    valid = sum(int(np.count_nonzero(np.isfinite(layers[p, :, 0]))) for p in pieces(layers.shape))
    for p in pieces(layers.shape):
        out[p] = np.where(np.isfinite(layers[p, :, 0]), np.float32(0), np.float32(np.nan))
    every = range(layers.shape[-1])
    if valid <= EXACT:
        for known, ranked in ordered(lambda layer: _sorted(layers[..., layer], valid), every, cores):
            out[known] += ranked
        return True
    for layer in every:
        _add_counted(layers[..., layer], out, valid)
    return False


def _sorted(layer: Float, count: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    known = np.isfinite(layer)
    return known, log_rank(average_ranks(layer[known]), count)


def _add_counted(layer: Float, out: Float, count: int) -> None:
    bins = Bins.of(layer[p][np.isfinite(layer[p])] for p in pieces(layer.shape))
    for p in pieces(layer.shape):
        known = np.isfinite(layer[p])
        part = out[p]
        part[known] += log_rank(np.minimum(bins.ranks(layer[p][known]), count), count)
