"""Which values count: nodata, pixels that are finite in every band, masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.scenes.source import Window

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def valid_pixels(cube: Float) -> Mask:
    """Return the (...,) mask of pixels of a (..., bands) array whose bands are all finite."""
    # A sum is one pass and finite only if all its terms are; where it is not, overflow of finite
    # values is told apart from real NaN and infinity.
    with np.errstate(all="ignore"):
        valid = np.isfinite(cube @ np.ones(cube.shape[-1], cube.dtype))
    doubtful = ~valid
    if doubtful.any():
        valid[doubtful] = np.isfinite(cube[doubtful]).all(axis=-1)
    return valid


def empty_bands(
    read: Callable[[Window], Float], shape: tuple[int, int, int], pieces: int = 64
) -> npt.NDArray[np.bool_]:
    """Return which bands of a scene hold no finite value, (bands,), as far as pieces of rows tell.

    ``read`` gives height x width x bands of a window, ``shape`` is (rows, cols, bands).
    """
    rows, cols, bands = shape
    width = min(cols, 512)
    empty = np.ones(bands, bool)
    for row in np.unique(np.linspace(0, rows - 1, pieces).astype(int)):
        piece = read(Window((cols - width) // 2, int(row), width, 1))
        empty &= ~np.isfinite(piece).any(axis=(0, 1))
    return empty


def nonzero(array: npt.NDArray[Any]) -> Mask:
    """Return where an array is set; NaN is not."""
    return np.asarray((array != 0) & ~np.isnan(array))


def equals_nodata(
    raw: npt.NDArray[Any], nodata: Any, bands: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_] | None:
    """Return where ``raw`` equals nodata, or None where that cannot be or does not occur.

    The comparison runs in the stored type: a double beside an integer cube would turn all of it into
    doubles, four times the memory of 16-bit counts.
    """
    if not isinstance(nodata, tuple):
        value = _as_stored(nodata, raw.dtype)
        if value is None:
            return None
        invalid = raw == value
    else:
        values = [_as_stored(nodata[b], raw.dtype) for b in bands]
        stated = np.array([v is not None for v in values])
        if not stated.any():
            return None
        invalid = raw == np.array([0 if v is None else v for v in values], raw.dtype)
        invalid[..., ~stated] = False
    return invalid if invalid.any() else None


def _as_stored(value: float | None, dtype: np.dtype[Any]) -> Any:
    """Return ``value`` in the type of the file, or None where no stored value can equal it."""
    if value is None or np.isnan(value):
        return None
    if dtype.kind == "f":
        # -3.4028235e38 in a header is meant to equal the float32 in the file
        with np.errstate(over="ignore"):
            return dtype.type(value)
    if not np.isfinite(value) or value != int(value):
        return None
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return dtype.type(int(value)) if low <= value <= high else None
