"""EMIT: L2A reflectance and L1B radiance on the sensor's grid, with a lookup table onto a map."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.crs import from_gdal, from_text
from had_cli.formats.products.hdf5 import (
    Cube,
    Index,
    dataset,
    fill_value,
    numbers,
    open_hdf5,
    reading,
    same_size,
    text,
    texts,
)
from had_cli.formats.products.masks import Table
from had_cli.scenes.source import Ortho, QualityLayer, SceneInfo, Source, Window

PRODUCT = "an EMIT cube"
_BANDS = "sensor_band_parameters"
_NAME = re.compile(r"EMIT_L\w+?_(RFL|RAD)_(?P<version>\d+)_(?P<scene>.+)\.nc$", re.IGNORECASE)
# what repeats other masks is there to be chosen, and masks nothing by itself
_OFF = ("aggregate",)


def open_emit(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of an EMIT file, and of the mask file beside it."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _Emit(path, file)
    except SceneError:
        file.close()
        raise


class _Emit:
    def __init__(self, path: str, file: h5py.File) -> None:
        self._path, self._files = path, [file]
        name = "radiance" if "radiance" in file and "reflectance" not in file else "reflectance"
        cube = dataset(file, name, PRODUCT, axes=3)
        self._cube = Cube(cube, "rcb")
        rows, cols, bands = self._cube.shape
        centres = numbers(dataset(file, f"{_BANDS}/wavelengths", PRODUCT), bands, "wavelengths", path)
        good = file.get(f"{_BANDS}/good_wavelengths")
        fwhm = file.get(f"{_BANDS}/fwhm")
        notes: list[str] = []
        masks = _mask_file(path)
        quality: tuple[QualityLayer, ...] = ()
        if masks is None:
            notes.append("no EMIT_L2A_MASK file lies beside it: clouds are not masked")
        else:
            quality = self._masks(masks, (rows, cols))
        fill = fill_value(cube)
        self.info = SceneInfo(
            path=path,
            format=f"EMIT {name}",
            shape=self._cube.shape,
            dtype=self._cube.dtype,
            wavelengths=centres,
            fwhm=None if fwhm is None else numbers(fwhm, bands, "fwhm", path),
            bad_bands=None if good is None else numbers(good, bands, "good_wavelengths", path) != 1,
            nodata=-9999.0 if fill is None else fill,
            block=self._cube.block,
            quality=quality,
            ortho=self._ortho(file, notes),
            files=() if masks is None else (str(masks),),
            notes=tuple(notes),
        )

    def _masks(self, masks: Path, shape: tuple[int, int]) -> tuple[QualityLayer, ...]:
        """Return the flags of the mask file; what is no flag (optical depth, water vapour) is passed over."""
        file = open_hdf5(str(masks), "an EMIT mask")
        self._files.append(file)
        with reading(str(masks), "an EMIT mask"):
            table = same_size(dataset(file, "mask", "an EMIT mask", axes=3), shape, "the scene")
            labels = texts(dataset(file, f"{_BANDS}/mask_bands", "an EMIT mask"))
        if len(labels) != table.shape[2]:
            raise SceneError(
                f"{masks}: names {len(labels)} masks and holds {table.shape[2]}; download it again"
            )
        values = Table(table, "an EMIT mask")
        layers = []
        for index, label in enumerate(labels):
            name = "-".join(label.lower().split())
            if name.endswith("-flag"):
                name = name.removesuffix("-flag")
                summary = f"{label} of {masks.name}"
                layers.append(values.layer(name, summary, index=index, default=name not in _OFF))
        return tuple(layers)

    def _ortho(self, file: h5py.File, notes: list[str]) -> Ortho | None:
        if "location" not in file:
            raise SceneError(
                f"{self._path}: has no group location, the lookup table onto a map; download it again"
            )
        across = dataset(file, "location/glt_x", PRODUCT, axes=2)
        down = same_size(dataset(file, "location/glt_y", PRODUCT, axes=2), across.shape, "glt_x")
        geotransform = np.ravel(file.attrs.get("geotransform", ()))
        if len(geotransform) != 6:
            notes.append("states no geotransform of six numbers: the map has no place on the ground")
        crs = from_text(text(file.attrs.get("spatial_ref", "EPSG:4326")), notes)
        return Ortho(
            shape=(int(across.shape[0]), int(across.shape[1])),
            crs=crs,
            transform=from_gdal(geotransform) if len(geotransform) == 6 else None,
            lookup=partial(look_up, self._path, down, across),
        )

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands."""
        with reading(self._path, PRODUCT):
            return self._cube.read(window, bands)

    def valid(self, window: Window) -> None:
        """Return None: fill values are nodata, and masks are for the user to choose."""

    def close(self) -> None:
        """Release the files."""
        for file in self._files:
            file.close()


def look_up(path: str, down: h5py.Dataset, across: h5py.Dataset, window: Window) -> tuple[Index, Index]:
    """Return rows and columns from a table that counts from 1 with 0 for none.

    A negative entry is that of a neighbour, which fills a gap of the map.
    """
    with reading(path, "a lookup table"):
        found = [np.asarray(table[window.rows, window.cols]) for table in (down, across)]
    row, col = (np.abs(np.nan_to_num(values, nan=0.0)).astype(np.intp) for values in found)
    none = (row == 0) | (col == 0)
    row, col = row - 1, col - 1
    row[none], col[none] = -1, -1
    return row, col


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
