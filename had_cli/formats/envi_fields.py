"""What the fields of an ENVI header say of a raster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from had_cli.errors import SceneError
from had_cli.foreign.texts import parse_json
from had_cli.formats.envi_header import Header
from had_cli.formats.units import spectrum
from had_cli.scenes.source import SceneInfo

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

# The first name is ENVI's, the others are what people make of it.
WAVELENGTHS = (
    "wavelength",
    "wavelengths",
    "wavlength",
    "wavelenght",
    "wavelengh",
    "center wavelength",
    "band centers",
)
UNITS = ("wavelength units", "wavelength unit", "wavelengths units", "wavelength_units")

# Free text of the header that is carried along as tags.
TAGS = ("description", "sensor type", "acquisition time", "default bands", "cloud cover", "data units")

# What the header has no field for is kept as pairs in one line of JSON under this name.
EXTRA = "had metadata"


def describe(path: str, header: Header, shape: tuple[int, int, int]) -> SceneInfo:
    """Return the metadata in a header."""
    bands = shape[2]
    extra = _extra(header)
    notes: list[str] = []
    nanometres, fwhm = _spectrum(header, bands, notes)
    bbl = header.numbers("bbl", bands, notes)
    names = extra.get("band_names") or header.items("band names", bands, notes)
    scale, offset = _calibration(header, bands, notes)
    nodata: Any = header.number("data ignore value")
    crs, transform = _place(header, extra, notes)
    tags = {name: text for name in TAGS if (text := header.text(name))}
    return SceneInfo(
        path=path,
        format="ENVI",
        shape=shape,
        dtype=dtype_of(header).newbyteorder("="),
        wavelengths=extra.get("wavelengths", nanometres),
        fwhm=extra.get("fwhm", fwhm),
        band_names=None if names is None else tuple(names),
        bad_bands=None if bbl is None else np.array(bbl) == 0,
        nodata=_nodata(extra, nodata, header, dtype_of(header)),
        scale=scale,
        offset=offset,
        crs=crs,
        transform=transform,
        interleave=_interleave(header),
        block=(1, shape[1]),
        notes=tuple(notes),
        tags={**tags, **extra.get("tags", {})},
    )


def _spectrum(header: Header, bands: int, notes: list[str]) -> tuple[Any, Any]:
    """Return band centres and widths in nanometres, or None."""
    name = next((n for n in WAVELENGTHS if n in header), WAVELENGTHS[0])
    centres = header.items(name, bands, notes)
    if centres is None:
        return None, None
    unit = next((text for n in UNITS if (text := header.text(n))), None)
    try:
        found = spectrum(centres, unit, header.items("fwhm", bands, notes))
    except ValueError as error:
        notes.append(f"{error}: the field {name!r} is ignored")
        return None, None
    notes += found.notes
    return found.centres, found.widths


def geometry(header: Header) -> tuple[tuple[int, int, int], int]:
    """Return (rows, cols, bands) and how many bytes the data file must hold."""
    rows, cols, bands = (header.integer(name) for name in ("lines", "samples", "bands"))
    offset = header.integer("header offset", 0)
    if min(rows, cols, bands) < 1 or offset < 0:
        raise SceneError(
            f"{header.path}: {rows} lines x {cols} samples x {bands} bands from byte {offset} on is no raster"
        )
    return (rows, cols, bands), offset + rows * cols * bands * dtype_of(header).itemsize


def dtype_of(header: Header) -> np.dtype[Any]:
    """Return the type of the stored values, byte order included; refuse what is none or complex."""
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
        pairs = {name: value for name, value in parse_json(text, finite=False)}  # noqa: C416 - checks that they are pairs
        if "tags" in pairs:
            pairs["tags"] = dict(pairs["tags"])
        return from_json(json.dumps(pairs), header.path)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, SceneError):
            raise
        raise SceneError(f"{header.path}: the field {EXTRA!r} is damaged; remove it") from error
