"""What the readers of HDF5 products share: opening, attributes, windows of a cube in any axis order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.foreign.hdf5 import DAMAGED, open_guarded
from had_cli.scenes.source import Window

Index = npt.NDArray[np.intp]
Float = npt.NDArray[np.float64]

# Decompressed chunks kept between reads. HDF5's own megabyte would unpack those of all bands again for
# every block; an AVIRIS-5 cube has 110 MB of them at one place.
CACHE = 128 * 1024 * 1024


def open_hdf5(path: str, product: str) -> h5py.File:
    """Return the open file.

    Raises
    ------
    SceneError
        When it is no HDF5 file, or a damaged one.
    """
    with reading(path, product):
        return open_guarded(path, rdcc_nbytes=CACHE, rdcc_nslots=20011)


@contextlib.contextmanager
def reading(path: str, product: str) -> Iterator[None]:
    """Return a context in which what HDF5 complains about becomes one line."""
    try:
        yield
    except SceneError:
        raise
    except DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SceneError(
            f"{path}: cannot be read as {product} ({reason}); it is damaged, download it again"
        ) from error


def dataset(group: h5py.Group, name: str, product: str, axes: int | None = None) -> h5py.Dataset:
    """Return the dataset ``name`` of a file or group, with so many axes.

    Raises
    ------
    SceneError
        When it is missing, or has another number of axes.
    """
    path = str(group.file.filename)
    found = group.get(name)
    if not isinstance(found, h5py.Dataset):
        where = f"{group.name}/{name}".replace("//", "/")
        raise SceneError(f"{path}: has no {where}, which {product} has; download it again")
    if axes is not None and found.ndim != axes:
        shape = " x ".join(map(str, found.shape)) or "one value"
        raise SceneError(f"{path}: {found.name} is {shape}, not {axes} axes; it is no {product}")
    if found.chunks is not None and found.size and not found.id.get_storage_size():
        raise SceneError(f"{path}: {found.name} was never written; download it again")
    return found


def attribute(item: h5py.HLObject, name: str, product: str) -> Any:
    """Return an attribute.

    Raises
    ------
    SceneError
        When it is missing.
    """
    if name not in item.attrs:
        raise SceneError(
            f"{item.file.filename}: {item.name} has no attribute {name}, which {product} has; "
            "download it again"
        )
    return item.attrs[name]


def text(value: Any) -> str:
    """Return a text however HDF5 keeps it: bytes, an array of one, or text."""
    if isinstance(value, h5py.Dataset):
        value = value[()]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def texts(item: h5py.Dataset) -> list[str]:
    """Return a dataset of texts as a list."""
    return [text(value) for value in np.asarray(item[()]).ravel()]


def number(value: Any) -> float:
    """Return one number, whether it is kept alone, in an array, or as text.

    Raises
    ------
    ValueError
        When it is none.
    """
    array = np.asarray(value).ravel()
    if array.dtype.kind in "SUO":
        return float(text(value))
    return float(array[0]) if array.size else float("nan")


def numbers(values: Any, count: int, what: str, path: str) -> Float:
    """Return ``count`` numbers.

    Raises
    ------
    SceneError
        When there are more or fewer.
    """
    if isinstance(values, h5py.Dataset):
        values = values[()]
    array = np.asarray(values, np.float64).ravel()
    if len(array) != count:
        raise SceneError(f"{path}: {what} has {len(array)} values for {count} bands; download it again")
    return array


def same_size(found: h5py.Dataset, shape: tuple[int, ...], what: str) -> h5py.Dataset:
    """Return a dataset, of which the first axes must have ``shape``.

    Raises
    ------
    SceneError
        When they have not.
    """
    own = found.shape[: len(shape)]
    if own != shape:
        raise SceneError(
            f"{found.file.filename}: {found.name} has {' x '.join(map(str, own))} pixels, "
            f"{what} {' x '.join(map(str, shape))}; download it again"
        )
    return found


def fill_value(item: h5py.Dataset) -> float | None:
    """Return what a dataset's attributes call its fill value, or None."""
    for name in ("_FillValue", "missing_value", "FillValue"):
        if name in item.attrs:
            return number(item.attrs[name])
    return None


class Cube:
    """Windows of a three-axis dataset as height x width x bands.

    Parameters
    ----------
    item
        The dataset.
    axes
        Which axis of the scene (``"r"`` rows, ``"c"`` columns, ``"b"`` bands) each axis of the dataset
        is, such as ``"brc"`` for bands first.
    """

    def __init__(self, item: h5py.Dataset, axes: str) -> None:
        self._item, self._axes = item, axes
        length = dict(zip(axes, item.shape, strict=True))
        self.shape: tuple[int, int, int] = (length["r"], length["c"], length["b"])
        self.dtype: np.dtype[Any] = item.dtype.newbyteorder("=")

    @property
    def block(self) -> tuple[int, int]:
        """The (rows, cols) that are cheap to read at once: a chunk, else whole rows."""
        if self._item.chunks is None:
            return 1, self.shape[1]
        length = dict(zip(self._axes, self._item.chunks, strict=True))
        return length["r"], length["c"]

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored, in native byte order; ``bands`` in any order."""
        index = np.arange(self.shape[2]) if bands is None else np.asarray(bands)
        at = self._axes.index("b")
        sizes = {"r": window.height, "c": window.width, "b": len(index)}
        out = np.empty([sizes[axis] for axis in self._axes], self._item.dtype)
        place: list[Any] = [{"r": window.rows, "c": window.cols, "b": None}[axis] for axis in self._axes]
        filled: list[Any] = [slice(None)] * 3
        for start, stop, step in _runs(index):
            low, high = (index[start], index[stop - 1]) if step > 0 else (index[stop - 1], index[start])
            place[at], filled[at] = slice(int(low), int(high) + 1), slice(start, stop)
            piece = self._item[tuple(place)]
            out[tuple(filled)] = piece if step > 0 else np.flip(piece, at)
        if not out.dtype.isnative:
            out = out.astype(self.dtype)
        return out.transpose([self._axes.index(axis) for axis in "rcb"])


def _runs(index: Index) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, step) of runs of neighbours, up or down: slices are read faster than lists."""
    start = 0
    while start < len(index):
        stop = start + 1
        step = int(index[stop] - index[start]) if stop < len(index) else 1
        step = step if step in {1, -1} else 1
        while stop < len(index) and index[stop] - index[stop - 1] == step:
            stop += 1
        yield start, stop, step
        start = stop
