"""ENVI rasters: a text header beside raw data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.errors import SceneError
from had_cli.formats.envi_header import Header, begins, read_header
from had_cli.formats.npy import SlabSource
from had_cli.formats.slab import Slab
from had_cli.formats.units import spectrum
from had_cli.scenes.source import SceneInfo, Source

# https://www.nv5geospatialsoftware.com/docs/enviheaderfiles.html, field "data type"
DTYPES = {
    1: "u1",
    2: "i2",
    3: "i4",
    4: "f4",
    5: "f8",
    12: "u2",
    13: "u4",
    14: "i8",
    15: "u8",
}
_COMPLEX = {6, 9}
INTERLEAVES = ("bsq", "bil", "bip")

# Where the data of NAME.hdr are looked for; the bare NAME comes last.
DATA_SUFFIXES = (".img", ".dat", ".bsq", ".bil", ".bip", ".raw", "")

# Free text of the header that is carried along as tags.
TAGS = ("description", "sensor type", "acquisition time", "default bands", "cloud cover", "data units")

# What the header has no field for is kept as pairs in one line of JSON under this name.
EXTRA = "had metadata"


def has_header(path: str) -> bool:
    """Return whether ``path`` is a data file with an ENVI header beside it."""
    return _header_beside(Path(path)) is not None


def open_envi(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - an ENVI file holds one raster
    """Return the scene of an ENVI header or data file.

    Raises
    ------
    SceneError
        When header or data are missing, contradict each other or hold complex values.
    """
    given = Path(path)
    if given.suffix.lower() == ".hdr":
        header = read_header(given)
        data = _data_beside(given, header)
    else:
        beside = _header_beside(given)
        if beside is None:
            raise SceneError(
                f"{path}: has no ENVI header beside it ({given.with_suffix('.hdr').name}); add it"
            )
        header, data = read_header(beside), given
    shape, needed = _geometry(header)
    size = data.stat().st_size
    if size < needed:
        raise SceneError(
            f"{data}: the file is truncated: {size} bytes where its header asks for {needed}; copy it again"
        )
    info = describe(path, header, shape)
    if size > needed:
        info = _noted(
            info,
            f"{data.name} is {size - needed} bytes longer than its header says; is the header the right one?",
        )
    order = str(info.interleave)
    try:
        slab = Slab(data, shape, _dtype(header), order, header.integer("header offset", 0))
    except OSError as error:
        raise SceneError(f"{data}: cannot be read ({error.strerror})") from error
    return SlabSource(info, slab)


def describe(path: str, header: Header, shape: tuple[int, int, int]) -> SceneInfo:
    """Return the metadata in a header."""
    bands = shape[2]
    extra = _extra(header)
    notes: list[str] = []
    centres = header.items("wavelength", bands)
    widths = header.items("fwhm", bands)
    nanometres = fwhm = None
    if centres is not None:
        try:
            found = spectrum(centres, header.text("wavelength units"), widths)
        except ValueError as error:
            raise SceneError(f"{header.path}: {error}; correct or remove 'wavelength'") from error
        nanometres, fwhm = found.centres, found.widths
        notes += found.notes
    bbl = header.numbers("bbl", bands)
    names = extra.get("band_names") or header.items("band names", bands)
    scale, offset = _calibration(header, bands, notes)
    nodata: Any = header.number("data ignore value")
    crs, transform = _place(header, extra, notes)
    tags = {name: text for name in TAGS if (text := header.text(name))}
    return SceneInfo(
        path=path,
        format="ENVI",
        shape=shape,
        dtype=_dtype(header).newbyteorder("="),
        wavelengths=nanometres,
        fwhm=fwhm,
        band_names=None if names is None else tuple(names),
        bad_bands=None if bbl is None else np.array(bbl) == 0,
        nodata=_nodata(extra, nodata, header, _dtype(header)),
        scale=scale,
        offset=offset,
        crs=crs,
        transform=transform,
        interleave=_interleave(header),
        block=(1, shape[1]),
        notes=tuple(notes),
        tags={**tags, **extra.get("tags", {})},
    )


def _header_beside(data: Path) -> Path | None:
    if data.suffix.lower() == ".hdr":
        return None
    for candidate in (
        data.with_suffix(".hdr"),
        Path(f"{data}.hdr"),
        data.with_suffix(".HDR"),
        Path(f"{data}.HDR"),
    ):
        if candidate.is_file():
            with candidate.open("rb") as file:
                if begins(file):
                    return candidate
    return None


def _data_beside(header_path: Path, header: Header) -> Path:
    bare = header_path.with_suffix("")
    found = [
        candidate
        for suffix in DATA_SUFFIXES
        for candidate in dict.fromkeys((Path(f"{bare}{suffix}"), Path(f"{bare}{suffix.upper()}")))
        if candidate.is_file()
    ]
    if not found:
        raise SceneError(
            f"{header_path}: there is no data file {bare.name} (or {bare.name}.img, .dat, ...) beside it"
        )
    if len(found) > 1:
        _, needed = _geometry(header)
        found.sort(key=lambda candidate: candidate.stat().st_size != needed)
    return found[0]


def _geometry(header: Header) -> tuple[tuple[int, int, int], int]:
    """Return (rows, cols, bands) and how many bytes the data file must hold."""
    rows, cols, bands = (header.integer(name) for name in ("lines", "samples", "bands"))
    offset = header.integer("header offset", 0)
    if min(rows, cols, bands) < 1 or offset < 0:
        raise SceneError(
            f"{header.path}: {rows} lines x {cols} samples x {bands} bands from byte {offset} on is no raster"
        )
    if header.integer("file compression", 0):
        raise SceneError(f"{header.path}: the data file is compressed; save it uncompressed")
    return (rows, cols, bands), offset + rows * cols * bands * _dtype(header).itemsize


def _dtype(header: Header) -> np.dtype[Any]:
    code = header.integer("data type")
    if code in _COMPLEX:
        raise SceneError(
            f"{header.path}: holds complex values (data type {code}); a scene holds integers or real numbers"
        )
    if code not in DTYPES:
        raise SceneError(
            f"{header.path}: data type {code} is unknown; it is one of {', '.join(map(str, DTYPES))}"
        )
    order = header.integer("byte order", 0)
    if order not in {0, 1}:
        raise SceneError(
            f"{header.path}: byte order {order} is neither 0 (little endian) nor 1 (big endian); correct it"
        )
    return np.dtype((">" if order else "<") + DTYPES[code])


def _interleave(header: Header) -> str:
    interleave = (header.text("interleave") or "").lower()
    if interleave not in INTERLEAVES:
        raise SceneError(f"{header.path}: interleave is {interleave!r}, not bsq, bil or bip; correct it")
    return interleave


def _calibration(header: Header, bands: int, notes: list[str]) -> tuple[Any, Any]:
    """Return scale and offset: physical = stored * gain + offset, or stored / factor."""
    gains, offsets = header.numbers("data gain values", bands), header.numbers("data offset values", bands)
    factor = header.number("reflectance scale factor")
    if factor is not None and not (np.isfinite(factor) and factor > 0):
        notes.append(f"the reflectance scale factor {factor:g} is not positive and is ignored")
        factor = None
    if gains is not None or offsets is not None:
        if factor is not None:
            notes.append("the data gain and offset values are applied, the reflectance scale factor is not")
        return None if gains is None else np.array(gains), None if offsets is None else np.array(offsets)
    return None if factor is None or factor == 1 else np.full(bands, 1 / factor), None


def _place(header: Header, extra: Mapping[str, Any], notes: list[str]) -> tuple[Any, Any]:
    """Return CRS and transform; what lies nowhere does without importing GDAL."""
    if "map info" not in header and "coordinate system string" not in header:
        return extra.get("crs"), extra.get("transform")
    from had_cli.formats.envi_map import read_map

    crs, transform = read_map(header, extra.get("transform"), notes)
    return extra.get("crs", crs), transform


def _nodata(extra: Mapping[str, Any], value: float | None, header: Header, dtype: np.dtype[Any]) -> Any:
    if "nodata" in extra:
        return extra["nodata"]
    if value is not None and dtype.kind in "iu" and dtype.itemsize == 8:
        text = str(header.text("data ignore value"))
        return int(text) if text.lstrip("+-").isdigit() else value  # beyond 2**53 a double is not enough
    return value


def _extra(header: Header) -> dict[str, Any]:
    from had_cli.formats.metadata import from_json

    text = header.fields.get(EXTRA)
    if text is None:
        return {}
    try:
        pairs = {name: value for name, value in json.loads(text)}  # noqa: C416 - checks that they are pairs
        if "tags" in pairs:
            pairs["tags"] = dict(pairs["tags"])
        return from_json(json.dumps(pairs), header.path)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{header.path}: the field {EXTRA!r} is damaged; remove it") from error


def _noted(info: SceneInfo, note: str) -> SceneInfo:
    from dataclasses import replace

    return replace(info, notes=(*info.notes, note))
