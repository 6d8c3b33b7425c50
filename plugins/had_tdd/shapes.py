"""Outlines of simulated objects: how much of each pixel they cover."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Cover = npt.NDArray[np.float32]
FINE = 3  # points along a pixel's side that decide how much of it is covered
CROSSED = 0.3  # part of the objects that are crosses, as aircraft from above
BROAD = (0.45, 0.75)  # sides of broad areas, as a part of the tile


def rectangle(random: np.random.Generator, side: int, least: int, most: int) -> Cover:
    """Return side x side of 0 and 1: one rectangle within, height and width from ``least`` to ``most``."""
    height, width = (int(v) for v in random.integers(min(least, side), min(most, side) + 1, 2))
    row, col = int(random.integers(side - height + 1)), int(random.integers(side - width + 1))
    cover = np.zeros((side, side), np.float32)
    cover[row : row + height, col : col + width] = 1
    return cover


def blob(random: np.random.Generator, side: int, least: float, most: float) -> Cover:
    """Return side x side of 0 to 1: a turned rectangle or ellipse, or a cross of two.

    Height and width are drawn from ``least`` to ``most`` pixels, small ones as often as large ones on a
    logarithmic scale. What is less than a pixel wide still covers most of one.
    """
    height, width = np.exp(random.uniform(np.log(least), np.log(most), 2))
    reach = min(max(height, width) / 2, side / 2 - 1)
    row, col = random.uniform(reach, side - 1 - reach, 2)
    down, across = _turned(side, row, col, random.uniform(0, np.pi))
    if random.random() < 0.5:
        inside = (np.abs(down) <= height / 2) & (np.abs(across) <= width / 2)
    else:
        inside = (2 * down / height) ** 2 + (2 * across / width) ** 2 <= 1
    if random.random() < CROSSED:
        other_height, other_width = random.uniform(0.5, 1, 2) * (width, height)
        inside |= (np.abs(down) <= other_height / 2) & (np.abs(across) <= other_width / 2)
    cover: Cover = inside.reshape(side, FINE, side, FINE).mean(axis=(1, 3), dtype=np.float32)
    if cover.max() < 0.5:
        cover[round(row), round(col)] = 1
    return cover


def structure(random: np.random.Generator, side: int) -> Cover:
    """Return side x side of 0 and 1: a line across, a half, or a broad area; nothing small."""
    row, col = random.uniform(0, side, 2)
    kind = random.integers(4)
    if kind == 3:
        return blob(random, side, BROAD[0] * side, BROAD[1] * side)
    down, _ = _turned(side, row, col, random.uniform(0, np.pi), fine=1)
    inside = down > 0 if kind == 2 else np.abs(down) <= random.uniform(0.5, 2)
    return inside.astype(np.float32)


def _turned(
    side: int, row: float, col: float, angle: float, fine: int = FINE
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the coordinates of all points about a centre, along axes turned by ``angle``."""
    points = (np.arange(side * fine) + 0.5) / fine - 0.5
    y, x = points[:, None] - row, points[None, :] - col
    return y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) - y * np.sin(angle)
