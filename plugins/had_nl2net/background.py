"""The rebuilt cube as a raster of the scene's own kind."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from had_cli.plugin import OutputExistsError, Scene, SceneInfo, Window, check_raster_path, create_raster

ROWS = 64  # written at a time
Float = npt.NDArray[np.float32]


def refuse_unwritable(path: Path) -> None:
    """Check before any training that :func:`save_background` will be able to write ``path``.

    Raises
    ------
    OutputError
        When it exists, its folder is missing, or no format has its suffix.
    """
    if os.path.lexists(path):
        raise OutputExistsError(f"{path}: exists already; name another file with --save-background")
    check_raster_path(path)


def save_background(path: Path, scene: Scene, cube: Float, warn: Callable[[str], None]) -> None:
    """Write ``cube``, rows x cols x bands in physical units and NaN where invalid, like ``scene``.

    The file has the bands, wavelengths, scale factors, nodata, CRS and type of the scene. Integers are
    rounded, and kept off the value that stands for nodata. A scene of integers that has invalid pixels
    but no such value becomes float32 with NaN there.

    Raises
    ------
    OutputError
        When the file exists or cannot be written.
    """
    info, store = _as_stored(scene, cube, warn)
    rows, cols, _ = cube.shape
    with create_raster(path, info, info.dtype) as sink:
        for row in range(0, rows, ROWS):
            window = Window(0, row, cols, min(ROWS, rows - row))
            sink.write(window, store(np.asarray(cube[window.rows])))


def _as_stored(
    scene: Scene, cube: Float, warn: Callable[[str], None]
) -> tuple[SceneInfo, Callable[[Float], npt.NDArray[np.generic]]]:
    """Return the metadata of the file, and the function from physical units to stored values."""
    info = dataclasses.replace(scene.info, truth=None, bad_bands=None, notes=())
    dtype = info.dtype
    nodata = np.asarray(np.nan if info.nodata is None else info.nodata, dtype=object)
    named = np.array([np.nan if value is None else float(value) for value in nodata.ravel()])
    if dtype.kind == "f":
        return info, _to_floats(info, named)
    if np.isnan(named).any() and _any_invalid(cube):
        warn(f"{info.dtype} has no value for the pixels without data: the background is written as float32")
        plain = dataclasses.replace(
            info, dtype=np.dtype(np.float32), nodata=float("nan"), scale=None, offset=None
        )
        return plain, lambda part: part
    return info, _to_integers(info, named)


def _any_invalid(cube: Float) -> bool:
    return any(bool(np.isnan(cube[row : row + ROWS, :, 0]).any()) for row in range(0, cube.shape[0], ROWS))


def _raw(part: Float, info: SceneInfo) -> npt.NDArray[np.float64]:
    """Undo scale and offset."""
    values = part.astype(np.float64)
    if info.offset is not None:
        values -= info.offset
    if info.scale is not None:
        values /= info.scale
    return values


def _to_floats(
    info: SceneInfo, nodata: npt.NDArray[np.float64]
) -> Callable[[Float], npt.NDArray[np.generic]]:
    def store(part: Float) -> npt.NDArray[np.generic]:
        values = _raw(part, info)
        return np.where(np.isnan(values), nodata, values).astype(info.dtype)

    return store


def _to_integers(
    info: SceneInfo, nodata: npt.NDArray[np.float64]
) -> Callable[[Float], npt.NDArray[np.generic]]:
    kind = np.iinfo(info.dtype)

    def store(part: Float) -> npt.NDArray[np.generic]:
        values = np.clip(np.rint(_raw(part, info)), kind.min, kind.max)
        # a background that happens to equal nodata would vanish
        aside = np.where(nodata >= kind.max, nodata - 1, nodata + 1)
        values = np.where(values == nodata, aside, values)
        return np.where(np.isnan(values), nodata, values).astype(info.dtype)

    return store
