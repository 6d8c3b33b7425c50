"""ENVI rasters: a text header beside raw data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.envi_fields import describe, dtype_of, geometry
from had_cli.formats.envi_files import data_beside, header_beside, is_gzip, is_tiff, refuse_no_scene, unpacked
from had_cli.formats.envi_header import Header, is_esri, read_header
from had_cli.formats.esri import esri_beside, open_esri
from had_cli.formats.npy import SlabSource
from had_cli.formats.slab import Slab
from had_cli.scenes.source import SceneInfo, Source, Window


def has_header(path: str) -> bool:
    """Return whether ``path`` is a data file with an ENVI or ESRI header beside it."""
    return header_beside(Path(path)) is not None or esri_beside(Path(path)) is not None


def open_envi(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of an ENVI header or data file.

    A header of ESRI's kind, or one beside a TIFF, is read through GDAL.

    Raises
    ------
    SceneError
        When header or data are missing, contradict each other, hold complex values or are no scene.
    """
    given, notes = Path(path), list[str]()
    if given.suffix.lower() == ".hdr":
        if is_esri(given):
            return open_esri(given, given, options)
        header = read_header(given)
        refuse_no_scene(given, header)
        tiff = _foreign(header)
        data = data_beside(given, None if tiff else geometry(header)[1], notes, tiff=tiff)
    else:
        beside, esri = header_beside(given, notes), esri_beside(given)
        if beside is None and esri is not None:
            return open_esri(given, esri, options)
        if beside is None:
            raise SceneError(
                f"{path}: has no ENVI header beside it ({given.with_suffix('.hdr').name}); add it"
            )
        header, data = read_header(beside), given
    refuse_no_scene(data, header)
    if is_tiff(data) and (_foreign(header) or data.stat().st_size != geometry(header)[1]):
        return _tiff_with_header(path, data, header, options)
    shape, needed = geometry(header)
    packed = header.integer("file compression", 0) != 0
    if packed and not is_gzip(data) and data.stat().st_size == needed:
        notes.append("the header says that the data are compressed, but they are not: read as they are")
        packed = False
    info = describe(path, header, shape)
    if not packed:
        notes += _size_notes(data, needed)
    info = replace(info, notes=(*info.notes, *header.notes, *notes))
    if packed:
        return _PackedSource(info, data, needed, header)
    return SlabSource(info, _slab(data, info, header))


def _foreign(header: Header) -> bool:
    """Return whether the header says that its data are a file of another format, as ENVI writes for TIFF."""
    return "tif" in (header.text("file type") or "").lower()


def _slab(data: Path, info: SceneInfo, header: Header) -> Slab:
    try:
        order, offset = str(info.interleave), header.integer("header offset", 0)
        return Slab(data, info.shape, dtype_of(header), order, offset)
    except OSError as error:
        raise SceneError(f"{data}: cannot be read ({error.strerror})") from error


def _size_notes(data: Path, needed: int) -> list[str]:
    size = data.stat().st_size
    if size < needed:
        raise SceneError(
            f"{data}: the file is truncated: {size} bytes where its header asks for {needed}; copy it again"
        )
    if size == needed:
        return []
    return [f"{data.name} is {size - needed} bytes longer than its header says; is the header the right one?"]


class _PackedSource:
    """A source over data compressed by gzip, unpacked into a temporary file when they are first wanted."""

    def __init__(self, info: SceneInfo, data: Path, needed: int, header: Header) -> None:
        self.info = replace(
            info, notes=(*info.notes, f"{data.name} is compressed: it is unpacked before it is read")
        )
        self._data, self._needed, self._header = data, needed, header
        self._slab: Slab | None = None

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored."""
        if self._slab is None:
            self._slab = _slab(unpacked(self._data, self._needed, self), self.info, self._header)
        return self._slab.read(window, bands)

    def valid(self, window: Window) -> None:
        """Return None: such files carry no mask."""

    def close(self) -> None:
        """Release the file."""
        if self._slab is not None:
            self._slab.close()


def _tiff_with_header(path: str, data: Path, header: Header, options: Mapping[str, Any]) -> Source:
    """Return the scene of a TIFF, with what the ENVI header beside it adds."""
    from had_cli.formats.gdal import open_gdal

    source = open_gdal(str(data), {**options, "driver": "GTiff"})
    shape = source.info.shape
    text = {**header.fields, "data type": "1", "interleave": "bsq", "byte order": "0"}
    described = describe(path, Header(header.path, text), shape)
    note = f"{data.name} is a TIFF: it is read as one, and the header adds what that does not say"
    names = ("wavelengths", "fwhm", "bad_bands", "band_names", "nodata")
    added = {name: getattr(described, name) for name in names if getattr(source.info, name) is None}
    source.info = replace(source.info, path=path, notes=(*source.info.notes, *described.notes, note), **added)
    return source
