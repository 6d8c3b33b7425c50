"""A scene as it lies on the map of its lookup table: for looking at, not for statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from had_cli.scenes.lookup import Index, ortho_info
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Ortho, Window


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
