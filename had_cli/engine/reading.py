"""Where the pieces of a pass come from: a scene kept as stored, reads ahead of the computation, or a file."""

from __future__ import annotations

import bisect
from collections.abc import Generator, Iterator
from typing import Protocol

import numpy as np

from had_cli.engine.blocks import windows, with_halo
from had_cli.engine.partition import Partition, partition
from had_cli.engine.prefetch import prefetch
from had_cli.scenes.scene import Float, Mask, Scene
from had_cli.scenes.source import FileSource, Window
from had_cli.scenes.stored import Stored

# Bytes as stored of a read. A larger one reads no faster, and a smaller one seeks more often.
READ = 2**25
# Bytes as stored that stay in a core's own cache from reading until they are turned.
HOT = 2**20


class Pixels(Protocol):
    """Something that makes the pixels of a window; called from several threads."""

    def pixels(self, window: Window) -> Float:
        """Return height x width x bands float32, pixel after pixel."""
        ...

    def block(self, window: Window) -> tuple[Float, Mask]:
        """Return the pixels, and which of them are valid, height x width."""
        ...


def stored_bytes(scene: Scene) -> int:
    """Return what a pixel of the selected bands takes as stored."""
    return scene.shape[2] * scene.source.info.dtype.itemsize


class Kept:
    """A scene in memory as the file stores it, read once: strips of rows, each when it is first wanted."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        rows, cols, _ = scene.shape
        pieces = partition(scene.shape, natural=scene.source.info.block)
        height = pieces.group[0]
        together = max(1, READ // (height * cols * stored_bytes(scene)))
        strips = [
            Window(0, row, cols, min(height * together, rows - row))
            for row in range(0, rows, height * together)
        ]
        self._waiting: Generator[Stored] = prefetch(scene.stored, strips)
        self._strips: list[Stored] = []
        self._ends: list[int] = []

    def read_to(self, row: int) -> None:
        """Read on until all rows before ``row`` are there."""
        while not self._ends or self._ends[-1] < row:
            strip = next(self._waiting)
            self._strips.append(strip)
            self._ends.append(strip.window.row + strip.window.height)

    def pixels(self, window: Window) -> Float:
        """Return height x width x bands float32 of rows that are there."""
        return self.block(window)[0]

    def block(self, window: Window) -> tuple[Float, Mask]:
        """Return them, and which are valid."""
        first = bisect.bisect_right(self._ends, window.row)
        last = bisect.bisect_left(self._ends, window.row + window.height)
        if first == last:
            return self._strips[first].block(window)
        cube, valid = _empty(window, self._scene)
        for strip in self._strips[first : last + 1]:
            top = max(window.row, strip.window.row)
            bottom = min(window.row + window.height, strip.window.row + strip.window.height)
            there = slice(top - window.row, bottom - window.row)
            strip.block(Window(window.col, top, window.width, bottom - top), (cube[there], valid[there]))
        return cube, valid

    def close(self) -> None:
        """Stop reading and forget the scene."""
        self._waiting.close()
        self._strips, self._ends = [], []


class InFile:
    """A file that the system keeps in its memory, as far as it was read.

    To keep it once more costs as much memory again, and memory that no process has used for a while costs
    more than to copy from what is there: with a virtual machine several times more. So pixels are read again
    in every pass, by the thread that computes with them; what it reads is in its cache when it is turned.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        # bands that lie far apart are read in as many seeks for one row as for many
        self.by_rows = scene.source.info.interleave != "bsq"

    @classmethod
    def of(cls, scene: Scene) -> InFile | None:
        """Return the scene as such, or None where the file's values or the system are not of that kind."""
        source = scene.source
        if not isinstance(source, FileSource) or scene.quality:
            return None
        first = Window(scene.window.col, scene.window.row, 1, 1)
        source.read(first, None)
        return cls(scene) if source.in_memory(first) else None

    def pixels(self, window: Window) -> Float:
        """Return height x width x bands float32."""
        return self.block(window)[0]

    def block(self, window: Window) -> tuple[Float, Mask]:
        """Return them, and which are valid."""
        height = max(1, HOT // (window.width * stored_bytes(self._scene))) if self.by_rows else window.height
        if height >= window.height:
            return self._scene.stored(window).block(window)
        cube, valid = _empty(window, self._scene)
        for part in windows(window.height, window.width, (height, window.width)):
            there = Window(window.col, window.row + part.row, part.width, part.height)
            self._scene.stored(there).block(there, (cube[part.rows], valid[part.rows]))
        return cube, valid

    def expect(self, window: Window) -> None:
        """Let the system read a window, without waiting for it."""
        scene, source = self._scene, self._scene.source
        there = Window(
            scene.window.col + window.col, scene.window.row + window.row, window.width, window.height
        )
        assert isinstance(source, FileSource)  # noqa: S101 - of() has looked
        source.expect(there, scene.bands)


def _empty(window: Window, scene: Scene) -> tuple[Float, Mask]:
    size = window.height, window.width
    return np.empty((*size, scene.shape[2]), np.float32), np.empty(size, bool)


def kept_pieces(kept: Kept, parts: Partition) -> Iterator[tuple[Pixels, Window]]:
    """Yield every piece with what makes its pixels, as soon as its rows and its halo are there."""
    for piece in parts.pieces():
        kept.read_to(min(piece.row + piece.height + parts.halo, parts.rows))
        yield kept, piece


def streamed_pieces(
    scene: Scene, file: InFile | None, parts: Partition, pixels: int
) -> Iterator[tuple[Pixels, Window]]:
    """Yield every piece with what makes its pixels; about ``pixels`` pixels are read ahead at a time."""

    def read(part: tuple[Window, list[Window]]) -> tuple[Pixels, list[Window]]:
        if file is None or not file.by_rows:
            return scene.stored(part[0]), part[1]
        file.expect(part[0])
        return file, part[1]

    for stored, pieces in prefetch(read, parts.reads(pixels)):
        for piece in pieces:
            yield stored, piece


def with_surroundings(parts: Partition, piece: Window) -> tuple[Window, Window]:
    """Return a piece with its halo, and the piece relative to that."""
    return with_halo(piece, parts.halo, parts.rows, parts.cols)
