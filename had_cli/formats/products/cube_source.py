"""A source over one cube of an HDF5 file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.formats.products.hdf5 import Cube, Index, reading
from had_cli.scenes.source import SceneInfo, Window


class CubeSource:
    """A source over one cube; ``info`` is set by who makes it.

    Parameters
    ----------
    product
        What the file is, in messages.
    fill
        From a window to where there is no data, for products that keep a mask of that.
    """

    info: SceneInfo

    def __init__(
        self,
        path: str,
        file: h5py.File,
        cube: Cube,
        product: str,
        fill: Callable[[Window], npt.NDArray[np.bool_]] | None = None,
    ) -> None:
        self._path, self._cube, self._product, self._fill = path, cube, product, fill
        self.files = [file]

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands."""
        with reading(self._path, self._product):
            return self._cube.read(window, bands)

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return where the product's mask of fill is not set; None where it has none."""
        return None if self._fill is None else ~self._fill(window)

    def close(self) -> None:
        """Release the files."""
        for file in self.files:
            file.close()
