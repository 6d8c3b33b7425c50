"""NEON: reflectance of the Airborne Observation Platform, flight lines and mosaic tiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.crs import Transform, from_epsg, from_text
from had_cli.formats.products.cube_source import CubeSource
from had_cli.formats.products.hdf5 import (
    Cube,
    dataset,
    number,
    numbers,
    open_hdf5,
    reading,
    same_size,
    text,
)
from had_cli.formats.products.masks import Table
from had_cli.scenes.source import QualityLayer, SceneInfo, Source

PRODUCT = "a NEON reflectance file"
# ATCOR's classes, by what their names say
_CLASSES = (("cloud", True), ("cirrus", True), ("haze", True), ("water", False))


def open_neon(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of a NEON file."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _open(path, file)
    except SceneError:
        file.close()
        raise


def _open(path: str, file: h5py.File) -> Source:
    site = next((name for name, group in file.items() if "Reflectance" in _members(group)), None)
    if site is None:
        raise SceneError(f"{path}: has no group SITE/Reflectance, which {PRODUCT} has; download it again")
    group = file[f"{site}/Reflectance"]
    item = dataset(group, "Reflectance_Data", PRODUCT, axes=3)
    cube = Cube(item, "rcb")
    bands = cube.shape[2]
    spectral = "Metadata/Spectral_Data"
    centres = numbers(dataset(group, f"{spectral}/Wavelength", PRODUCT), bands, "Wavelength", path)
    fwhm = group.get(f"{spectral}/FWHM")
    scale = number(item.attrs.get("Scale_Factor", 1.0))
    if not scale:
        raise SceneError(f"{path}: Scale_Factor is 0; download it again")
    notes: list[str] = []
    crs, transform = _place(group, notes)
    source = CubeSource(path, file, cube, PRODUCT)
    source.info = SceneInfo(
        path=path,
        format=f"NEON {site}",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=centres,
        fwhm=None if fwhm is None else numbers(fwhm, bands, "FWHM", path),
        bad_bands=_bad_bands(group, centres, notes),
        nodata=number(item.attrs["Data_Ignore_Value"]) if "Data_Ignore_Value" in item.attrs else None,
        scale=None if scale == 1 else np.full(bands, 1 / scale),
        crs=crs,
        transform=transform,
        block=cube.block,
        quality=_classes(group, cube.shape[:2]),
        notes=tuple(notes),
    )
    return source


def _members(item: Any) -> Any:
    return item if isinstance(item, h5py.Group) else ()


def _bad_bands(
    group: h5py.Group, centres: npt.NDArray[np.float64], notes: list[str]
) -> npt.NDArray[np.bool_] | None:
    """Return the bands in the windows that the file says water vapour absorbs."""
    windows = [np.ravel(values) for name, values in group.attrs.items() if name.startswith("Band_Window_")]
    if not windows:
        return None
    bad = np.zeros(len(centres), bool)
    for window in windows:
        bad |= (centres >= float(window[0])) & (centres <= float(window[1]))
    ranges = ", ".join(f"{float(w[0]):g} to {float(w[1]):g}" for w in windows)
    notes.append(f"{int(bad.sum())} bands lie in the file's windows of water vapour ({ranges} nm), left out")
    return bad


def _place(group: h5py.Group, notes: list[str]) -> tuple[str | None, Transform | None]:
    """Return CRS and transform: map info as of ENVI, and an EPSG code beside it."""
    from had_cli.formats.envi_header import Header
    from had_cli.formats.envi_map import read_map

    system = group.get("Metadata/Coordinate_System")
    if system is None or "Map_Info" not in system:
        notes.append("states no Map_Info: the scene has no place on the ground")
        return None, None
    items = [item.strip() for item in text(system["Map_Info"]).strip("{} ").split(",")]
    if len(items) > 10 and items[-1].replace(".", "", 1).lstrip("-").isdigit():
        items[-1] = f"rotation={items[-1]}"  # NEON leaves the word out
    crs, transform = read_map(Header("", {"map info": "{" + ", ".join(items) + "}"}), None, notes)
    code = text(system["EPSG Code"]).strip() if "EPSG Code" in system else ""
    if code.isdigit():
        crs = from_epsg(int(code), notes) or crs
    elif "Coordinate_System_String" in system:
        crs = from_text(text(system["Coordinate_System_String"]), notes) or crs
    return crs, transform


def _classes(group: h5py.Group, shape: tuple[int, int]) -> tuple[QualityLayer, ...]:
    """Return the classes of the atmospheric correction, where the file names them."""
    item = group.get("Metadata/Ancillary_Imagery/Haze_Cloud_Water_Map")
    if not isinstance(item, h5py.Dataset) or item.ndim != 2 or "Class_Names" not in item.attrs:
        return ()
    names = [text(name).lower() for name in np.ravel(item.attrs["Class_Names"])]
    table = Table(same_size(item, shape, "the scene"), PRODUCT)
    layers = []
    for what, default in _CLASSES:
        # "thin cirrus (water)" is cirrus over water
        classes = [n for n, name in enumerate(names) if what in name.partition("(")[0]]
        if classes:
            summary = f"classes of {what} in Haze_Cloud_Water_Map"

            def test(values: npt.NDArray[Any], wanted: list[int] = classes) -> Any:
                return np.isin(values, wanted)

            layers.append(table.layer(what, summary, test, default=default))
    return tuple(layers)
