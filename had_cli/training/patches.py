"""Patches of scenes to train on, read when they are needed; and scenes that are held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from had_cli.scenes.bands import Resampling
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import Window

Float = npt.NDArray[np.float32]
Patch = TypeVar("Patch")
Item = TypeVar("Item")
DRAWS = 8  # tries to find a patch that is not mostly nodata


def read_patch(
    scene: Scene, window: Window, spectra: Resampling, mean: Float, side: int
) -> tuple[Float, float]:
    """Return side x side x bands spectra on the bands of the network, and the part of them that is valid.

    Parameters
    ----------
    window
        Where it lies, at most side x side pixels; what is missing to that is mirrored, or continued where
        there is one row or column only.
    spectra
        From the bands of the scene to those of the network.
    mean
        (bands,) the spectrum that stands in the place of invalid pixels.
    """
    cube = scene.read(window)
    valid = valid_pixels(cube)
    patch = spectra(np.where(valid[..., None], cube, np.float32(0)))
    patch = np.where(valid[..., None], patch, mean)
    missing = ((0, side - window.height), (0, side - window.width), (0, 0))
    mode = "reflect" if min(window.height, window.width) > 1 else "edge"
    return np.pad(patch, missing, mode=mode), float(valid.mean())  # type: ignore[call-overload]


def draw_patch(
    random: np.random.Generator,
    rows: int,
    cols: int,
    side: int,
    read: Callable[[int, int], tuple[Patch, float]],
) -> Patch:
    """Return a patch from anywhere in rows x cols that is not mostly invalid, as far as one is found.

    Parameters
    ----------
    read
        From row and column of the upper left pixel to the patch and the part of it that is valid.
    """
    found: list[tuple[Patch, float]] = []
    for _ in range(DRAWS):
        row = int(random.integers(max(1, rows - side + 1)))
        col = int(random.integers(max(1, cols - side + 1)))
        found.append(read(row, col))
        if found[-1][1] >= 0.5:
            break
    return max(found, key=lambda patch: patch[1])[0]  # the first of equals


def hold_out_scenes(scenes: Sequence[Item], count: int, seed: int) -> tuple[list[Item], list[Item]]:
    """Return the scenes to train on and ``count`` of them held out, drawn by the seed, both in order."""
    order = np.random.default_rng([seed, 1]).permutation(len(scenes))
    return [scenes[i] for i in sorted(order[count:])], [scenes[i] for i in sorted(order[:count])]
