"""MATLAB files of version 7.3: HDF5 with the axes reversed on disk, read window by window."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.foreign.hdf5 import DAMAGED, datasets, open_guarded
from had_cli.formats.arrays import choose_with_metadata, describe_choice, in_memory
from had_cli.formats.variable import Variable
from had_cli.formats.variables import Choice
from had_cli.scenes.source import Source, Window

# Decompressed chunks kept between reads: a row of chunks of a usual scene.
_CACHE = 32 * 1024 * 1024


def open_mat73(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a MATLAB v7.3 file."""
    try:
        file = open_guarded(path, rdcc_nbytes=_CACHE)
    except DAMAGED as error:
        if isinstance(error, SceneError):
            raise
        raise _damaged(path, error) from error
    try:
        text = file.get("metadata")
        metadata = _text(text) if isinstance(text, h5py.Dataset) and _class(text) == "char" else None
        choice, known = choose_with_metadata(path, list(_variables(file, path)), options, metadata)
        if not choice.arranged:
            return Mat73(path, file, choice, known)
        # windows of a cube that is turned or unfolded would read most of the file each
        source = in_memory(path, "MATLAB v7.3", choice, known)
        file.close()
        return source  # noqa: TRY300 - what is raised above is handled alike
    except DAMAGED as error:
        file.close()
        if isinstance(error, SceneError):
            raise
        raise _damaged(path, error) from error


class Mat73:
    """A source over one dataset of an HDF5 file, whose axes are (bands, cols, rows)."""

    def __init__(self, path: str, file: h5py.File, choice: Choice, known: Mapping[str, Any]) -> None:
        self._path, self._file = path, file
        self._dataset = _dataset(file, choice.cube.name)
        if self._dataset.chunks is not None and not self._dataset.id.get_storage_size():
            raise SceneError(f"{path}: the pixels of {choice.cube} were never written; copy the file again")
        stored: np.dtype[Any] = self._dataset.dtype
        if stored.names is not None:
            stored = np.dtype(np.complex128)  # MATLAB stores complex numbers as pairs
        shape = (*choice.cube.shape, 1)[:3]
        chunks = self._dataset.chunks
        block = (shape[0], 1) if chunks is None else (chunks[-1], chunks[-2])
        info = describe_choice(path, "MATLAB v7.3", choice, known, shape, stored.newbyteorder("="))
        self.info = dataclasses.replace(info, block=block)

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored."""
        try:
            block = self._read(window, bands)
        except DAMAGED as error:
            raise _damaged(self._path, error) from error
        if not block.dtype.isnative:
            block = block.astype(block.dtype.newbyteorder("="))
        return block.transpose(2, 1, 0)

    def _read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        if self._dataset.ndim == 2:
            return np.asarray(self._dataset[window.cols, window.rows])[None]
        if bands is None:
            return np.asarray(self._dataset[:, window.cols, window.rows])
        block = np.empty((len(bands), window.width, window.height), self._dataset.dtype)
        # h5py reads slices far faster than lists of indices
        for run in np.split(np.arange(len(bands)), np.flatnonzero(np.diff(bands) != 1) + 1):
            first, last = int(bands[run[0]]), int(bands[run[-1]]) + 1
            block[run[0] : run[-1] + 1] = self._dataset[first:last, window.cols, window.rows]
        return block

    def valid(self, window: Window) -> None:
        """Return None: MATLAB files carry no mask that is applied by itself."""

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _variables(file: h5py.File, path: str) -> Iterator[Variable]:
    for item in datasets(file, path):
        name = str(item.name).lstrip("/")
        if any(part.startswith("#") for part in name.split("/")):  # what cells refer to
            continue
        empty = "MATLAB_empty" in item.attrs
        numeric = (
            not empty
            and _class(item) != "char"
            and (item.dtype.kind in "biuf" or item.dtype.names is not None)
        )
        shape = () if empty else tuple(int(n) for n in reversed(item.shape or ()))
        yield Variable(name.replace("/", "."), shape, numeric, partial(_load, item))


def _load(item: h5py.Dataset) -> npt.NDArray[Any]:
    return np.asarray(item[()]).T


def _dataset(file: h5py.File, name: str) -> h5py.Dataset:
    return file[name.replace(".", "/")]


def _class(item: h5py.Dataset) -> str:
    kind = item.attrs.get("MATLAB_class", b"")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _text(item: h5py.Dataset) -> str:
    return "".join(map(chr, np.asarray(item[()]).T.ravel(order="F").tolist()))


def _damaged(path: str, error: BaseException) -> SceneError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return SceneError(f"{path}: cannot be read as a MATLAB 7.3 file ({reason}); it is damaged, copy it again")
