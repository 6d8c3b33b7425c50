"""AVIRIS-3 and AVIRIS-5 in NetCDF: reflectance on a map, radiance on the sensor's grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from had_cli.errors import SceneError
from had_cli.formats.products.crs import Transform
from had_cli.formats.products.cube_source import CubeSource
from had_cli.formats.products.grid_mapping import crs_of, transform_from_centres, transform_of
from had_cli.formats.products.hdf5 import (
    Cube,
    dataset,
    fill_value,
    numbers,
    open_hdf5,
    reading,
    text,
)
from had_cli.formats.products.lookup import lookup_table
from had_cli.scenes.source import SceneInfo, Source

PRODUCT = "an AVIRIS cube"
_GROUPS = ("reflectance", "radiance")
_TABLE = "geolocation_lookup_table"


def open_aviris(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of an AVIRIS-3 or AVIRIS-5 file."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _open(path, file)
    except SceneError:
        file.close()
        raise


def _open(path: str, file: h5py.File) -> Source:
    name = next((name for name in _GROUPS if isinstance(file.get(name), h5py.Group)), _GROUPS[0])
    item = dataset(file, f"{name}/{name}", PRODUCT, axes=3)
    cube = Cube(item, "brc")
    rows, cols, bands = cube.shape
    centres = numbers(dataset(file, f"{name}/wavelength", PRODUCT), bands, "wavelength", path)
    fwhm = file.get(f"{name}/fwhm")
    good = file.get(f"{name}/good_wavelengths")
    notes: list[str] = []
    crs, transform = _place(file, item, notes)
    ortho = None
    lines, samples = (file.get(f"{_TABLE}/{what}") for what in ("line", "sample"))
    if isinstance(lines, h5py.Dataset) and isinstance(samples, h5py.Dataset) and lines.shape != (rows, cols):
        ortho = lookup_table(path, lines, samples, crs, transform)
        crs = transform = None
    fill = fill_value(item)
    source = CubeSource(path, file, cube, PRODUCT)
    source.info = SceneInfo(
        path=path,
        format=f"AVIRIS {name}",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=centres,
        fwhm=None if fwhm is None else numbers(fwhm, bands, "fwhm", path),
        bad_bands=None if good is None else numbers(good, bands, "good_wavelengths", path) != 1,
        nodata=-9999.0 if fill is None else fill,
        crs=crs,
        transform=transform,
        block=cube.block,
        ortho=ortho,
        notes=tuple(notes),
    )
    return source


def _place(file: h5py.File, item: h5py.Dataset, notes: list[str]) -> tuple[str | None, Transform | None]:
    """Return CRS and transform of the grid mapping that the cube names, or of the one in the file."""
    named = text(item.attrs.get("grid_mapping", "")).strip("/ ")
    places = [named, f"{item.parent.name}/{named}", "transverse_mercator", "projection", "crs", "spatial_ref"]
    mapping = next((file[place] for place in places if place.strip("/") and place in file), None)
    if mapping is None:
        mapping = next((found for found in file.values() if "spatial_ref" in found.attrs), None)
    attributes = {} if mapping is None else dict(mapping.attrs)
    transform = transform_of(attributes)
    if transform is None:
        easting, northing = (
            None if found is None else np.asarray(found[()])
            for found in (_coordinate(file, item, name) for name in ("easting", "northing"))
        )
        transform = transform_from_centres(easting, northing, notes)
    crs = crs_of(attributes, notes)
    if crs is None or transform is None:
        notes.append("states no grid mapping with GeoTransform: the scene has no place on the ground")
    return crs, transform


def _coordinate(file: h5py.File, item: h5py.Dataset, name: str) -> h5py.Dataset | None:
    for group in (item.parent, file):
        found = group.get(name)
        if isinstance(found, h5py.Dataset) and found.ndim == 1:
            return found
    return None
