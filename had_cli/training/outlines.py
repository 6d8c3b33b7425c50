"""Outlines of things seen from above: how much of each pixel they cover, as a sensor blurs it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Cover = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float64]
FINE = 5  # points along a pixel's side
MARGIN = 3  # pixels around a thing that its blur reaches


def vehicle(random: np.random.Generator, size: float) -> Callable[[Plane, Plane], npt.NDArray[np.bool_]]:
    """Return a rectangle, ``size`` pixels long and a third to a half as wide."""
    width = size * random.uniform(0.33, 0.5)
    return lambda along, across: (np.abs(along) <= size / 2) & (np.abs(across) <= width / 2)


def roof(random: np.random.Generator, size: float) -> Callable[[Plane, Plane], npt.NDArray[np.bool_]]:
    """Return a rectangle nearly as wide as long, some with a corner missing."""
    width, corner = size * random.uniform(0.6, 1), random.uniform(0, 0.4) * (random.random() < 0.4)

    def inside(along: Plane, across: Plane) -> npt.NDArray[np.bool_]:
        whole = (np.abs(along) <= size / 2) & (np.abs(across) <= width / 2)
        return whole & ~((along > size * (0.5 - corner)) & (across > width * (0.5 - corner)))

    return inside


def aircraft(random: np.random.Generator, size: float) -> Callable[[Plane, Plane], npt.NDArray[np.bool_]]:
    """Return a body, swept wings and a tail, ``size`` pixels long."""
    sweep, slim = random.uniform(0.2, 0.7), random.uniform(0.07, 0.12)

    def inside(along: Plane, across: Plane) -> npt.NDArray[np.bool_]:
        x, y = along / size, np.abs(across) / size
        body = (np.abs(x) <= 0.5) & (y <= slim)
        wings = (np.abs(x + sweep * y - 0.05) <= 0.09) & (y <= 0.48)
        tail = (np.abs(x + sweep * y + 0.4) <= 0.05) & (y <= 0.18)
        return body | wings | tail

    return inside


def patch(random: np.random.Generator, size: float) -> Callable[[Plane, Plane], npt.NDArray[np.bool_]]:
    """Return an ellipse."""
    width = size * random.uniform(0.4, 1)
    return lambda along, across: (2 * along / size) ** 2 + (2 * across / width) ** 2 <= 1


OUTLINES = (vehicle, roof, aircraft, patch)


def covered(
    shape: tuple[int, int],
    centre: tuple[float, float],
    angle: float,
    size: float,
    inside: Callable[[Plane, Plane], npt.NDArray[np.bool_]],
    blur: float,
) -> tuple[tuple[slice, slice], Cover]:
    """Return where a thing lies, and how much of each pixel there it covers, 0 to 1.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    centre
        Row and column of the middle, pixel centres being whole numbers.
    angle
        Of its axis, in radians.
    size
        Its length, in pixels.
    inside
        From coordinates along and across the axis to whether they lie within.
    blur
        Standard deviation of the point spread, in pixels.
    """
    reach = int(np.ceil(size / 2)) + MARGIN
    spans = [
        (max(0, round(middle) - reach), min(count, round(middle) + reach + 1))
        for middle, count in zip(centre, shape, strict=True)
    ]
    steps = [(np.arange((stop - start) * FINE) + 0.5) / FINE - 0.5 + start for start, stop in spans]
    y, x = steps[0][:, None] - centre[0], steps[1][None, :] - centre[1]
    cos, sin = np.cos(angle), np.sin(angle)
    fine = gaussian_filter(inside(y * cos + x * sin, x * cos - y * sin).astype(np.float64), blur * FINE)
    rows, cols = (stop - start for start, stop in spans)
    cover = fine.reshape(rows, FINE, cols, FINE).mean(axis=(1, 3))
    return (slice(*spans[0]), slice(*spans[1])), cover.astype(np.float32)
