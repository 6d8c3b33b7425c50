"""Where the pieces of a pass come from: a scene kept as stored, or reads ahead of the computation."""

from __future__ import annotations

import bisect
from collections.abc import Generator, Iterator
from typing import Protocol

import numpy as np

from had_cli.engine.blocks import with_halo
from had_cli.engine.partition import Partition, partition
from had_cli.engine.prefetch import prefetch
from had_cli.scenes.scene import Float, Scene
from had_cli.scenes.source import Window
from had_cli.scenes.stored import Stored

# Bytes as stored of a read. A larger one reads no faster, and a smaller one seeks more often.
READ = 2**25


class Pixels(Protocol):
    """Something that makes the pixels of a window; called from several threads."""

    def pixels(self, window: Window) -> Float:
        """Return height x width x bands float32, pixel after pixel."""
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
        first = bisect.bisect_right(self._ends, window.row)
        last = bisect.bisect_left(self._ends, window.row + window.height)
        if first == last:
            return self._strips[first].pixels(window)
        cube = np.empty((window.height, window.width, self._scene.shape[2]), np.float32)
        for strip in self._strips[first : last + 1]:
            top = max(window.row, strip.window.row)
            bottom = min(window.row + window.height, strip.window.row + strip.window.height)
            part = Window(window.col, top, window.width, bottom - top)
            cube[top - window.row : bottom - window.row] = strip.pixels(part)
        return cube

    def close(self) -> None:
        """Stop reading and forget the scene."""
        self._waiting.close()
        self._strips, self._ends = [], []


def kept_pieces(kept: Kept, parts: Partition) -> Iterator[tuple[Pixels, Window]]:
    """Yield every piece with what makes its pixels, as soon as its rows and its halo are there."""
    for piece in parts.pieces():
        kept.read_to(min(piece.row + piece.height + parts.halo, parts.rows))
        yield kept, piece


def streamed_pieces(scene: Scene, parts: Partition, pixels: int) -> Iterator[tuple[Pixels, Window]]:
    """Yield every piece with what makes its pixels; about ``pixels`` pixels are read at a time."""

    def read(part: tuple[Window, list[Window]]) -> tuple[Stored, list[Window]]:
        return scene.stored(part[0]), part[1]

    for stored, pieces in prefetch(read, parts.reads(pixels)):
        for piece in pieces:
            yield stored, piece


def with_surroundings(parts: Partition, piece: Window) -> tuple[Window, Window]:
    """Return a piece with its halo, and the piece relative to that."""
    return with_halo(piece, parts.halo, parts.rows, parts.cols)
