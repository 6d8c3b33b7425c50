"""In which bands a place differs from what lies around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from had_cli.results.places.place import BandDifference
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window
from had_cli.scenes.validity import valid_pixels

GUARD = 1
"""Pixels next to a place that are left out of its surroundings: they may hold a part of it."""

REACH = 6
"""Pixels beyond a place's rectangle that count as its surroundings."""

FEWEST = 8
"""Surrounding pixels below which nothing is said."""


def strongest_bands(
    scene: Scene, labels: npt.NDArray[np.int32], windows: Sequence[Window], count: int = 3
) -> dict[int, tuple[BandDifference, ...]]:
    """Return, by label, the ``count`` bands in which a place differs most from its surroundings.

    Most in standard deviations of the surroundings, so that a bright band does not win by its size.
    Surroundings are the valid pixels within :data:`REACH` that belong to no place and do not touch this
    one. A place without any is left out.
    """
    found = {}
    # row by row, as files are laid out: neighbours share what has just been read
    for number in sorted(range(len(windows)), key=lambda index: windows[index].row):
        around = _grown(windows[number], REACH, labels.shape)
        differences = _differences(scene, labels, number + 1, around)
        if differences is not None:
            found[number + 1] = _strongest(scene, *differences, count)
    return found


def _grown(window: Window, by: int, shape: tuple[int, ...]) -> Window:
    left, top = max(0, window.col - by), max(0, window.row - by)
    right = min(shape[1], window.col + window.width + by)
    bottom = min(shape[0], window.row + window.height + by)
    return Window(left, top, right - left, bottom - top)


def _differences(
    scene: Scene, labels: npt.NDArray[np.int32], label: int, around: Window
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """Return difference and deviation of the surroundings by band, or None where there are none."""
    from scipy.ndimage import binary_dilation

    cube = scene.read(around)
    local = labels[around.rows, around.cols]
    valid = valid_pixels(cube)
    inside = (local == label) & valid
    near = binary_dilation(local == label, np.ones((3, 3), dtype=bool), iterations=GUARD)
    outside = (local == 0) & ~near & valid
    if not inside.any() or np.count_nonzero(outside) < FEWEST:
        return None
    place, background = cube[inside].astype(np.float64), cube[outside].astype(np.float64)
    return place.mean(axis=0) - background.mean(axis=0), background.std(axis=0, ddof=1)


def _strongest(
    scene: Scene, difference: npt.NDArray[np.float64], deviation: npt.NDArray[np.float64], count: int
) -> tuple[BandDifference, ...]:
    # a band that is constant around the place is not infinitely strong: rounding makes bands constant
    floor = max(1e-3 * float(np.median(deviation)), np.finfo(np.float64).tiny)
    deviations = difference / np.maximum(deviation, floor)
    centres = scene.wavelengths
    order = np.argsort(-np.abs(deviations), kind="stable")[:count]
    return tuple(
        BandDifference(
            band=int(scene.bands[index]) + 1,
            wavelength_nm=None if centres is None else float(centres[index]),
            difference=float(difference[index]),
            deviations=float(deviations[index]),
        )
        for index in order
    )
