"""The lazy scene that every method works on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.scenes.background import Background
from had_cli.scenes.lookup import ortho_of_window
from had_cli.scenes.source import Ortho, QualityLayer, SceneInfo, Source, Window
from had_cli.scenes.stored import Stored
from had_cli.scenes.validity import Float, Mask, valid_pixels

__all__ = ["ArraySource", "Float", "Mask", "Scene", "valid_pixels"]


class Scene:
    """A hyperspectral scene: metadata at once, pixels on request.

    A scene is a view of a source: :meth:`select` narrows it to bands, a window or a mask without
    reading anything. Coordinates of :meth:`read` are the view's own.

    Parameters
    ----------
    source
        What a reader returned.
    bands
        Ascending 0-based indices into the source's bands; default: all that are not marked bad.
    window
        Part of the source; default: all of it.
    mask
        rows x cols of the *window*, True where a pixel takes part.
    quality
        Masks of ``source.info.quality`` whose flagged pixels take no part; default: those that are on
        by default.
    options
        With what the reader opened the file, so that another process can do the same; None where there is
        no file that it could open.
    background
        Pixels of the window that the user chose for statistics of the background; default: none chosen, all
        of them.
    origin
        What is taken off each of ``bands`` before values become float32; default: nothing. See :meth:`less`.
    """

    def __init__(
        self,
        source: Source,
        *,
        bands: npt.NDArray[np.intp] | None = None,
        window: Window | None = None,
        mask: Mask | None = None,
        quality: Sequence[QualityLayer] | None = None,
        options: Mapping[str, Any] | None = None,
        background: Background | None = None,
        origin: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.source, self.options, self.origin = source, options, origin
        info = source.info
        rows, cols, count = info.shape
        self.window = window or Window(0, 0, cols, rows)
        if bands is None:
            bands = np.arange(count) if info.bad_bands is None else np.flatnonzero(~info.bad_bands)
            if not len(bands):
                raise SceneError(f"{info.path}: every band is marked bad; choose some with --bands")
        self.bands = np.asarray(bands, dtype=np.intp)
        self._all = len(self.bands) == count
        if mask is not None and mask.shape != (self.window.height, self.window.width):
            raise SceneError(
                f"{info.path}: the mask has {mask.shape[0]} x {mask.shape[1]} pixels, "
                f"the scene {self.window.height} x {self.window.width}"
            )
        self.mask = mask
        self.background = background
        self.quality: tuple[QualityLayer, ...] = (
            tuple(layer for layer in info.quality if layer.default) if quality is None else tuple(quality)
        )

    @classmethod
    def from_array(cls, cube: npt.ArrayLike, *, name: str = "array", **metadata: Any) -> Self:
        """Return the scene of a rows x cols x bands array; ``metadata`` as in :class:`SceneInfo`."""
        array = np.asarray(cube)
        if array.ndim != 3:
            raise SceneError(
                f"{name}: an array of {array.ndim} axes is not a scene; give rows x cols x bands"
            )
        return cls(
            ArraySource(
                SceneInfo(path=name, format="array", shape=array.shape, dtype=array.dtype, **metadata), array
            )
        )

    # -- description ----------------------------------------------------------------------------
    @property
    def info(self) -> SceneInfo:
        """The metadata of this view: shape, bands and transform are those of the selection."""
        info, (window, bands) = self.source.info, (self.window, self.bands)

        def of_bands(values: Any) -> Any:
            return None if values is None else values[bands]

        names, nodata, transform = info.band_names, info.nodata, info.transform
        if transform is not None:
            a, b, c, d, e, f = transform
            transform = (a, b, c + a * window.col + b * window.row, d, e, f + d * window.col + e * window.row)
        return dataclasses.replace(
            info,
            shape=self.shape,
            wavelengths=of_bands(info.wavelengths),
            fwhm=of_bands(info.fwhm),
            bad_bands=of_bands(info.bad_bands),
            scale=of_bands(info.scale),
            offset=of_bands(info.offset),
            band_names=None if names is None else tuple(names[b] for b in bands),
            nodata=tuple(nodata[b] for b in bands) if isinstance(nodata, tuple) else nodata,
            transform=transform,
            truth=None if info.truth is None else self._truth,
            quality=tuple(self._layer(layer) for layer in info.quality),
            ortho=None,  # of the whole file; :attr:`ortho` gives the view's
        )

    @property
    def ortho(self) -> Ortho | None:
        """How to put this view onto a map, or None where it needs no lookup table for that."""
        table = self.source.info.ortho
        return None if table is None else ortho_of_window(table, self.window, self.source.info)

    def _layer(self, layer: QualityLayer) -> QualityLayer:
        def read(window: Window, bands: npt.NDArray[np.intp] | None) -> Mask:
            there = Window(
                self.window.col + window.col, self.window.row + window.row, window.width, window.height
            )
            return layer.read(there, self.bands if bands is None else self.bands[bands])

        return dataclasses.replace(layer, read=read)

    @property
    def path(self) -> str:
        """The path or URL the scene was opened from."""
        return self.source.info.path

    @property
    def name(self) -> str:
        """The file's name without folder and suffix."""
        return self.source.info.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """(rows, cols, bands) of the selection."""
        return self.window.height, self.window.width, len(self.bands)

    @property
    def wavelengths(self) -> npt.NDArray[np.float64] | None:
        """Band centres in nanometres, (bands,), or None."""
        centres = self.source.info.wavelengths
        return None if centres is None else centres[self.bands]

    @property
    def truth(self) -> Mask | None:
        """The rows x cols truth (True: anomalous) that the file carries, or None."""
        return None if self.source.info.truth is None else self._truth()

    def _truth(self) -> Mask:
        load = self.source.info.truth
        assert load is not None  # noqa: S101 - asked only where the file carries one
        return load()[self.window.rows, self.window.cols]

    def __repr__(self) -> str:
        rows, cols, bands = self.shape
        return f"<Scene {self.name}: {rows} rows x {cols} columns x {bands} bands, {self.source.info.dtype}>"

    # -- selection ------------------------------------------------------------------------------
    def select(
        self,
        *,
        bands: Sequence[int] | npt.NDArray[np.intp] | None = None,
        window: Window | None = None,
        mask: Mask | None = None,
        background: Background | Mask | None = None,
    ) -> Scene:
        """Return a narrower view; all arguments are in this view's own coordinates.

        ``background`` (rows x cols, True where chosen) leaves no pixel out: it says of which pixels a method
        takes the statistics of the background, if it can (``Method.background``).

        Raises
        ------
        SceneError
            When the window or a band lies outside, or nothing is left.
        """
        rows, cols, count = self.shape
        chosen, own, valid, known = self.bands, self.window, self.mask, self.background
        origin = self.origin
        if bands is not None:
            index = np.unique(np.asarray(bands, dtype=np.intp))
            if not len(index) or index[0] < 0 or index[-1] >= count:
                raise SceneError(f"{self.path}: bands must lie within the scene's {count}")
            chosen = self.bands[index]
            origin = None if origin is None else origin[index]
        if window is not None:
            if (
                window.width < 1
                or window.height < 1
                or window.col < 0
                or window.row < 0
                or window.col + window.width > cols
                or window.row + window.height > rows
            ):
                raise SceneError(
                    f"{self.path}: window {tuple(window)} does not lie within {cols} columns x {rows} rows"
                )
            own = Window(own.col + window.col, own.row + window.row, window.width, window.height)
            valid = None if valid is None else valid[window.rows, window.cols]
            known = None if known is None else known.within(window, self.path)
            rows, cols = window.height, window.width
        if background is not None:
            known = Background.of(background).checked((rows, cols), self.path)
        if mask is not None:
            valid = mask if valid is None else valid & mask
        return Scene(
            self.source,
            bands=chosen,
            window=own,
            mask=valid,
            quality=self.quality,
            options=self.options,
            background=known,
            origin=origin,
        )

    def less(self, origin: npt.NDArray[np.float64] | None) -> Scene:
        """Return the same view with ``origin`` (bands,) taken off its values in double precision.

        For what ``had_cli.scenes.origin`` finds. Everything else that reads pixels wants them as they are.
        """
        return Scene(
            self.source,
            bands=self.bands,
            window=self.window,
            mask=self.mask,
            quality=self.quality,
            options=self.options,
            background=self.background,
            origin=origin,
        )

    # -- pixels ---------------------------------------------------------------------------------
    def read(self, window: Window | None = None) -> Float:
        """Return height x width x bands float32 in physical units.

        Invalid values are NaN: nodata in the bands where it stands, and every band of a pixel that
        the file's own mask, :attr:`mask` or one of :attr:`quality` leaves out. A pixel counts as valid
        only where all of its selected bands are finite (:func:`valid_pixels`). The result may share
        memory with the scene: treat it as read-only.
        """
        return self.stored(window).pixels(order="K")

    def stored(self, window: Window | None = None) -> Stored:
        """Return a part as the file stores it, from which pixels are made piece by piece."""
        rows, cols, _ = self.shape
        view = window or Window(0, 0, cols, rows)
        there = Window(self.window.col + view.col, self.window.row + view.row, view.width, view.height)
        used = None if self._all else self.bands
        raw = self.source.read(there, used)
        masks = (
            self.source.valid(there),
            None if self.mask is None else self.mask[view.rows, view.cols],
            *(~layer.read(there, used) for layer in self.quality),
        )
        keep = tuple(m for m in masks if m is not None)
        return Stored(view, raw, self.source.info, self.bands, keep, self.origin)

    def close(self) -> None:
        """Release the file."""
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ArraySource:
    """A source over a rows x cols x bands array in memory."""

    def __init__(self, info: SceneInfo, array: npt.NDArray[Any]) -> None:
        self.info = info
        self._array = array

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands; a view where ``bands`` are all."""
        block = self._array[window.rows, window.cols]
        return block if bands is None else block[..., bands]

    def valid(self, window: Window) -> None:
        """Return None: an array carries no mask."""

    def close(self) -> None:
        """Do nothing: there is no file."""
