"""Tanager: surface reflectance and radiance, on a map (ortho) or on the sensor's grid (basic)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from had_cli.errors import SceneError
from had_cli.formats.products.crs import Transform, from_epsg
from had_cli.formats.products.cube_source import CubeSource
from had_cli.formats.products.hdf5 import (
    Cube,
    attribute,
    dataset,
    fill_value,
    number,
    numbers,
    open_hdf5,
    reading,
    same_size,
    text,
)
from had_cli.formats.products.masks import Table
from had_cli.scenes.source import QualityLayer, SceneInfo, Source

PRODUCT = "a Tanager product"
_GROUPS = ("HDFEOS/GRIDS/HYP", "HDFEOS/SWATHS/HYP")
_CUBES = ("surface_reflectance", "toa_radiance")
_MASKS = (
    ("cloud", "beta_cloud_mask", "clouds"),
    ("cirrus", "beta_cirrus_mask", "cirrus"),
)


def open_tanager(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of a Tanager file."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _open(path, file)
    except SceneError:
        file.close()
        raise


def _open(path: str, file: h5py.File) -> Source:
    group = next((name for name in _GROUPS if f"{name}/Data Fields" in file), None)
    if group is None:
        raise SceneError(f"{path}: has no HDFEOS/GRIDS/HYP/Data Fields; download it again")
    fields = file[f"{group}/Data Fields"]
    name = next((name for name in _CUBES if name in fields), _CUBES[0])
    item = dataset(fields, name, PRODUCT, axes=3)
    cube = Cube(item, "brc")
    bands, shape = cube.shape[2], cube.shape[:2]
    good, fwhm = item.attrs.get("good_wavelengths"), item.attrs.get("fwhm")
    notes: list[str] = []
    crs, transform = (None, None)
    if "GRIDS" in group:
        crs, transform = _place(file, group, shape, notes)
    else:
        notes.append("lies on the sensor's grid; the ortho product is on a map")
    outside = fields.get("nodata_pixels")
    fill = None
    if isinstance(outside, h5py.Dataset) and outside.ndim == 2:
        table = Table(same_size(outside, shape, "the scene"), PRODUCT)

        def fill(window: Any) -> Any:
            return table.read(window) > 0

    stated = fill_value(item)
    source = CubeSource(path, file, cube, PRODUCT, fill)
    source.info = SceneInfo(
        path=path,
        format=f"Tanager {name.replace('_', ' ')}",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=numbers(attribute(item, "wavelengths", PRODUCT), bands, "wavelengths", path),
        fwhm=None if fwhm is None else numbers(fwhm, bands, "fwhm", path),
        bad_bands=None if good is None else numbers(good, bands, "good_wavelengths", path) != 1,
        nodata=-9999.0 if stated is None else stated,
        crs=crs,
        transform=transform,
        block=cube.block,
        quality=_masks(fields, shape),
        notes=tuple(notes),
    )
    return source


def _masks(fields: h5py.Group, shape: tuple[int, int]) -> tuple[QualityLayer, ...]:
    layers = []
    for name, key, what in _MASKS:
        found = fields.get(key)
        if isinstance(found, h5py.Dataset) and found.ndim == 2:
            table = Table(same_size(found, shape, "the scene"), PRODUCT)
            layers.append(table.layer(name, f"{what}, {key} of the file"))
    return tuple(layers)


def _place(
    file: h5py.File, group: str, shape: tuple[int, int], notes: list[str]
) -> tuple[str | None, Transform | None]:
    """Return CRS and transform of HDF-EOS's description of the grid, whose corners are outer edges."""
    found = file.get("HDFEOS INFORMATION/StructMetadata.0")
    described = "" if found is None else text(found)
    left, top = _point("UpperLeftPointMtrs", described) or (None, None)
    right, bottom = _point("LowerRightMtrs", described) or (None, None)
    transform = None
    if left is None or top is None or right is None or bottom is None:
        notes.append("states no corners of its grid: the scene has no place on the ground")
    else:
        rows, cols = shape
        transform = ((right - left) / cols, 0.0, left, 0.0, (bottom - top) / rows, top)
    code = file[group].attrs.get("epsg_code")
    if code is None:
        zone = re.search(r"ZoneCode=(-?\d+)", described)
        utm = zone is not None and "HE5_GCTP_UTM" in described
        number_of = int(zone[1]) if zone is not None and utm else 0
        code = (32600 + number_of if number_of > 0 else 32700 - number_of) if number_of else None
    return from_epsg(None if code is None else int(number(code)), notes), transform


def _point(name: str, described: str) -> tuple[float, float] | None:
    match = re.search(rf"{name}=\(\s*([-+\d.eE]+)\s*,\s*([-+\d.eE]+)\s*\)", described)
    if match is None:
        return None
    point = float(match[1]), float(match[2])
    return point if np.isfinite(point).all() else None
