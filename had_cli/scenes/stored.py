"""A part of a scene as the file stores it; its pixels are made piece by piece."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from had_cli.scenes.source import SceneInfo, Window
from had_cli.scenes.validity import Float, Mask, equals_nodata


class Stored:
    """Values as read, in the file's own type and order.

    To turn a whole read at once works against the cache: every value is fetched from main memory twice. A
    piece of some megabytes is turned while it is warm, by whichever thread computes with it; and until then a
    read takes no more memory than the file does.

    Parameters
    ----------
    window
        The place of the values, in the coordinates of the view.
    raw
        Height x width x bands in any order of the axes.
    keep
        Height x width masks, True where a pixel takes part.
    origin
        What is taken off each band, (bands,), before values become single precision; None for nothing.
    """

    def __init__(
        self,
        window: Window,
        raw: npt.NDArray[Any],
        info: SceneInfo,
        bands: npt.NDArray[np.intp],
        keep: tuple[Mask, ...],
        origin: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.window, self._origin = window, origin
        self._raw, self._info, self._bands, self._keep = raw, info, bands, keep

    def pixels(self, window: Window | None = None, *, order: Literal["C", "K"] = "C") -> Float:
        """Return height x width x bands float32 in physical units; invalid values are NaN.

        Parameters
        ----------
        window
            Part of the view that lies within ``self.window``; default: all of it.
        order
            ``C``: pixel after pixel. ``K``: as the file has it, which costs less where it is not pixel by
            pixel. The result may share memory with what was read.
        """
        part = window or self.window
        rows, cols = part.row - self.window.row, part.col - self.window.col
        there = slice(rows, rows + part.height), slice(cols, cols + part.width)
        raw, info = self._raw[there], self._info
        invalid = equals_nodata(raw, info.nodata, self._bands)
        with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond single precision: not finite
            if info.scale is None and info.offset is None and self._origin is None:
                copied = invalid is not None and raw.dtype == np.float32
                cube = raw.astype(np.float32, order=order, copy=copied)
            else:
                # in double: a float32 product would lose the last digits of a 32-bit count
                scale = 1.0 if info.scale is None else info.scale[self._bands]
                offset = 0.0 if info.offset is None else info.offset[self._bands]
                offset = offset if self._origin is None else offset - self._origin
                cube = (raw * scale + offset).astype(np.float32, order=order)
        if invalid is not None:
            cube[invalid] = np.nan
        for mask in self._keep:
            keep = mask[there]
            if not keep.all():
                if np.shares_memory(cube, raw):
                    cube = cube.copy()
                cube[~keep] = np.nan
        return cube
