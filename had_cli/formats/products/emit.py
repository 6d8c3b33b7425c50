"""EMIT: L2A reflectance and L1B radiance on the sensor's grid, with a lookup table onto a map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from had_cli.errors import SceneError
from had_cli.formats.products.crs import from_gdal, from_text
from had_cli.formats.products.cube_source import CubeSource
from had_cli.formats.products.hdf5 import (
    Cube,
    dataset,
    fill_value,
    numbers,
    open_hdf5,
    reading,
    same_size,
    text,
    texts,
)
from had_cli.formats.products.lookup import lookup_table
from had_cli.formats.products.masks import Table
from had_cli.scenes.source import Ortho, QualityLayer, SceneInfo, Source

PRODUCT = "an EMIT cube"
MASK = "an EMIT mask"
_BANDS = "sensor_band_parameters"
_NAME = re.compile(r"EMIT_L\w+?_(RFL|RAD)_(?P<version>\d+)_(?P<scene>.+)\.nc$", re.IGNORECASE)
# what repeats other masks is there to be chosen, and masks nothing by itself
_OFF = ("aggregate",)


def open_emit(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of an EMIT file, and of the mask file beside it."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _open(path, file)
    except SceneError:
        file.close()
        raise


def _open(path: str, file: h5py.File) -> Source:
    name = "radiance" if "radiance" in file and "reflectance" not in file else "reflectance"
    item = dataset(file, name, PRODUCT, axes=3)
    cube = Cube(item, "rcb")
    rows, cols, bands = cube.shape
    source = CubeSource(path, file, cube, PRODUCT)
    centres = numbers(dataset(file, f"{_BANDS}/wavelengths", PRODUCT), bands, "wavelengths", path)
    good, fwhm = (file.get(f"{_BANDS}/{what}") for what in ("good_wavelengths", "fwhm"))
    notes: list[str] = []
    ortho = _ortho(path, file, notes)
    masks = _mask_file(path)
    quality: tuple[QualityLayer, ...] = ()
    if masks is None:
        notes.append("no EMIT_L2A_MASK file lies beside it: clouds are not masked")
    else:
        beside = open_hdf5(str(masks), MASK)
        source.files.append(beside)
        try:
            quality = _masks(masks, beside, (rows, cols))
        except SceneError:
            beside.close()
            raise
    fill = fill_value(item)
    source.info = SceneInfo(
        path=path,
        format=f"EMIT {name}",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=centres,
        fwhm=None if fwhm is None else numbers(fwhm, bands, "fwhm", path),
        bad_bands=None if good is None else numbers(good, bands, "good_wavelengths", path) != 1,
        nodata=-9999.0 if fill is None else fill,
        block=cube.block,
        quality=quality,
        ortho=ortho,
        files=() if masks is None else (str(masks),),
        notes=tuple(notes),
    )
    return source


def _masks(path: Path, file: h5py.File, shape: tuple[int, int]) -> tuple[QualityLayer, ...]:
    """Return the flags of the mask file; what is no flag (optical depth, water vapour) is passed over."""
    with reading(str(path), MASK):
        table = same_size(dataset(file, "mask", MASK, axes=3), shape, "the scene")
        labels = texts(dataset(file, f"{_BANDS}/mask_bands", MASK))
    if len(labels) != table.shape[2]:
        raise SceneError(f"{path}: names {len(labels)} masks, holds {table.shape[2]}; download it again")
    values = Table(table, MASK)
    layers = []
    for index, label in enumerate(labels):
        name = "-".join(label.lower().split())
        if name.endswith("-flag"):
            name = name.removesuffix("-flag")
            summary = f"{label} of {path.name}"
            layers.append(values.layer(name, summary, index=index, default=name not in _OFF))
    return tuple(layers)


def _ortho(path: str, file: h5py.File, notes: list[str]) -> Ortho:
    if "location" not in file:
        raise SceneError(f"{path}: has no group location, the lookup table onto a map; download it again")
    geotransform = np.ravel(file.attrs.get("geotransform", ()))
    if len(geotransform) != 6:
        notes.append("states no geotransform of six numbers: the map has no place on the ground")
    return lookup_table(
        path,
        dataset(file, "location/glt_y", PRODUCT, axes=2),
        dataset(file, "location/glt_x", PRODUCT, axes=2),
        from_text(text(file.attrs.get("spatial_ref", "EPSG:4326")), notes),
        from_gdal(geotransform) if len(geotransform) == 6 else None,
    )


def _mask_file(path: str) -> Path | None:
    """Return the mask file of the same scene: of the same version if there is one, else the latest."""
    match = _NAME.match(Path(path).name)
    if match is None:
        return None
    folder = Path(path).parent
    name = re.compile(rf"EMIT_L2A_MASK_(\d+)_{re.escape(match['scene'])}\.nc$", re.IGNORECASE)
    found = sorted(
        (hit[1] == match["version"], hit[1], file)
        for file in folder.iterdir()
        if (hit := name.match(file.name)) and file.is_file()
    )
    return found[-1][2] if found else None
