"""Lookup tables of products from a sensor's grid onto a map."""

from __future__ import annotations

import h5py
import numpy as np

from had_cli.formats.products.crs import Transform
from had_cli.formats.products.hdf5 import Index, reading, same_size
from had_cli.scenes.source import Ortho, Window


def lookup_table(
    path: str, lines: h5py.Dataset, samples: h5py.Dataset, crs: str | None, transform: Transform | None
) -> Ortho:
    """Return the table of a product.

    Parameters
    ----------
    lines, samples
        Row and column of the scene's pixel, counted from 1, with 0 for none. A negative entry is that of
        a neighbour, which fills a gap of the map.
    crs, transform
        Of the map.

    Raises
    ------
    SceneError
        When the two differ in size.
    """
    shape = (int(lines.shape[0]), int(lines.shape[1]))
    same_size(samples, shape, "the table of lines")

    def lookup(window: Window) -> tuple[Index, Index]:
        with reading(path, "a lookup table"):
            found = [np.asarray(table[window.rows, window.cols]) for table in (lines, samples)]
        row, col = (np.abs(np.nan_to_num(values, nan=0.0)).astype(np.intp) - 1 for values in found)
        none = (row < 0) | (col < 0)
        row[none], col[none] = -1, -1
        return row, col

    return Ortho(shape=shape, crs=crs, transform=transform, lookup=lookup)
