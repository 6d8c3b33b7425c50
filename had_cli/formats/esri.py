"""ESRI headers (NROWS, NCOLS, NBANDS, LAYOUT) beside raw data: GDAL reads the raster, we the wavelengths.

https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/bil-bip-and-bsq-raster-files.htm;
a list between WAVELENGTHS and WAVELENGTHS_END is an addition of spectrometers' software.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from had_cli.errors import SceneError
from had_cli.formats.envi_files import data_beside
from had_cli.formats.envi_header import is_esri
from had_cli.formats.units import spectrum
from had_cli.scenes.source import Source

_FIELD = re.compile(r"^\s*([A-Za-z_]+)\s+(\S+)\s*$", re.MULTILINE)
_LIST = re.compile(r"^\s*WAVELENGTHS\s*$(.*?)^\s*WAVELENGTHS_END", re.MULTILINE | re.DOTALL | re.IGNORECASE)
_ITEMS = 2**24  # bytes of a header that are looked at


def esri_beside(data: Path) -> Path | None:
    """Return the ESRI header of a data file, or None."""
    found = (data.with_suffix(suffix) for suffix in (".hdr", ".HDR"))
    return (
        None
        if data.suffix.lower() == ".hdr"
        else next((p for p in found if p.is_file() and is_esri(p)), None)
    )


def open_esri(path: Path, header: Path, options: Mapping[str, Any]) -> Source:
    """Return the scene of an ESRI header, ``path`` being the header or its data.

    Raises
    ------
    SceneError
        When its data are missing, shorter than it says, or GDAL cannot read them.
    """
    from had_cli.formats.gdal import open_gdal

    with header.open("rb") as file:
        text = file.read(_ITEMS).decode("latin-1")
    needed, notes = _size(text), list[str]()
    data = data_beside(header, needed, notes) if path == header else path
    source = open_gdal(str(data), options)
    info, size = source.info, data.stat().st_size
    if info.format == "EHdr" and needed is not None and size < needed:
        source.close()
        raise SceneError(
            f"{data}: the file is truncated: {size} bytes where its header asks for {needed}; copy it again"
        )
    found = _LIST.search(text)
    items = re.split(r"[\s,;]+", found.group(1).strip()) if found else []
    stated: dict[str, Any] = {}
    if info.wavelengths is None and len(items) == info.shape[2]:
        try:
            centres = spectrum(items, None)
        except ValueError as error:
            notes.append(f"{error}: the wavelengths of the header are ignored")
        else:
            notes += centres.notes
            stated["wavelengths"] = centres.centres
    source.info = replace(info, path=str(path), notes=(*info.notes, *notes), **stated)
    return source


def _size(text: str) -> int | None:
    """Return how many bytes a header asks for at least, or None where it does not say."""
    fields = {name.upper(): value for name, value in _FIELD.findall(text)}
    try:
        rows, cols, bands, bits = (int(fields.get(n, 1)) for n in ("NROWS", "NCOLS", "NBANDS", "NBITS"))
    except ValueError:
        return None
    return rows * cols * bands * bits // 8
