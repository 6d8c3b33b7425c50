"""Averages over squares of pixels, and of the squares that a pixel lies in the calmest (Kuwahara)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Window, device_of, like
from had_ssf.surroundings import trimmed

REACH = 2  # of a square: 5 x 5


def averages(block: Block) -> Any:
    """Return the core's components averaged over the valid pixels of 5 x 5, height x width x k."""
    block = trimmed(block, REACH)
    valid = block.valid[..., None]
    return _means(block, block.xp.where(valid, block.cube, block.xp.zeros_like(block.cube)))


def calmest(block: Block, values: Callable[[Any], Any], weights: npt.NDArray[np.float64]) -> Any:
    """Return for each pixel of the core the value of the calmest square that it lies in.

    Kuwahara et al. (1976) smooth so, and leave edges where they are: a square across an edge varies more
    than one on either side. ``values`` gives those of averages, height x width of height x width x k.
    What varies is the sum of the variances of the components, times ``weights`` (k,). Squares
    are those around valid pixels.
    """
    xp, core = block.xp, block.core
    block = trimmed(block, 2 * REACH)
    inner, (rows, cols) = block.core, block.valid.shape
    top, left = min(REACH, inner.row), min(REACH, inner.col)
    below, right = (
        min(REACH, size - start - length)
        for size, start, length in ((rows, inner.row, inner.height), (cols, inner.col, inner.width))
    )
    around = Window(inner.col - left, inner.row - top, inner.width + left + right, inner.height + top + below)
    squares = replace(block, core=around)
    averaged = averages(squares)
    found = values(averaged)
    varies = xp.where(squares.core_of(squares.valid), _variation(squares, averaged, weights), xp.inf)
    shape = core.height + 2 * REACH, core.width + 2 * REACH
    place = (
        slice(REACH - top, REACH + core.height + below),
        slice(REACH - left, REACH + core.width + right),
    )
    most = xp.full(shape, xp.inf, dtype=varies.dtype, device=device_of(found))
    framed = xp.zeros(shape, dtype=found.dtype, device=device_of(found))
    most[place], framed[place] = varies, found
    here = slice(REACH, REACH + core.height), slice(REACH, REACH + core.width)
    result, least = framed[here], most[here]
    for i in range(2 * REACH + 1):
        for j in range(2 * REACH + 1):
            there = slice(i, i + core.height), slice(j, j + core.width)
            better = most[there] < least
            result = xp.where(better, framed[there], result)
            least = xp.where(better, most[there], least)
    return result


def _variation(block: Block, averaged: Any, weights: npt.NDArray[np.float64]) -> Any:
    """Return the weighted sum of the variances over 5 x 5 around each pixel of the core."""
    xp = block.xp
    block = trimmed(block, REACH)
    each = like(averaged, weights, xp)
    x = xp.where(block.valid[..., None], block.cube, xp.zeros_like(block.cube))
    squares = (xp.astype(x, xp.float64) ** 2) @ each[:, None]
    return _means(block, squares)[..., 0] - (xp.astype(averaged, xp.float64) ** 2) @ each


def _means(block: Block, values: Any) -> Any:
    """Return means of rows x cols x n ``values`` over 5 x 5 around the core's pixels; invalid ones are 0.

    Neighbours are added one by one in a fixed order, so a pixel has the same mean in every block.
    """
    xp, core = block.xp, block.core
    values = xp.concat([values, xp.astype(block.valid, values.dtype)[..., None]], axis=-1)
    for axis, start, size in ((0, core.row, core.height), (1, core.col, core.width)):
        values = _sums(values, axis, start, size, xp)
    count = values[..., -1:]
    return values[..., :-1] / xp.maximum(count, xp.ones_like(count))


def _sums(values: Any, axis: int, start: int, size: int, xp: Any) -> Any:
    """Return the sums over the window of REACH around ``size`` places from ``start``, within the array."""
    end = values.shape[axis]
    shape = [*values.shape]
    shape[axis] = size
    total = xp.zeros_like(values[:size, ...] if axis == 0 else values[:, :size, ...])
    for step in range(-REACH, REACH + 1):
        low, high = max(0, start + step), min(end, start + size + step)
        if low >= high:
            continue
        into = slice(low - start - step, high - start - step)
        if axis == 0:
            total[into, ...] += values[low:high, ...]
        else:
            total[:, into, ...] += values[:, low:high, ...]
    return total
