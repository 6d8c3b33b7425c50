"""EnMAP L1C and L2A: image, METADATA.XML and quality rasters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from had_cli.errors import SceneError
from had_cli.formats.products.dlr import DlrSource, files_of, missing_note
from had_cli.formats.products.overlap import overlap_note, overlapping
from had_cli.formats.products.xml import column, integers, read_xml
from had_cli.scenes.source import QualityLayer, Source

# raster -> name, on by default, what is set
_LAYERS = {
    "QL_QUALITY_CLOUD": ("cloud", True, "clouds"),
    "QL_QUALITY_CLOUDSHADOW": ("cloudshadow", True, "shadows of clouds"),
    "QL_QUALITY_CIRRUS": ("cirrus", True, "cirrus, thin to thick"),
    "QL_QUALITY_HAZE": ("haze", True, "haze"),
    "QL_QUALITY_SNOW": ("snow", False, "snow"),
}


def open_enmap(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of an EnMAP product, named by its image or its metadata."""
    files = files_of(path, "EnMAP")
    root = read_xml(files.metadata)
    bands = root.findall("specific/bandCharacterisation/bandID") or root.findall(
        ".//bandCharacterisation/bandID"
    )
    if not bands:
        raise SceneError(f"{files.metadata}: has no bandCharacterisation; is it complete?")
    centres = column(bands, "wavelengthCenterOfBand", files.metadata)
    source = DlrSource(path, files)
    try:
        source.check_bands(len(bands))
        bad, notes = _bad_bands(root, bands, centres)
        level = "L2A" if "L2A" in files.scene.upper() else "L1C" if "L1C" in files.scene.upper() else ""
        nodata = source.info.nodata
        quality = _quality(source)
        source.info = dataclasses.replace(
            source.info,
            path=path,
            format=f"EnMAP {level}".strip(),
            wavelengths=centres,
            fwhm=column(bands, "FWHMOfBand", files.metadata),
            scale=column(bands, "GainOfBand", files.metadata),
            offset=column(bands, "OffsetOfBand", files.metadata),
            band_names=None,
            bad_bands=bad,
            nodata=(0 if level == "L1C" else -32768) if nodata is None else nodata,
            quality=quality,
            files=source.extra_files(),
            notes=(*source.info.notes, *notes, *missing_note(quality, f"{files.scene}-QL_QUALITY_*.TIF")),
            tags={},
        )
    except SceneError:
        source.close()
        raise
    return source


def _bad_bands(root: Element, bands: list[Element], centres: Any) -> tuple[Any, list[str]]:
    """Return the bands without a signal and those of VNIR that SWIR has as well."""
    count = len(bands)
    order = {band.get("number", str(index + 1)): index for index, band in enumerate(bands)}
    bad, notes = np.zeros(count, bool), []
    for band in root.findall("product/bandStatistics/bandID"):
        index = order.get(band.get("number", ""))
        if index is not None and _empty(band):
            bad[index] = True
    if bad.any():
        notes.append(f"{int(bad.sum())} bands are empty in the product and are left out")
    lists = [
        integers(root.findtext(f"specific/{detector}ProductQuality/expectedChannelsList"))
        for detector in ("vnir", "swir")
    ]
    vnir, swir = (np.array([order[str(n)] for n in numbers if str(n) in order], np.intp) for numbers in lists)
    twice = overlapping(centres, vnir, swir)
    if twice.any():
        notes.append(overlap_note(centres, twice))
    return bad | twice, notes


def _empty(band: Element) -> bool:
    """Return whether a band holds one value only, as those without a signal do."""
    try:
        return float(band.findtext("stdDeviation") or "nan") == 0
    except ValueError:
        return False


def _quality(source: DlrSource) -> tuple[QualityLayer, ...]:
    layers = []
    for part, (name, default, what) in _LAYERS.items():
        raster = source.raster(part)
        if raster is not None:
            layers.append(raster.layer(name, f"{what}, {raster.name}", default=default))
    pixels = source.raster("QL_PIXELMASK")
    if pixels is not None:
        summary = f"defective in a band in use, {pixels.name}"
        if pixels.bands == source.info.shape[2]:
            layers.append(pixels.layer_by_band("pixelmask", summary))
        else:
            layers.append(pixels.layer("pixelmask", summary, range(pixels.bands)))
    return tuple(layers)
