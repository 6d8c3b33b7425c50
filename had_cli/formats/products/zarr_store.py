"""Zarr stores with a cube and a coordinate of wavelengths, as xarray writes them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.files import is_store
from had_cli.formats.metadata import from_json
from had_cli.formats.products.hdf5 import Cube, Index, text
from had_cli.formats.products.labelled import (
    Labelled,
    Variable,
    describe_labelled,
    find_banded,
    find_labelled,
)
from had_cli.scenes.source import SceneInfo, Source, Window

# The attribute for what CF's conventions have no place for.
EXTRA = "had_metadata"
# zarr raises these on a store that is incomplete or otherwise damaged; all its own are among them
_DAMAGED = (
    *(OSError, LookupError, ValueError, TypeError),
    *(RuntimeError, AttributeError, ArithmeticError, MemoryError),
)
_LARGEST_CHUNK = 2**32


def is_zarr(path: str) -> bool:
    """Return whether a folder is a Zarr store."""
    return is_store(Path(path))


def open_zarr(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a Zarr store; ``variable`` chooses among several cubes."""
    try:
        import zarr
    except ImportError as error:
        raise SceneError(f"{path}: Zarr stores need the package zarr: pip install 'had[zarr]'") from error

    layer = options.get("layer")
    name = options.get("truth_variable" if layer == "truth" else "variable")
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # on what is no array
            variables = list(_variables(path, zarr.open_group(path, mode="r")))
        found = find_labelled(variables, name) or find_banded(variables, name)
        if layer:
            found = _find_maps(variables, name) or found
        if found:
            cube, info = describe_labelled(path, "Zarr", found, variables)
            beside = found[0].cube.attributes.get(EXTRA)
            if beside is not None:
                info = replace(info, **from_json(text(beside), path))
            return _Zarr(path, cube, info)
    except SceneError:
        raise
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    three = ", ".join(v.name for v in variables if len(v.axes) == 3) or "none"
    asked = "" if name is None else f" called {name}"
    raise SceneError(
        f"{path}: has no cube{asked} with a coordinate of wavelengths, or with axes called band, y and x; "
        f"arrays of three axes: {three}"
    )


def _find_maps(variables: list[Variable], name: str | None) -> list[Labelled]:
    """Return the arrays of two axes, as cubes of one band."""
    return [
        Labelled(replace(v, axes=("band", *v.axes), item=_OneBand(v.item)), None, 0)
        for v in variables
        if len(v.axes) == 2 and v.item.dtype.kind in "biuf" and name in {None, v.name, v.path.strip("/")}
    ]


class _OneBand:
    """An array of two axes that looks like one of three."""

    def __init__(self, item: Any) -> None:
        self._item = item
        kind = np.dtype(np.uint8) if item.dtype.kind == "b" else item.dtype
        self.shape, self.dtype, self.chunks = (1, *item.shape), kind, (1, *item.chunks)

    def __getitem__(self, place: tuple[slice, ...]) -> npt.NDArray[Any]:
        return np.asarray(self._item[place[1:]]).astype(self.dtype, copy=False)[None]


class _Zarr:
    def __init__(self, path: str, cube: Cube, info: SceneInfo) -> None:
        self._path, self._cube, self.info = path, cube, info

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands."""
        try:
            return self._cube.read(window, bands)
        except _DAMAGED as error:
            raise _damaged(self._path, error) from error

    def valid(self, window: Window) -> None:
        """Return None: what is no data is a fill value."""

    def close(self) -> None:
        """Do nothing: a store keeps no file open."""


def _variables(path: str, group: Any, prefix: str = "") -> Iterator[Variable]:
    for name, item in group.arrays():
        _refuse_dangerous(path, name, item)
        yield Variable(f"{prefix}/{name}", _axes(item), item, _attributes(item))
    for name, inner in group.groups():
        yield from _variables(path, inner, f"{prefix}/{name}")


def _refuse_dangerous(path: str, name: str, item: Any) -> None:
    """Check that reading an array runs no code of the store's, and that a chunk of it fits into memory.

    Raises
    ------
    SceneError
        When it would, or would not.
    """
    metadata = item.metadata
    codecs = [*(getattr(metadata, "filters", None) or ()), getattr(metadata, "compressor", None)]
    codecs += getattr(metadata, "codecs", None) or ()
    if any("pickle" in f"{getattr(codec, 'codec_id', '')} {codec!r}".lower() for codec in codecs):
        raise SceneError(f"{path}: {name} holds pickled Python objects, which are never loaded; save numbers")
    size = math.prod(item.chunks) * item.dtype.itemsize
    if size > _LARGEST_CHUNK:
        raise SceneError(
            f"{path}: {name} has chunks of {size / 1e9:.1f} GB, each of which is read as a whole; save it in "
            "smaller chunks"
        )


def _axes(item: Any) -> tuple[str | None, ...]:
    """Return the names of the axes: in Zarr 3 the store's own, in Zarr 2 an attribute of xarray's."""
    names = getattr(item.metadata, "dimension_names", None) or item.attrs.get("_ARRAY_DIMENSIONS")
    return tuple(names) if names and len(names) == len(item.shape) else (None,) * len(item.shape)


def _attributes(item: Any) -> dict[str, Any]:
    found = dict(item.attrs)
    fill = item.fill_value
    # In Zarr 2, fill_value is what xarray means by _FillValue. 0 is what Zarr puts there by itself.
    if item.metadata.zarr_format == 2 and "_FillValue" not in found and fill is not None:
        value = float(fill) if np.issubdtype(item.dtype, np.number) else 0.0
        if value != 0 and not math.isnan(value):
            found["_FillValue"] = value
    return found


def _damaged(path: str, error: BaseException) -> SceneError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return SceneError(f"{path}: cannot be read as a Zarr store ({reason}); copy it again")
