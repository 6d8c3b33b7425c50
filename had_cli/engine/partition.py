"""How a pass cuts a scene into pieces: by the scene alone, so that the same scene gives the same bytes.

Sums of floating-point numbers depend on how they are grouped, and so do the last digits of a product on
the number of rows that go through it at once. The pieces follow from the scene's shape, from how its file
is stored and from what the pass asks for; never from free memory, the number of cores or the engine. Those
decide how many pieces are read together and computed at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from had_cli.engine.blocks import block_shape, windows, with_halo
from had_cli.scenes.source import Window

# Bytes of single precision in a piece: it stays in the cache from reading to the last product.
PIECE = 2**23
# Pixels of a piece at most, where bands are few.
MOST_PIXELS = 2**16
# Several threads find work in a scene of so many pieces, where pieces do not become smaller than this.
PARTS = 8
LEAST_PIXELS = 2**13
# Bytes of a piece with a halo: a border computed twice is dear, so such a piece is larger.
WITH_HALO = 2**25


class Read(NamedTuple):
    """What is read at once: a window with the halo, and the pieces in it, in their order."""

    window: Window
    pieces: list[Window]


@dataclass(frozen=True)
class Partition:
    """The pieces of a rows x cols scene.

    Attributes
    ----------
    rows, cols : of the scene
    group : (height, width) of what is cheap to read: tiles of the file, or whole rows
    height : rows of a piece; a group is cut into strips of so many
    halo : pixels around a piece that come along
    """

    rows: int
    cols: int
    group: tuple[int, int]
    height: int
    halo: int = 0

    def pieces(self) -> Iterator[Window]:
        """Yield all pieces; their order is that in which results are merged."""
        for group in windows(self.rows, self.cols, self.group):
            yield from self._strips(group)

    def reads(self, pixels: int) -> Iterator[Read]:
        """Yield what to read at once: about ``pixels`` pixels with the halo, and at least one piece.

        The pieces of all reads one after the other are those of :meth:`pieces`.
        """
        height, width = self.group
        more = 2 * self.halo
        down = (pixels // self.cols - more) // height
        if down >= 1 or width >= self.cols:
            shapes = (max(1, down) * height, self.cols)
        else:
            shapes = (height, max(1, (pixels // (height + more) - more) // width) * width)
        for part in windows(self.rows, self.cols, shapes):
            pieces = [
                Window(part.col + piece.col, part.row + piece.row, piece.width, piece.height)
                for group in windows(part.height, part.width, self.group)
                for piece in self._strips(group)
            ]
            at_once, area = len(pieces), (part.height + more) * (part.width + more)
            if area > pixels and part.height <= height and part.width <= width:
                at_once = max(1, len(pieces) * pixels // area)  # a group too large is read strip by strip
            for start in range(0, len(pieces), at_once):
                yield self._read(pieces[start : start + at_once])

    @property
    def largest(self) -> int:
        """How many pixels a piece has at most, halo included."""
        height, width = min(self.height, self.rows), min(self.group[1], self.cols)
        return min(height + 2 * self.halo, self.rows) * min(width + 2 * self.halo, self.cols)

    def _strips(self, group: Window) -> Iterator[Window]:
        for row in range(0, group.height, self.height):
            height = min(self.height, group.height - row)
            yield Window(group.col, group.row + row, group.width, height)

    def _read(self, pieces: list[Window]) -> Read:
        left, top = min(p.col for p in pieces), min(p.row for p in pieces)
        right, bottom = max(p.col + p.width for p in pieces), max(p.row + p.height for p in pieces)
        around, _ = with_halo(Window(left, top, right - left, bottom - top), self.halo, self.rows, self.cols)
        return Read(around, pieces)


def partition(
    shape: tuple[int, int, int],
    *,
    natural: tuple[int, int] | None = None,
    halo: int = 0,
    align: int = 1,
    cost: int = 0,
    parallel: bool = True,
    scale: int = 1,
    pixels: int | None = None,
) -> Partition:
    """Return the pieces of a pass over a scene of ``shape`` (rows, cols, bands).

    Parameters
    ----------
    natural
        (rows, cols) of a cheap read, as in :class:`had_cli.scenes.source.SceneInfo`.
    halo, align, cost, parallel
        As asked for in :meth:`had_cli.engine.run.Run.map`.
    scale
        Makes pieces so many times larger: a GPU wants more at once than a core's cache holds.
    pixels
        Overrides the pixels of a piece, for tests.
    """
    rows, cols, bands = shape
    each = 4 * bands + cost
    if halo:
        fitting = min(WITH_HALO // (4 * bands), 2 * WITH_HALO // each) * max(1, scale // 8)
        if parallel:  # several pieces of any scene that is not tiny, but none that is mostly halo
            fitting = min(fitting, max(rows * cols // PARTS, (10 * halo) ** 2, LEAST_PIXELS))
        pixels = pixels or fitting
        height, width = block_shape(rows, cols, pixels, align=align, halo=halo, natural=natural)
        return Partition(rows, cols, (height, width), height, halo)
    pixels = max(1, pixels or min(PIECE // each, MOST_PIXELS) * scale)
    if natural is None or natural[0] == 1:
        height, width = block_shape(rows, cols, pixels, align=align)
        return Partition(rows, cols, (height, width), height)
    height, width = math.lcm(min(natural[0], rows), align), math.lcm(min(natural[1], cols), align)
    groups = max(1, pixels // (height * width))
    across = min(groups, -(-cols // width))
    if across * width >= cols:
        height *= groups // across
    width *= across
    return Partition(rows, cols, (height, width), max(align, min(height, pixels // width // align * align)))
