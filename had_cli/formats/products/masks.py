"""Quality masks of products: tables of HDF5 and rasters beside a scene, read by window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.gdal import open_gdal
from had_cli.formats.products.hdf5 import Index, reading
from had_cli.scenes.source import QualityLayer, Source, Window

Mask = npt.NDArray[np.bool_]


class Table:
    """A dataset of rows x cols, or rows x cols x masks; several masks of one window are read once."""

    def __init__(self, item: h5py.Dataset, product: str) -> None:
        self._item, self._product = item, product
        self._last: tuple[Window, npt.NDArray[Any]] | None = None

    def read(self, window: Window) -> npt.NDArray[Any]:
        """Return height x width, or height x width x masks, as stored."""
        if self._last is None or self._last[0] != window:
            with reading(str(self._item.file.filename), self._product):
                self._last = window, np.asarray(self._item[window.rows, window.cols])
        return self._last[1]

    def layer(
        self,
        name: str,
        summary: str,
        test: Callable[[npt.NDArray[Any]], Any] = lambda values: values > 0,
        *,
        index: int | None = None,
        default: bool = True,
    ) -> QualityLayer:
        """Return the mask of the pixels for which ``test`` is true of the stored values."""

        def read(window: Window, _bands: Index | None) -> Mask:
            values = self.read(window)
            return np.asarray(test(values if index is None else values[..., index]), bool)

        return QualityLayer(name=name, read=read, default=default, summary=summary)


class Raster:
    """A raster of masks in a file of its own, of the size of the scene."""

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.name = path.name
        self.source: Source = open_gdal(str(path), {})
        if self.source.info.shape[:2] != shape:
            own = " x ".join(map(str, self.source.info.shape[:2]))
            self.source.close()
            raise SceneError(
                f"{path}: the mask has {own} pixels, the scene {shape[0]} x {shape[1]}; download both again"
            )
        self.bands = self.source.info.shape[2]
        self._nodata = self.source.info.nodata

    def layer(
        self, name: str, summary: str, indexes: Sequence[int] = (0,), *, default: bool = True
    ) -> QualityLayer:
        """Return the mask of the pixels that are set in any of the raster's bands ``indexes``."""
        wanted = np.asarray(indexes, np.intp)

        def read(window: Window, _bands: Index | None) -> Mask:
            return self._set(window, wanted)

        return QualityLayer(name=name, read=read, default=default, summary=summary)

    def layer_by_band(self, name: str, summary: str, *, default: bool = True) -> QualityLayer:
        """Return the mask of the pixels that are set in any of the bands of the scene that are in use."""

        def read(window: Window, bands: Index | None) -> Mask:
            return self._set(window, np.arange(self.bands) if bands is None else bands)

        return QualityLayer(name=name, read=read, default=default, summary=summary)

    def _set(self, window: Window, bands: Index) -> Mask:
        values = self.source.read(window, bands)
        flagged = values > 0
        if isinstance(self._nodata, float | int):
            flagged &= values != self._nodata
        return np.asarray(flagged.any(axis=2))
