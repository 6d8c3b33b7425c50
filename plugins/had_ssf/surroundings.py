"""Blocks with exactly the surroundings that a map asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Window

Index = npt.NDArray[np.intp]


def trimmed(block: Block, halo: int) -> Block:
    """Return ``block`` with ``halo`` pixels around its core, fewer at the scene's edge.

    Several maps of unlike halos share a pass, which brings the widest.
    """
    core, (height, width) = block.core, block.valid.shape
    top, left = min(halo, core.row), min(halo, core.col)
    rows = slice(core.row - top, min(height, core.row + core.height + halo))
    cols = slice(core.col - left, min(width, core.col + core.width + halo))
    window = Window(
        block.window.col + cols.start,
        block.window.row + rows.start,
        cols.stop - cols.start,
        rows.stop - rows.start,
    )
    inner = Window(left, top, core.width, core.height)
    return Block(block.cube[rows, cols], block.valid[rows, cols], window, inner, block.xp)


def reflected(block: Block, halo: int) -> tuple[Any, Any]:
    """Return cube and validity of the core with ``halo`` pixels on every side.

    Beyond the scene's edge it is reflected about the outermost pixel (``reflect`` of numpy.pad), as
    often as a narrow scene makes necessary.
    """
    block = trimmed(block, halo)
    core, (height, width) = block.core, block.valid.shape
    rows = _mirror(height, halo - core.row, halo - (height - core.row - core.height))
    cols = _mirror(width, halo - core.col, halo - (width - core.col - core.width))
    cube, valid = block.cube, block.valid
    if rows is not None:
        cube, valid = cube[rows, ...], valid[rows, ...]
    if cols is not None:
        cube, valid = cube[:, cols, ...], valid[:, cols]
    return cube, valid


def _mirror(size: int, before: int, after: int) -> Index | None:
    """Return the indices of 0 .. size - 1 with a mirrored border, or None where none is missing."""
    return np.pad(np.arange(size), (before, after), mode="reflect") if before or after else None
