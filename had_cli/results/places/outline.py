"""Outlines of labelled pixels as polygons."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from had_cli.results.places.place import Polygons, Ring

STEP = 16.0
"""Pixels after which an edge gets another point: straight on one map is curved on another."""


def outlines(labels: npt.NDArray[np.int32]) -> dict[int, Polygons]:
    """Return the polygons of every label above 0 in a rows x cols array, in pixels.

    Parts that touch at a corner only become polygons of their own: one ring through both would cross
    itself, which the simple features of OGC do not allow.
    """
    from rasterio.features import shapes

    found: dict[int, Polygons] = defaultdict(list)
    for shape, label in shapes(labels, mask=labels > 0, connectivity=4):
        found[int(label)].append([[(x, y) for x, y in ring] for ring in shape["coordinates"]])
    return found


def dense(ring: Ring, step: float = STEP) -> npt.NDArray[np.float64]:
    """Return a closed ring as (n, 2), with points added so that no edge is longer than ``step``."""
    points = np.asarray(ring, dtype=np.float64)
    edges = np.diff(points, axis=0)
    parts = np.maximum(1, np.ceil(np.abs(edges).max(axis=1) / step)).astype(np.intp)
    start = np.repeat(points[:-1], parts, axis=0)
    along = np.concatenate([np.arange(count) / count for count in parts])
    return np.vstack([start + along[:, None] * np.repeat(edges, parts, axis=0), points[-1:]])


def shoelace(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Return the signed area of a closed ring: positive where it runs anticlockwise."""
    x, y = x - x[0], y - y[0]  # large coordinates would cancel digits
    return float(0.5 * (x[:-1] @ y[1:] - x[1:] @ y[:-1]))
