"""How a scene is cut into blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator

from had_cli.scenes.source import Window


def block_shape(
    rows: int,
    cols: int,
    pixels: int,
    *,
    align: int = 1,
    halo: int = 0,
    natural: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Return the (height, width) of blocks of about ``pixels`` pixels with their halo.

    Both are multiples of ``align``, at least one. Whole rows are preferred, since most files store
    them together. Near-squares are taken where a halo would make strips expensive, and where the
    file is stored in tiles: these then hold whole tiles or equal parts of one, so that few are decoded
    more than once.
    """
    pixels = max(pixels, 1)
    strip = (max(align, (pixels // cols - 2 * halo) // align * align), _up(cols, align))
    side = max(1, math.isqrt(pixels) - 2 * halo)
    square = (max(align, side // align * align),) * 2
    if natural is not None and natural[0] > 1 and natural[1] < cols:
        steps = math.lcm(natural[0], align), math.lcm(natural[1], align)
        # tiles that are too large are cut into equal parts, so that no block lies across two of them
        height, width = (
            side // step * step if step <= side else max(align, step // -(-step // side) // align * align)
            for step in steps
        )
    elif (strip[0] + 2 * halo) * cols <= pixels and _waste(strip, halo, cols) <= _waste(square, halo, cols):
        height, width = strip
    elif halo:
        height, width = square
    else:
        height, width = align, max(align, pixels // align // align * align)
    return min(height, _up(rows, align)), min(width, _up(cols, align))


def _waste(shape: tuple[int, int], halo: int, cols: int) -> float:
    """Return how many pixels are read per pixel answered for."""
    height, width = shape
    across = 0 if width >= cols else 2 * halo
    return (height + 2 * halo) * (width + across) / (height * width)


def windows(rows: int, cols: int, shape: tuple[int, int]) -> Iterator[Window]:
    """Yield the blocks of a rows x cols scene, row by row; those at the edges may be smaller."""
    for row in range(0, rows, shape[0]):
        for col in range(0, cols, shape[1]):
            yield Window(col, row, min(shape[1], cols - col), min(shape[0], rows - row))


def staggered(rows: int, cols: int, count: int) -> tuple[list[Window], int]:
    """Return pieces of rows that lie evenly down a scene and are staggered across it, and a step.

    Every step-th pixel of them makes up about ``count``. Neither a wedge of nodata nor a lake takes the whole
    sample so.
    """
    width = min(cols, 512)
    pieces = min(rows, max(32, -(-count // width)))
    places = [
        Window(
            int((index * 0.6180339887) % 1 * (cols - width)),
            (2 * index + 1) * rows // (2 * pieces),
            width,
            1,
        )
        for index in range(pieces)
    ]
    return places, max(1, pieces * width // count)


def with_halo(core: Window, halo: int, rows: int, cols: int) -> tuple[Window, Window]:
    """Return ``core`` enlarged by ``halo`` within the scene, and the core relative to that."""
    top, left = max(0, core.row - halo), max(0, core.col - halo)
    bottom = min(rows, core.row + core.height + halo)
    right = min(cols, core.col + core.width + halo)
    outer = Window(left, top, right - left, bottom - top)
    return outer, Window(core.col - left, core.row - top, core.width, core.height)


def halves(core: Window, align: int) -> tuple[Window, Window] | None:
    """Return ``core`` cut in two at a multiple of ``align``, or None where it cannot be cut."""
    col, row, width, height = core
    if height > align and height >= width:
        cut = _up(height // 2, align)
        return Window(col, row, width, cut), Window(col, row + cut, width, height - cut)
    if width > align:
        cut = _up(width // 2, align)
        return Window(col, row, cut, height), Window(col + cut, row, width - cut, height)
    if height > align:
        cut = _up(height // 2, align)
        return Window(col, row, width, cut), Window(col, row + cut, width, height - cut)
    return None


def _up(value: int, step: int) -> int:
    """Return the smallest multiple of ``step`` that is at least ``value`` and not zero."""
    return max(1, -(-value // step)) * step
