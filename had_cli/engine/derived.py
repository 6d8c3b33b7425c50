"""A scene whose pixels a block map computes from another's when they are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import SceneInfo, Window

# Side of the squares that are computed one by one. They lie on a grid of the scene, so that the features of a
# pixel are the same bytes whichever window they are asked for with.
CELL = 128
KEPT = 2**27  # bytes of squares that are kept, even where fewer are needed again

Cells = Callable[[list[Window]], Iterator[npt.NDArray[np.float32]]]


def derived_info(scene: Scene, bands: int) -> SceneInfo:
    """Return the metadata of a scene of ``bands`` features."""
    rows, cols, _ = scene.shape
    return SceneInfo(
        path=scene.path,
        format="derived",
        shape=(rows, cols, bands),
        dtype=np.dtype(np.float32),
        block=(CELL, CELL),
    )


def kept_bytes(info: SceneInfo, memory: int) -> int:
    """Return how many bytes of cells to keep: what the next windows overlap, not all there is room for.

    A pass goes down the scene, so more than a few rows of cells would only be of use to the next pass,
    and then only all of them.
    """
    _, cols, bands = info.shape
    return min(memory // 4, max(KEPT, 3 * 4 * CELL * cols * bands))


class DerivedSource:
    """The source of a scene whose pixels are a block map's of another scene.

    Parameters
    ----------
    info
        As :func:`derived_info` gives it.
    compute
        From cells side by side to height x width x bands float32 of each, NaN at invalid pixels.
    memory
        Bytes of cells that are kept for the next windows, which overlap where they have a halo.
    """

    def __init__(self, info: SceneInfo, compute: Cells, memory: int) -> None:
        self.info = info
        self._compute = compute
        self._most = max(1, memory // (4 * CELL * CELL * info.shape[2]))
        self._cells: OrderedDict[Window, npt.NDArray[np.float32]] = OrderedDict()

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return the computed height x width x bands."""
        cube = np.empty((window.height, window.width, self.info.shape[2]), np.float32)
        for row in cells_of(window, self.info.shape):
            for cell, values in self._found(row):
                top, left = max(cell.row, window.row), max(cell.col, window.col)
                bottom = min(cell.row + cell.height, window.row + window.height)
                right = min(cell.col + cell.width, window.col + window.width)
                cube[top - window.row : bottom - window.row, left - window.col : right - window.col] = values[
                    top - cell.row : bottom - cell.row, left - cell.col : right - cell.col
                ]
        return cube if bands is None else cube[..., bands]

    def _found(self, row: list[Window]) -> Iterator[tuple[Window, npt.NDArray[np.float32]]]:
        """Yield the cells of a row of them: those that are kept, then the others, computed together."""
        missing = []
        for cell in row:
            if cell in self._cells:
                self._cells.move_to_end(cell)
                yield cell, self._cells[cell]
            else:
                missing.append(cell)
        if missing:
            for cell, values in zip(missing, self._compute(missing), strict=True):
                self._cells[cell] = values
                if len(self._cells) > self._most:
                    self._cells.popitem(last=False)
                yield cell, values

    def valid(self, window: Window) -> None:
        """Return None: invalid pixels are NaN already."""

    def close(self) -> None:
        """Do nothing: the scene it derives from stays open."""


def cells_of(window: Window, shape: tuple[int, int, int]) -> Iterator[list[Window]]:
    """Yield the cells that a window touches, row by row; those at the scene's edge may be smaller."""
    rows, cols, _ = shape
    for row in range(window.row // CELL * CELL, window.row + window.height, CELL):
        yield [
            Window(col, row, min(CELL, cols - col), min(CELL, rows - row))
            for col in range(window.col // CELL * CELL, window.col + window.width, CELL)
        ]


def averaged(cube: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Return the mean of the valid pixels of each factor x factor square, NaN where it has none.

    Squares at the right and lower edge hold what there is. Pixels are added one by one in a fixed order, so a
    square has the same mean in every block.
    """
    height, width, bands = cube.shape
    rows, cols = -(-height // factor), -(-width // factor)
    total = np.zeros((rows, cols, bands), np.float32)
    count = np.zeros((rows, cols, 1), np.float32)
    for down in range(factor):
        for right in range(factor):
            part = cube[down::factor, right::factor]
            known = valid_pixels(part)[..., None]
            place = slice(part.shape[0]), slice(part.shape[1])
            total[place] += np.where(known, part, np.float32(0))
            count[place] += known
    with np.errstate(invalid="ignore"):  # a square without any valid pixel
        return np.asarray(total / count)
