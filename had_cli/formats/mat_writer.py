"""Writing MATLAB files: version 5 from memory, version 7.3 window by window where it is too large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy.io import savemat

from had_cli.formats.metadata import to_json
from had_cli.formats.numpy_writer import MemorySink
from had_cli.scenes.source import SceneInfo, Sink, Window

# A version 5 variable counts its bytes in 31 bits.
V5_LIMIT = 2**31 - 2**20

# Version 5 stamps the time into its header; the same scene shall give the same bytes.
_V5_TEXT = b"MATLAB 5.0 MAT-file, written by had"
_V73_TEXT = b"MATLAB 7.3 MAT-file, written by had HDF5 schema 1.00 ."
_USER_BLOCK = 512

# MATLAB has no half precision in files
_WIDER = {"float16": "float32"}
_CLASSES = {"float64": b"double", "float32": b"single", "bool": b"logical"}
_CHUNK = 1024 * 1024


def create_mat(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a .mat: ``data`` (``scores`` for one band), wavelengths, truth and metadata."""
    dtype = np.dtype(_WIDER.get(np.dtype(dtype).name, dtype))
    if int(np.prod(info.shape, dtype=object)) * dtype.itemsize < V5_LIMIT:
        return _Mat5Sink(path, info, dtype)
    return _Mat73Sink(path, info, dtype)


def _name(info: SceneInfo) -> str:
    return "data" if info.shape[2] > 1 else "scores"


def _variables(info: SceneInfo) -> dict[str, npt.NDArray[Any]]:
    """Return what stands beside the raster, for users in MATLAB and for our reader."""
    found: dict[str, npt.NDArray[Any]] = {}
    if info.wavelengths is not None:
        found["wavelengths"] = info.wavelengths[:, None]
    if info.fwhm is not None:
        found["fwhm"] = info.fwhm[:, None]
    if info.truth is not None:
        found["map"] = info.truth().astype(np.uint8)
    return found


class _Mat5Sink(MemorySink):
    def __init__(self, path: str, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        super().__init__(info, dtype)
        self._path = path
        Path(path).touch()

    def close(self) -> None:
        variables = {_name(self.info): self.array, **_variables(self.info), "metadata": to_json(self.info)}
        savemat(self._path, variables, do_compression=True)
        with Path(self._path).open("r+b") as file:
            file.write(_V5_TEXT.ljust(116))


class _Mat73Sink:
    keeps_truth = True

    def __init__(self, path: str, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        rows, cols, bands = info.shape
        self._path = path
        self._file = h5py.File(path, "w", userblock_size=_USER_BLOCK)
        edge = min(64, rows), min(64, cols)
        depth = max(1, min(bands, _CHUNK // (edge[0] * edge[1] * dtype.itemsize)))
        self.block = edge
        stored = np.dtype(np.uint8) if dtype == np.bool_ else dtype
        self._dataset = self._file.create_dataset(
            _name(info), (bands, cols, rows), stored, chunks=(depth, edge[1], edge[0])
        )
        self._describe(self._dataset, dtype)
        for name, array in _variables(info).items():
            self._describe(self._file.create_dataset(name, data=array.T), array.dtype)
        text = np.frombuffer(to_json(info).encode("utf-16-le"), np.uint16)
        written = self._file.create_dataset("metadata", data=text[:, None])
        written.attrs["MATLAB_class"] = np.bytes_(b"char")
        written.attrs["MATLAB_int_decode"] = np.int32(2)

    @staticmethod
    def _describe(dataset: h5py.Dataset, dtype: np.dtype[Any]) -> None:
        dataset.attrs["MATLAB_class"] = np.bytes_(_CLASSES.get(dtype.name, dtype.name.encode()))
        if dtype == np.bool_:
            dataset.attrs["MATLAB_int_decode"] = np.int32(1)

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        self._dataset[:, window.cols, window.rows] = block.transpose(2, 1, 0)

    def close(self) -> None:
        self._file.close()
        with Path(self._path).open("r+b") as file:
            # 116 bytes of text, 8 of subsystem offset, version 0x0200, and the byte order mark
            file.write(_V73_TEXT.ljust(116) + bytes(8) + b"\x00\x02IM")
