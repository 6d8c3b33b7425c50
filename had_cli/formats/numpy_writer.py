"""Writing NumPy files: .npy window by window with a sidecar, .npz from memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from had_cli.formats.envi_writer import SlabSink
from had_cli.formats.metadata import to_json
from had_cli.formats.npy import SIDECAR
from had_cli.formats.slab import Slab
from had_cli.scenes.source import SceneInfo, Sink, Window


def create_npy(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a .npy of rows x cols x bands (rows x cols for one band) and its sidecar."""
    dtype = np.dtype(dtype)
    shape = info.shape if info.shape[2] > 1 else info.shape[:2]
    with Path(path).open("wb") as file:
        header = {"descr": npy_format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        npy_format.write_array_header_2_0(file, header)
        offset = file.tell()
        file.truncate(offset + int(np.prod(shape, dtype=object)) * dtype.itemsize)
    Path(path + SIDECAR).write_text(to_json(info), encoding="ascii")
    return SlabSink(Slab(path, info.shape, dtype, "bip", offset, writable=True), (1, info.shape[1]))


def create_npz(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a .npz, held in memory until it is closed."""
    return _NpzSink(path, info, np.dtype(dtype))


class MemorySink:
    """A sink that keeps the whole raster, for formats that are written at once."""

    keeps_truth = True

    def __init__(self, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        self.info = info
        self.array = np.zeros(info.shape, dtype)

    def write(self, window: Window, block: Any) -> None:
        """Store ``block``, height x width x bands."""
        self.array[window.rows, window.cols] = block

    def abandon(self) -> None:
        """Release the raster without writing it."""


class _NpzSink(MemorySink):
    def __init__(self, path: str, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        super().__init__(info, dtype)
        self._path = path
        Path(path).touch()

    def close(self) -> None:
        info = self.info
        arrays: dict[str, Any] = {}
        arrays["data" if info.shape[2] > 1 else "scores"] = (
            self.array if info.shape[2] > 1 else self.array[..., 0]
        )
        arrays["metadata"] = np.array(to_json(info))
        if info.wavelengths is not None:
            arrays["wavelengths"] = info.wavelengths
        if info.truth is not None:
            arrays["truth"] = info.truth()
        np.savez_compressed(self._path, **arrays)
