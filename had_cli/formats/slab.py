"""Windows of a raw three-axis array in a file, by seeks into an ordinary file.

A memory map would do the same in fewer lines, but its pages count as the process's memory, and the
engine promises a bound on that.
"""

from __future__ import annotations

import io
import math
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.scenes.source import Window

Index = npt.NDArray[np.intp]

# A seek with a call costs about what reading on through this many bytes does.
SEEK = 32 * 1024
# Unwanted bytes are read through in pieces of at most this size.
CHUNK = 8 * 1024 * 1024

# Which scene axis (0 rows, 1 columns, 2 bands) varies slowest to fastest in the file.
ORDERS = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2), "fortran": (2, 1, 0)}


class Slab:
    """A rows x cols x bands array stored uncompressed from ``offset`` on.

    Parameters
    ----------
    path
        The file; it is opened for reading, or for update where ``writable``.
    shape
        (rows, cols, bands).
    dtype
        As stored, byte order included.
    order
        A key of :data:`ORDERS`.
    """

    def __init__(
        self,
        path: str | Path,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        order: str,
        offset: int = 0,
        *,
        writable: bool = False,
    ) -> None:
        self.path = str(path)
        self._dtype = dtype
        self._axes = ORDERS[order]
        self._lengths = tuple(shape[axis] for axis in self._axes)
        self._offset = offset
        self._file = io.FileIO(self.path, "r+" if writable else "r")
        self._seeking = threading.Lock()
        # scenes are handed about in notebooks; one that is dropped releases its file without a word
        self._release = weakref.finalize(self, self._file.close)

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands in native byte order; a view in the file's axis order."""
        select = self._select(window, bands)
        out = np.empty([len(index) for index in select], self._dtype)
        self._gather(0, self._lengths, select, out)
        if not out.dtype.isnative:
            out = out.byteswap(inplace=True).view(out.dtype.newbyteorder("="))
        return out.transpose(np.argsort(self._axes))

    def expect(self, window: Window, bands: Index | None) -> None:
        """Let the system read a window into its memory, without waiting for it."""
        if hasattr(os, "posix_fadvise"):
            for start, length in self._ranges(self._lengths, self._select(window, bands)):
                os.posix_fadvise(self._file.fileno(), start, length, os.POSIX_FADV_WILLNEED)

    def in_memory(self, window: Window, bands: Index | None) -> bool:
        """Return whether the system has a window's beginning in its memory; False where it does not tell."""
        if not hasattr(os, "RWF_NOWAIT"):
            return False
        start, _ = next(self._ranges(self._lengths, self._select(window, bands)))
        try:
            return os.preadv(self._file.fileno(), [bytearray(1)], start, os.RWF_NOWAIT) == 1
        except OSError:  # not there, or a file system that cannot say
            return False

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        """Store ``block``, height x width x all bands."""
        data = np.ascontiguousarray(block.transpose(self._axes), dtype=self._dtype)
        self._scatter(0, self._lengths, self._select(window, None), data)

    def close(self) -> None:
        """Release the file."""
        self._release()

    # -- inside ---------------------------------------------------------------------------------
    def _select(self, window: Window, bands: Index | None) -> list[Index]:
        of = (
            np.arange(window.row, window.row + window.height),
            np.arange(window.col, window.col + window.width),
            np.arange(self._lengths[self._axes.index(2)]) if bands is None else np.asarray(bands),
        )
        return [of[axis] for axis in self._axes]

    def _gather(self, base: int, lengths: Sequence[int], select: list[Index], out: npt.NDArray[Any]) -> None:
        """Fill ``out`` with a selection of the row-major array of ``lengths`` at item ``base``."""
        if 0 in out.shape:
            return
        inner = math.prod(lengths[1:])
        first, span = int(select[0][0]), int(select[0][-1]) - int(select[0][0]) + 1
        if span == len(select[0]) and _whole(select[1:], lengths[1:]):
            self._fill(base + first * inner, out)
            return
        item = self._dtype.itemsize
        through = span * inner * item
        apart = len(select[0]) * (SEEK + _reach(select[1:], lengths[1:]) * item)
        if len(lengths) == 1 or (through <= apart and inner * item <= CHUNK):
            self._read_through(base, lengths, select, out)
            return
        below = lengths[1:], select[1:]
        if len(lengths) > 2 and _run(select[1]) and _whole(select[2:], lengths[2:]):
            base += int(select[1][0]) * math.prod(lengths[2:])
            for place, index in enumerate(select[0].tolist()):  # the bands of some rows, say: many and short
                self._fill(base + index * inner, out[place])
            return
        for place, index in enumerate(select[0]):
            self._gather(base + int(index) * inner, *below, out[place])

    def _ranges(
        self, lengths: Sequence[int], select: list[Index], base: int = 0
    ) -> Iterator[tuple[int, int]]:
        """Yield the (first byte, bytes) of the file that hold a selection."""
        inner, item = math.prod(lengths[1:]), self._dtype.itemsize
        if _reach(select, lengths) * item <= SEEK + math.prod(len(index) for index in select) * item:
            first = 0
            for index, length in zip(select, lengths, strict=True):
                first = first * length + int(index[0])
            yield self._offset + (base + first) * item, _reach(select, lengths) * item
            return
        for index in select[0].tolist():
            yield from self._ranges(lengths[1:], select[1:], base + index * inner)

    def _read_through(
        self, base: int, lengths: Sequence[int], select: list[Index], out: npt.NDArray[Any]
    ) -> None:
        inner, index = math.prod(lengths[1:]), select[0]
        step = max(1, CHUNK // (inner * self._dtype.itemsize))
        rest = tuple(_slice(s) for s in select[1:])
        for start in range(int(index[0]), int(index[-1]) + 1, step):
            stop = min(start + step, int(index[-1]) + 1)
            low, high = np.searchsorted(index, (start, stop))
            if low < high:
                scratch = np.empty((stop - start, *lengths[1:]), self._dtype)
                self._fill(base + start * inner, scratch)
                out[low:high] = scratch[(_slice(index[low:high] - start), *rest)]

    def _fill(self, item: int, array: npt.NDArray[Any]) -> None:
        view = array.reshape(-1).view(np.uint8).data
        place = self._offset + item * self._dtype.itemsize
        while view:
            count = self._read_at(place, view)
            place += count
            if not count:
                raise SceneError(
                    f"{self.path}: the file ended early; it is truncated or was changed while it was read"
                )
            view = view[count:]

    def _read_at(self, place: int, view: memoryview) -> int:
        """Read into ``view`` from a place in the file; several threads may do so at a time."""
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], place)
        with self._seeking:
            self._file.seek(place)
            return self._file.readinto(view) or 0

    def _scatter(
        self, base: int, lengths: Sequence[int], select: list[Index], data: npt.NDArray[Any]
    ) -> None:
        if 0 in data.shape:
            return
        inner = math.prod(lengths[1:])
        if _whole(select[1:], lengths[1:]):
            view = data.reshape(-1).view(np.uint8).data
            self._file.seek(self._offset + (base + int(select[0][0]) * inner) * self._dtype.itemsize)
            while view:
                view = view[self._file.write(view) :]
            return
        for place, index in enumerate(select[0]):
            self._scatter(base + int(index) * inner, lengths[1:], select[1:], data[place])


def _run(index: Index) -> bool:
    """Return whether indices follow one another without a gap."""
    return int(index[-1]) - int(index[0]) + 1 == len(index)


def _whole(select: list[Index], lengths: Sequence[int]) -> bool:
    return all(len(index) == length for index, length in zip(select, lengths, strict=True))


def _reach(select: list[Index], lengths: Sequence[int]) -> int:
    """Return how many items lie between the first and the last wanted one."""
    first = last = 0
    for index, length in zip(select, lengths, strict=True):
        first, last = first * length + int(index[0]), last * length + int(index[-1])
    return last - first + 1


def _slice(index: Index) -> Any:
    """Return a slice for consecutive indices, which copies far faster than an index array."""
    if _run(index):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index
