"""DESIS L1C and L2A: image, METADATA.xml and one raster of quality flags."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from had_cli.errors import SceneError
from had_cli.formats.products.dlr import DlrSource, files_of, missing_note
from had_cli.formats.products.xml import column, read_xml
from had_cli.scenes.source import QualityLayer, Source

_QUALITY = "QL_QUALITY-2"

# name, bands of the quality raster (0-based), on by default, what is set
_LAYERS = (
    ("cloud", (5, 6), True, "clouds over land and water"),
    ("haze", (3, 4), True, "haze over land and water"),
    ("shadow", (0,), True, "shadows"),
    ("snow", (2,), False, "snow"),
    ("water", (7,), False, "water"),
    ("land", (1,), False, "land"),
)


def open_desis(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of a DESIS product, named by its image or its metadata."""
    files = files_of(path, "DESIS")
    root = read_xml(files.metadata)
    # bands stand under interiorOrientation as well
    bands = root.findall(".//bandCharacterisation/band")
    if not bands:
        raise SceneError(f"{files.metadata}: has no bandCharacterisation; is it complete?")
    source = DlrSource(path, files)
    try:
        source.check_bands(len(bands))
        quality = _quality(source)
        nodata = source.info.nodata
        source.info = dataclasses.replace(
            source.info,
            path=path,
            format="DESIS L2A" if "L2A" in files.scene.upper() else "DESIS",
            wavelengths=column(bands, "wavelengthCenterOfBand", files.metadata),
            fwhm=column(bands, "wavelengthWidthOfBand", files.metadata),
            scale=column(bands, "gainOfBand", files.metadata),
            offset=column(bands, "offsetOfBand", files.metadata),
            band_names=None,
            nodata=-32768 if nodata is None else nodata,
            quality=quality,
            files=source.extra_files(),
            notes=(*source.info.notes, *missing_note(quality, f"{files.scene}-{_QUALITY}.tif")),
            tags={},
        )
    except SceneError:
        source.close()
        raise
    return source


def _quality(source: DlrSource) -> tuple[QualityLayer, ...]:
    raster = source.raster(_QUALITY)
    if raster is None:
        return ()
    if raster.bands < 8:
        raise SceneError(
            f"{source.files.beside(_QUALITY)}: has {raster.bands} bands, not the 8 flags of DESIS; "
            "download it again"
        )
    return tuple(
        raster.layer(name, f"{what}, {raster.name}", indexes, default=default)
        for name, indexes, default, what in _LAYERS
    )
