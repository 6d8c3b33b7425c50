"""Distortions of a patch and its mask together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

Array = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

TURN = np.pi / 4
ZOOM = 0.1
WARP = (0.1, 0.3)  # a warp moves its points by this part of the side, one standard deviation
WARP_POINTS = 4  # along a side


def warped(random: np.random.Generator, image: Array, mask: Array) -> tuple[Array, Array]:
    """Return side x side x bands and side x side after the two published distortions.

    First a rotation of up to 45 degrees and a scale of 0.9 to 1.1, linear in the image and by the nearest
    pixel in the mask; then a piecewise-affine warp, by the nearest pixel in both: points of a 4 x 4
    grid move at random, and what is between them with them. Beyond the edge the patch is mirrored.
    """
    side = len(mask)
    turned = _affine(side, random.uniform(-TURN, TURN), 1 + random.uniform(-ZOOM, ZOOM))
    image, mask = _linear(image, turned), _nearest(mask, turned)
    bent = _bent(random, side)
    return _nearest(image, bent), _nearest(mask, bent)


def turned(random: np.random.Generator, image: Array) -> Array:
    """Return side x side x bands, turned by a multiple of 90 degrees and mirrored at random."""
    image = np.rot90(image, int(random.integers(4)))
    return np.ascontiguousarray(image[::-1] if random.integers(2) else image)


def _affine(side: int, angle: float, zoom: float) -> Points:
    """Return 2 x side x side: where each pixel comes from."""
    centre = (side - 1) / 2
    down, across = np.indices((side, side)) - centre
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    return np.asarray(np.stack([cosine * down - sine * across, sine * down + cosine * across]) + centre)


def _bent(random: np.random.Generator, side: int) -> Points:
    scale = random.uniform(*WARP)
    moves = random.normal(0, scale / WARP_POINTS, (2, WARP_POINTS, WARP_POINTS)) * side
    places = np.indices((side, side)) * (WARP_POINTS - 1) / max(1, side - 1)
    shifts = np.stack([map_coordinates(move, places, order=1) for move in moves])
    return np.asarray(np.indices((side, side)) + shifts)


def _mirrored(index: npt.NDArray[np.intp], side: int) -> npt.NDArray[np.intp]:
    """Return indices of any size, reflected at both ends without repeating the end."""
    period = max(1, 2 * (side - 1))
    index = np.abs(index) % period
    return np.minimum(index, period - index) if side > 1 else np.zeros_like(index)


def _nearest(values: Array, points: Points) -> Array:
    rows, cols = _mirrored(np.rint(points).astype(np.intp), len(values))
    return np.ascontiguousarray(values[rows, cols])


def _linear(image: Array, points: Points) -> Array:
    below = np.floor(points).astype(np.intp)
    part = (points - below).astype(np.float32)[..., None]
    result = np.zeros_like(image)
    for down in (0, 1):
        for across in (0, 1):
            rows, cols = _mirrored(below + np.array([down, across])[:, None, None], len(image))
            share = (part[0] if down else 1 - part[0]) * (part[1] if across else 1 - part[1])
            result += share * image[rows, cols]
    return result
