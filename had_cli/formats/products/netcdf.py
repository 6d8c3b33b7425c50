"""NetCDF-4 cubes with a coordinate of wavelengths, as xarray writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from had_cli.errors import SceneError
from had_cli.foreign.hdf5 import DAMAGED, datasets, open_guarded
from had_cli.formats.products.cube_source import CubeSource
from had_cli.formats.products.hdf5 import open_hdf5, reading
from had_cli.formats.products.labelled import Variable, describe_labelled, find_labelled
from had_cli.scenes.source import Source

PRODUCT = "a NetCDF cube"


def is_netcdf(path: str) -> bool:
    """Return whether it is NetCDF-4 and holds a cube with a coordinate of wavelengths."""
    if not h5py.is_hdf5(path):
        return False
    try:
        with open_guarded(path) as file:
            return bool(find_labelled(list(variables_of(file, path))))
    except DAMAGED:  # or leading elsewhere: GDAL's reader says so
        return False


def open_netcdf(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a NetCDF file; ``variable`` chooses among several cubes.

    A variable that is no such cube is left to GDAL.
    """
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            variables = list(variables_of(file, path))
            found = find_labelled(variables, options.get("variable"))
            if found:
                cube, info = describe_labelled(path, "NetCDF", found, variables)
                source = CubeSource(path, file, cube, PRODUCT)
                source.info = info
                return source
    except SceneError:
        file.close()
        raise
    file.close()
    from had_cli.formats.gdal import open_gdal

    return open_gdal(path, options)


def variables_of(file: h5py.File, path: str) -> Iterator[Variable]:
    """Yield the variables of a file with the names of their axes, as NetCDF-4 keeps them in HDF5."""
    for item in datasets(file, path):
        name = str(item.name)
        yield Variable(name, _axes(name.rpartition("/")[2], item), item, dict(item.attrs))


def _axes(name: str, item: h5py.Dataset) -> tuple[str | None, ...]:
    if item.ndim == 1 and item.attrs.get("CLASS") == b"DIMENSION_SCALE":
        return (name,)
    scales, labels = _of_axes(item, "DIMENSION_LIST"), _of_axes(item, "DIMENSION_LABELS")
    return tuple(_axis(item, *known) for known in zip(scales, labels, strict=True))


def _of_axes(item: h5py.Dataset, attribute: str) -> list[Any]:
    """Return an attribute of an entry for each axis; None for each where it is missing or something else.

    The functions of HDF5 behind ``item.dims`` take whatever has that name for one, and read beyond it.
    """
    if attribute in item.attrs and item.attrs.get_id(attribute).shape == (item.ndim,):
        return list(item.attrs[attribute])
    return [None] * item.ndim


def _axis(item: h5py.Dataset, scales: Any, label: Any) -> str | None:
    first = scales[0] if isinstance(scales, np.ndarray) and len(scales) else None
    if isinstance(first, h5py.Reference) and first:
        return str(item.file[first].name).rpartition("/")[2]
    text = label.decode("utf-8", "replace") if isinstance(label, bytes) else label
    return text if isinstance(text, str) and text else None
