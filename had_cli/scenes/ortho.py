"""From a sensor's own grid onto a map, by the lookup table that a product brings.

Detection runs on the sensor's grid, where each pixel was measured once. An orthorectified cube holds
many a pixel twice and leaves others out, which falsifies every statistic of the background; so it is
the scores that are put onto the map.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Ortho, SceneInfo, Window

Index = npt.NDArray[np.intp]

# Rows of the map that are looked up in one go.
_ROWS = 256


def orthorectified(values: npt.NDArray[Any], ortho: Ortho) -> npt.NDArray[Any]:
    """Return rows x cols floats of the scene's grid on the map, NaN where no pixel lies."""
    out = np.full(ortho.shape, np.nan, values.dtype)
    for strip in _strips(ortho.shape):
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


def ortho_scene(scene: Scene) -> Scene:
    """Return a scene on the map of its lookup table; one without a table is returned as it is.

    Pixels repeat and gaps are NaN: for looking at places, not for statistics.
    """
    table = scene.ortho
    return scene if table is None else Scene(_OrthoSource(scene, table), quality=())


def as_scored(scene: Scene, shape: tuple[int, ...]) -> Scene:
    """Return a scene on the grid of its score map, of ``shape`` (rows, cols): its own, or that of its map."""
    if scene.shape[:2] == shape or scene.source.info.ortho is None:
        return scene
    table = scene.ortho
    return ortho_scene(scene) if table is not None and table.shape == shape else scene


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


def _strips(shape: tuple[int, int]) -> Iterator[Window]:
    for row in range(0, shape[0], _ROWS):
        yield Window(0, row, shape[1], min(_ROWS, shape[0] - row))


def _reach(shape: tuple[int, int], lookup: Any) -> Window | None:
    """Return the part of the map where pixels lie."""
    hit_rows, hit_cols = np.zeros(shape[0], bool), np.zeros(shape[1], bool)
    for strip in _strips(shape):
        there = lookup(strip)[0] >= 0
        hit_rows[strip.rows] = there.any(axis=1)
        hit_cols |= there.any(axis=0)
    if not hit_rows.any():
        return None
    rows, cols = np.flatnonzero(hit_rows), np.flatnonzero(hit_cols)
    top, left = int(rows[0]), int(cols[0])
    return Window(left, top, int(cols[-1]) - left + 1, int(rows[-1]) - top + 1)


class _OrthoSource:
    """A source over a scene's pixels on its map, in physical units."""

    def __init__(self, scene: Scene, table: Ortho) -> None:
        self._scene, self._table = scene, table
        self.info = dataclasses.replace(
            ortho_info(scene.info, table),
            dtype=np.dtype(np.float32), scale=None, offset=None, nodata=float("nan"), bad_bands=None,
        )  # fmt: skip

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[np.float32]:
        """Return height x width x bands; of the scene is read what lies between the window's pixels."""
        rows, cols = self._table.lookup(window)
        count = self.info.shape[2] if bands is None else len(bands)
        out = np.full((window.height, window.width, count), np.nan, np.float32)
        there = rows >= 0
        if there.any():
            top, left = int(rows[there].min()), int(cols[there].min())
            part = Window(left, top, int(cols[there].max()) - left + 1, int(rows[there].max()) - top + 1)
            scene = self._scene if bands is None else self._scene.select(bands=bands)
            out[there] = scene.read(part)[rows[there] - top, cols[there] - left]
        return out

    def valid(self, window: Window) -> None:
        """Return None: what is not valid is NaN."""

    def close(self) -> None:
        """Release the file."""
        self._scene.close()
