"""A part of a scene as the file stores it; its pixels are made piece by piece."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from had_cli.scenes.source import SceneInfo, Window
from had_cli.scenes.validity import Float, Mask, equals_nodata, valid_pixels


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
        there = self._within(window)
        raw = self._raw[there]
        invalid = equals_nodata(raw, self._info.nodata, self._bands)
        copied = invalid is not None and raw.dtype == np.float32
        with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond single precision: not finite
            cube = self._physical(raw).astype(np.float32, order=order, copy=copied)
        if invalid is not None:
            cube[invalid] = np.nan
        keep = self._kept(there)
        if keep is not None:
            if np.shares_memory(cube, raw):
                cube = cube.copy()
            cube[~keep] = np.nan
        return cube

    def block(
        self, window: Window | None = None, out: tuple[Float, Mask] | None = None
    ) -> tuple[Float, Mask]:
        """Return :meth:`pixels`, pixel after pixel, and which of them are valid, height x width.

        Integers are finite, so their validity follows from nodata and masks, and costs no look at the pixels.

        Parameters
        ----------
        out
            Where to put both.
        """
        if self._raw.dtype.kind not in "iu" or not self._plain:
            cube = self.pixels(window)
            found = cube, valid_pixels(cube)
            if out is None:
                return found
            out[0][...], out[1][...] = found
            return out
        there = self._within(window)
        raw = self._raw[there]
        if out is None:
            out = np.empty(raw.shape, np.float32), np.empty(raw.shape[:2], bool)
        cube, valid = out
        cube[...] = raw
        invalid, keep = equals_nodata(raw, self._info.nodata, self._bands), self._kept(there)
        valid[...] = True if keep is None else keep
        if invalid is not None:
            lost = invalid.any(axis=-1)
            if np.count_nonzero(invalid) == raw.shape[-1] * np.count_nonzero(lost):
                cube[lost] = np.nan  # all bands at once, as nodata mostly stands
            else:
                cube[invalid] = np.nan
            valid &= ~lost
        if keep is not None:
            cube[~keep] = np.nan
        return out

    # -- inside ---------------------------------------------------------------------------------
    @property
    def _plain(self) -> bool:
        return self._info.scale is None and self._info.offset is None and self._origin is None

    def _within(self, window: Window | None) -> tuple[slice, slice]:
        part = window or self.window
        rows, cols = part.row - self.window.row, part.col - self.window.col
        return slice(rows, rows + part.height), slice(cols, cols + part.width)

    def _physical(self, raw: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._plain:
            return raw
        # in double: a float32 product would lose the last digits of a 32-bit count
        scale = 1.0 if self._info.scale is None else self._info.scale[self._bands]
        offset = 0.0 if self._info.offset is None else self._info.offset[self._bands]
        if self._origin is not None:
            offset = offset - self._origin
        physical: npt.NDArray[Any] = raw * scale + offset
        return physical

    def _kept(self, there: tuple[slice, slice]) -> Mask | None:
        """Return which pixels of a part no mask leaves out, or None where all of them stay."""
        masks = [mask[there] for mask in self._keep]
        keep = np.logical_and.reduce(masks) if masks else None
        return None if keep is None or keep.all() else keep
