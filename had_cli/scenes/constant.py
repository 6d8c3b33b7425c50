"""Bands that say nothing: the same value in every pixel, or none at all.

They make a covariance singular, and one that is all fill makes every pixel invalid. A sample shows nearly
every band to vary, so only what looks constant in it is read whole, and no longer than until it varies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from had_cli.scenes.describe import runs
from had_cli.scenes.origin import pieces
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

# What is read at a time of the bands that are still in doubt.
BLOCK_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Constant:
    """Which of a scene's selected bands say nothing.

    Attributes
    ----------
    bands : (bands,) bool, True where all finite values of a band are one, or there is none
    empty : (bands,) bool, True where a band has no finite value
    """

    bands: npt.NDArray[np.bool_]
    empty: npt.NDArray[np.bool_]


def constant_bands(scene: Scene, progress: Callable[[str, float], None] | None = None) -> Constant:
    """Return the bands of a scene that are constant in all pixels of its window and mask.

    A value counts where it is finite and not nodata, whatever the other bands hold there.
    """
    count = scene.shape[2]
    low, high = np.full(count, np.inf, np.float32), np.full(count, -np.inf, np.float32)
    doubtful = np.arange(count)
    for place in pieces(scene.shape):
        _widen(low, high, doubtful, scene.read(place))
    left = doubtful[~(low < high)]
    if len(left):
        for done, place in enumerate(plan := list(_strips(scene, len(left)))):
            if progress is not None:
                progress("constant bands", done / len(plan))
            _widen(low, high, left, scene.select(bands=left).read(place))
            left = left[~(low[left] < high[left])]
            if not len(left):
                break
        if progress is not None:
            progress("constant bands", 1.0)
    found = np.zeros(count, bool)
    found[left] = True
    return Constant(found, found & (low > high))


def without_constant(
    scenes: Sequence[Scene], progress: Callable[[str, float], None] | None = None
) -> tuple[list[Scene], list[str]]:
    """Return scenes without the bands that are constant in one of them, and a line for each that lost some.

    Scenes of the same bands lose the same ones, so that they stay alike. A scene that would lose every band
    is left as it is.
    """
    alike: dict[tuple[object, ...], npt.NDArray[np.bool_]] = {}
    for scene in scenes:
        found = constant_bands(scene, progress).bands
        if not found.all():
            alike[_key(scene)] = alike.get(_key(scene), False) | found
    narrowed, lines = [], []
    for scene in scenes:
        out = alike.get(_key(scene))
        if out is None or not out.any() or out.all():
            narrowed.append(scene)
            continue
        narrowed.append(scene.select(bands=np.flatnonzero(~out)))
        lines.append(f"{scene.name}: {left_out(scene, out)}")
    return narrowed, lines


def left_out(scene: Scene, out: npt.NDArray[np.bool_]) -> str:
    """Return the line that says which bands are left out."""
    count = int(out.sum())
    what = "1 band is constant or without any value and is" if count == 1 else f"{count} bands are constant"
    rest = "" if count == 1 else " or without any value and are"
    return f"{what}{rest} left out: {runs(scene.bands[out] + 1)}"


def _key(scene: Scene) -> tuple[object, ...]:
    centres = scene.wavelengths
    return scene.bands.tobytes(), None if centres is None else centres.tobytes()


def _strips(scene: Scene, bands: int) -> Iterator[Window]:
    """Yield windows that cover a scene, of whole natural blocks where these are small enough."""
    rows, cols, _ = scene.shape
    high, wide = scene.source.info.block or (1, cols)
    pixels = max(1, BLOCK_BYTES // (bands * 8))
    height, width = min(rows, high), cols
    if height * cols > pixels:
        width = min(cols, max(wide, pixels // height // wide * wide))
    height = min(rows, max(height, pixels // width // high * high))
    if height * width > pixels:  # a file of one enormous block
        height = max(1, pixels // width)
    for row in range(0, rows, height):
        for col in range(0, cols, width):
            yield Window(col, row, min(width, cols - col), min(height, rows - row))


def _widen(
    low: npt.NDArray[np.float32],
    high: npt.NDArray[np.float32],
    bands: npt.NDArray[np.intp],
    cube: npt.NDArray[np.float32],
) -> None:
    """Take the finite values of rows x cols x ``bands`` into the extremes."""
    finite = np.isfinite(cube)
    low[bands] = np.minimum(low[bands], np.where(finite, cube, np.inf).min(axis=(0, 1)))
    high[bands] = np.maximum(high[bands], np.where(finite, cube, -np.inf).max(axis=(0, 1)))
