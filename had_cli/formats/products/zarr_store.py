"""Zarr stores with a cube and a coordinate of wavelengths, as xarray writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.hdf5 import Cube, Index
from had_cli.formats.products.labelled import Variable, describe_labelled, find_labelled
from had_cli.scenes.source import SceneInfo, Source, Window

# zarr raises these on a store that is incomplete or otherwise damaged; all its own are among them
_DAMAGED = (OSError, KeyError, ValueError, TypeError, RuntimeError)


def is_zarr(path: str) -> bool:
    """Return whether a folder is a Zarr store."""
    folder = Path(path)
    return folder.is_dir() and any(
        (folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata")
    )


def open_zarr(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a Zarr store; ``variable`` chooses among several cubes."""
    try:
        import zarr
    except ImportError as error:
        raise SceneError(f"{path}: Zarr stores need the package zarr: pip install 'had[zarr]'") from error

    name = options.get("variable")
    try:
        group = zarr.open_group(path, mode="r")
        variables = list(_variables(group))
        found = find_labelled(variables, name)
        if found:
            return _Zarr(path, *describe_labelled(path, "Zarr", found, variables))
    except SceneError:
        raise
    except _DAMAGED as error:
        raise _damaged(path, error) from error
    three = ", ".join(v.name for v in variables if len(v.axes) == 3) or "none"
    asked = "" if name is None else f" called {name}"
    raise SceneError(
        f"{path}: has no cube{asked} with a coordinate of wavelengths; arrays of three axes: {three}"
    )


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


def _variables(group: Any, prefix: str = "") -> Iterator[Variable]:
    for name, item in group.arrays():
        yield Variable(f"{prefix}/{name}", _axes(item), item, _attributes(item))
    for name, inner in group.groups():
        yield from _variables(inner, f"{prefix}/{name}")


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
