"""A scene on a server of which nothing is fetched twice.

Detection goes over a scene several times, and a network is slower than any disk. What has been fetched
is kept in a temporary file, block by block as the file is stored.
"""

from __future__ import annotations

import errno
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from had_cli.scenes.source import SceneInfo, Source, Window

Index = npt.NDArray[np.intp]
T = TypeVar("T")

# What is asked for at once: many requests run at a time, and the answer is held in memory twice.
_AT_ONCE = 32 * 1024 * 1024
# A part of the disk that others may need as well is left free.
_SHARE_OF_DISK = 0.5


class FetchedOnce:
    """A source that keeps what it reads of another one, whose reads are dear.

    Whole blocks are fetched, as the server's file has them. Where the disk has no room, blocks are fetched
    again.
    """

    def __init__(self, source: Source) -> None:
        self.info: SceneInfo = source.info
        self._source = source
        rows, cols, bands = self._shape = source.info.shape
        self._item = source.info.dtype.itemsize
        block = source.info.block or (1, cols)
        self._wide = min(block[1], cols)
        # a file of one enormous block is kept in strips
        self._high = max(1, min(block[0], rows, _AT_ONCE // (self._wide * bands * self._item)))
        self._across = -(-cols // self._wide)
        count = self._across * -(-rows // self._high)
        self._there = np.zeros((count, bands), bool)
        self._masked: dict[int, npt.NDArray[np.uint8]] = {}
        self._file: Any = tempfile.TemporaryFile(prefix="had-")  # noqa: SIM115 - closed with the source
        self._room = int(_SHARE_OF_DISK * shutil.disk_usage(tempfile.gettempdir()).free)

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored; fetches the blocks that are not here yet."""
        chosen = np.arange(self._shape[2]) if bands is None else np.asarray(bands)
        result = np.empty((len(chosen), window.height, window.width), self.info.dtype)
        for part in self._parts(window):
            there = result[:, part.row - window.row :, part.col - window.col :]
            self._fill(there[:, : part.height, : part.width], part, chosen)
        return result.transpose(1, 2, 0)

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return the mask that the file carries, or None."""
        result = np.empty((window.height, window.width), bool)
        for part in self._parts(window):
            for number, cell in self._cells(part):
                if number not in self._masked:
                    mask = self._source.valid(cell)
                    if mask is None:
                        return None
                    self._masked[number] = np.packbits(mask)
                packed = self._masked[number]
                whole = np.unpackbits(packed, count=cell.height * cell.width).reshape(cell.height, cell.width)
                _copy(whole[None], cell, result[None], window)
        return result

    def close(self) -> None:
        """Release the file and what is kept of it."""
        self._file.close()
        self._source.close()

    # -- inside ---------------------------------------------------------------------------------
    def _parts(self, window: Window) -> Iterator[Window]:
        """Yield a window in strips of whole rows of blocks that may be fetched at once."""
        across = self._rounded(window)
        each = across.width * self._high * self._shape[2] * self._item
        step = self._high * max(1, _AT_ONCE // each)
        end = window.row + window.height
        row = window.row
        while row < end:
            stop = min(end, (row // self._high) * self._high + step)
            yield Window(window.col, row, window.width, stop - row)
            row = stop

    def _fill(self, result: npt.NDArray[Any], part: Window, bands: Index) -> None:
        """Put bands x rows x columns of a part into ``result``."""
        cells = list(self._cells(part))
        fetched: dict[int, npt.NDArray[Any]] = {}
        for together in _rectangles([one for one in cells if not self._there[one[0], bands].all()]):
            lacking = bands[~self._there[[number for number, _ in together]][:, bands].all(axis=0)]
            found = self._fetched(together, lacking)
            if len(lacking) == len(bands):
                fetched |= found
        for number, cell in cells:
            if number in fetched:
                cube = fetched[number]
            elif self._there[number, bands].all():
                cube = self._kept(number, cell, bands)
            else:  # there was no room for it
                cube = self._fetched([(number, cell)], bands)[number]
            _copy(cube, cell, result, part)

    def _fetched(self, cells: list[tuple[int, Window]], bands: Index) -> dict[int, npt.NDArray[Any]]:
        """Return bands x rows x columns of cells, which form a rectangle, from the server."""
        first, last = cells[0][1], cells[-1][1]
        window = Window(
            first.col, first.row, last.col + last.width - first.col, last.row + last.height - first.row
        )
        every = len(bands) == self._shape[2]
        cube = self._source.read(window, None if every else bands).transpose(2, 0, 1)
        cube = cube.astype(self.info.dtype, copy=False)
        found = {}
        for number, cell in cells:
            row, col = cell.row - window.row, cell.col - window.col
            found[number] = cube[:, row : row + cell.height, col : col + cell.width]
            self._keep(number, found[number], bands)
        return found

    def _keep(self, number: int, cube: npt.NDArray[Any], bands: Index) -> None:
        self._room -= cube.size * self._item
        if self._room < 0:
            return
        try:
            for run in _runs(bands):
                data = np.ascontiguousarray(cube[run[0] : run[1]])
                self._file.seek(self._offset(number, cube[0].size, int(bands[run[0]])))
                self._file.write(data)
            self._file.flush()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self._room = 0
            return
        self._there[number, bands] = True

    def _kept(self, number: int, cell: Window, bands: Index) -> npt.NDArray[Any]:
        size = cell.height * cell.width
        cube = np.empty((len(bands), cell.height, cell.width), self.info.dtype)
        for start, stop in _runs(bands):
            self._file.seek(self._offset(number, size, int(bands[start])))
            self._file.readinto(cube[start:stop].reshape(-1).view(np.uint8).data)
        return cube

    def _offset(self, number: int, size: int, band: int) -> int:
        return (number * self._high * self._wide * self._shape[2] + band * size) * self._item

    def _rounded(self, window: Window) -> Window:
        """Return the columns of the blocks that a window touches."""
        left = window.col // self._wide * self._wide
        right = min(self._shape[1], -(-(window.col + window.width) // self._wide) * self._wide)
        return Window(left, window.row, right - left, window.height)

    def _cells(self, part: Window) -> Iterator[tuple[int, Window]]:
        """Yield number and place of the blocks that a part touches, row by row."""
        rows, cols, _ = self._shape
        across = self._rounded(part)
        for row in range(part.row // self._high, -(-(part.row + part.height) // self._high)):
            top = row * self._high
            for col in range(across.col // self._wide, -(-(across.col + across.width) // self._wide)):
                left = col * self._wide
                yield (
                    row * self._across + col,
                    Window(left, top, min(self._wide, cols - left), min(self._high, rows - top)),
                )


def _rectangles(cells: list[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
    """Yield cells, which come row by row, in rectangles: each is asked for at once."""
    rows = [list(row) for _, row in itertools.groupby(cells, key=lambda one: one[1].row)]
    stacked: dict[tuple[int, ...], list[list[tuple[int, Window]]]] = {}
    for row in rows:
        stacked.setdefault(tuple(cell.col for _, cell in row), []).append(row)
    for alike in stacked.values():
        for block in _stretches(alike, lambda row: (row[0][1].row, row[0][1].height)):
            for side in _stretches(block[0], lambda one: (one[1].col, one[1].width)):
                first, last = side[0][1].col, side[-1][1].col
                yield [one for row in block for one in row if first <= one[1].col <= last]


def _stretches(items: list[T], place: Callable[[T], tuple[int, int]]) -> Iterator[list[T]]:
    """Yield stretches of items of which each begins where the one before it ends."""
    start = 0
    for end in range(1, len(items) + 1):
        if end == len(items) or place(items[end])[0] != sum(place(items[end - 1])):
            yield items[start:end]
            start = end


def _runs(bands: Index) -> Iterator[tuple[int, int]]:
    """Yield where stretches of neighbouring bands start and stop in ``bands``."""
    breaks = np.flatnonzero(np.diff(bands) != 1) + 1
    edges = [0, *breaks.tolist(), len(bands)]
    yield from itertools.pairwise(edges)


def _copy(cube: npt.NDArray[Any], cell: Window, result: npt.NDArray[Any], window: Window) -> None:
    """Copy what ``cell`` and ``window`` share; both arrays are bands x rows x columns."""
    top, left = max(cell.row, window.row), max(cell.col, window.col)
    bottom = min(cell.row + cell.height, window.row + window.height)
    right = min(cell.col + cell.width, window.col + window.width)
    result[:, top - window.row : bottom - window.row, left - window.col : right - window.col] = cube[
        :, top - cell.row : bottom - cell.row, left - cell.col : right - cell.col
    ]
