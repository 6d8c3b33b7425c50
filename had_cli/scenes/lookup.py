"""Lookup tables from a sensor's own grid onto a map, and values put there by them.

Detection runs on the sensor's grid, where each pixel was measured once. An orthorectified cube holds
many a pixel twice and leaves others out, which falsifies every statistic of the background; so it is
the scores that are put onto the map.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.scenes.source import Ortho, SceneInfo, Window

Index = npt.NDArray[np.intp]
Lookup = Callable[[Window], tuple[Index, Index]]

# Rows of the map that are looked up in one go.
_ROWS = 256


def orthorectified(values: npt.NDArray[Any], ortho: Ortho) -> npt.NDArray[Any]:
    """Return rows x cols floats of the scene's grid on the map, NaN where no pixel lies."""
    out = np.full(ortho.shape, np.nan, values.dtype)
    for strip in strips(ortho.shape):
        rows, cols = ortho.lookup(strip)
        there = rows >= 0
        out[strip.rows][there] = values[rows[there], cols[there]]
    return out


def ortho_info(info: SceneInfo, ortho: Ortho) -> SceneInfo:
    """Return the metadata of a scene as it would be on the map."""
    return dataclasses.replace(
        info, shape=(*ortho.shape, info.shape[2]), crs=ortho.crs, transform=ortho.transform,
        ortho=None, block=None, truth=None, quality=(),
    )  # fmt: skip


def ortho_of_window(table: Ortho, window: Window, info: SceneInfo) -> Ortho:
    """Return the table of a window of the scene: the part of the map that its pixels reach.

    Raises
    ------
    SceneError
        When the table points outside the scene, or nowhere into the window.
    """
    rows, cols, _ = info.shape

    def checked(part: Window) -> tuple[Index, Index]:
        row, col = table.lookup(part)
        there = (row >= 0) & (col >= 0)
        if there.any() and (row[there].max() >= rows or col[there].max() >= cols):
            raise SceneError(
                f"{info.path}: the lookup table of its map points outside the scene; it is damaged, "
                "download it again"
            )
        return np.where(there, row, -1), np.where(there, col, -1)

    if window == Window(0, 0, cols, rows):
        return dataclasses.replace(table, lookup=checked)

    def inside(part: Window) -> tuple[Index, Index]:
        row, col = checked(part)
        row, col = row - window.row, col - window.col
        there = (row >= 0) & (row < window.height) & (col >= 0) & (col < window.width)
        return np.where(there, row, -1), np.where(there, col, -1)

    reach = _reach(table.shape, inside)
    if reach is None:
        raise SceneError(f"{info.path}: no pixel of the window lies on its map; give --no-ortho")

    def lookup(part: Window) -> tuple[Index, Index]:
        return inside(Window(part.col + reach.col, part.row + reach.row, part.width, part.height))

    transform = table.transform
    if transform is not None:
        a, b, c, d, e, f = transform
        transform = (a, b, c + a * reach.col + b * reach.row, d, e, f + d * reach.col + e * reach.row)
    return Ortho(shape=(reach.height, reach.width), crs=table.crs, transform=transform, lookup=lookup)


def strips(shape: tuple[int, int]) -> Iterator[Window]:
    """Yield windows of whole rows that cover a map, each to be looked up in one go."""
    for row in range(0, shape[0], _ROWS):
        yield Window(0, row, shape[1], min(_ROWS, shape[0] - row))


def _reach(shape: tuple[int, int], lookup: Lookup) -> Window | None:
    """Return the part of the map where pixels lie."""
    hit_rows, hit_cols = np.zeros(shape[0], bool), np.zeros(shape[1], bool)
    for strip in strips(shape):
        there = lookup(strip)[0] >= 0
        hit_rows[strip.rows] = there.any(axis=1)
        hit_cols |= there.any(axis=0)
    if not hit_rows.any():
        return None
    rows, cols = np.flatnonzero(hit_rows), np.flatnonzero(hit_cols)
    top, left = int(rows[0]), int(cols[0])
    return Window(left, top, int(cols[-1]) - left + 1, int(rows[-1]) - top + 1)
