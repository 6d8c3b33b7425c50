"""ENVI's map info and coordinate system string, to and from an affine transform and a WKT.

GDAL knows ENVI's projection names and ESRI's dialect of WKT, so it is shown a one-pixel raster with
just these fields. The transform is computed here: GDAL leaves the reference pixel out of a rotation.
"""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from had_cli.errors import SceneError
from had_cli.formats.envi_header import Header, parse
from had_cli.formats.units import number

Transform = tuple[float, float, float, float, float, float]

_STUB = "ENVI\nsamples = 1\nlines = 1\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n"


def read_map(
    header: Header, exact: Transform | None, notes: list[str]
) -> tuple[str | None, Transform | None]:
    """Return CRS (WKT) and transform; ``exact`` is a transform kept beside a map info of fewer digits."""
    items = header.texts("map info") or []
    wkt = header.text("coordinate system string")
    transform = None
    if items:
        try:
            transform = _transform(items)
        except (ValueError, IndexError):
            notes.append("the map info is incomplete and is ignored: " + ", ".join(items))
            items = []
    if transform is None or (exact is not None and _close(transform, exact)):
        transform = exact
    if not items and not wkt:
        return None, transform
    crs = _read_crs(items, wkt)
    if crs is None and (wkt or not _arbitrary(items)):
        notes.append("the coordinate system of the header is not understood and is ignored")
    return crs, transform


def map_fields(crs: str | None, transform: Transform | None) -> tuple[dict[str, str], dict[str, Any]]:
    """Return header fields for a CRS and a transform, and what they cannot hold exactly.

    The second dictionary has ``crs`` or ``transform`` where reading the fields would not return them.
    """
    fields: dict[str, str] = {}
    if crs is not None:
        try:
            with rasterio.Env():  # or GDAL would speak to standard error itself
                rasterio.CRS.from_wkt(crs)
        except CRSError as error:
            raise SceneError(
                "its coordinate system is not understood by GDAL; correct or remove it"
            ) from error
    if crs is not None or transform is not None:
        written = _gdal_fields(crs)
        for name in ("projection info", "coordinate system string"):
            if crs is not None and name in written:
                fields[name] = written[name]
        placed = None if transform is None else _placed(transform)
        if placed is not None:
            place, rotation = placed
            name, *tail = Header("", written).texts("map info") or ["Arbitrary"]
            rest = [item for item in tail[6:] if item and not item.startswith("rotation")]
            turned = [f"rotation={number(rotation)}"] if rotation else []
            fields["map info"] = "{" + ", ".join([name, *map(number, place), *rest, *turned]) + "}"
        else:
            fields.pop("projection info", None)
    kept_crs, kept_transform = read_map(Header("", fields), None, [])
    beside: dict[str, Any] = {}
    if transform is not None and kept_transform != transform:
        beside["transform"] = list(transform)
    if crs is not None and (kept_crs is None or not _same(kept_crs, crs)):
        beside["crs"] = crs
    return fields, beside


def _transform(items: Sequence[str]) -> Transform | None:
    """Return the affine coefficients of a map info: the pixel (x, y), 1-based, lies at (east, north)."""
    x, y, east, north, width, height = (float(item) for item in items[1:7])
    if _arbitrary(items) and {east, north} <= {0.0, 1.0} and (width, height) == (1.0, 1.0):
        return None  # what ENVI writes for a raster without a place
    turn = next((float(item.split("=", 1)[1]) for item in items[7:] if item.startswith("rotation")), 0.0)
    cos, sin = _cos_sin(turn)
    a, b, d, e = cos * width, sin * height, sin * width, -cos * height
    coefficients = (a, b, east - a * (x - 1) - b * (y - 1), d, e, north - d * (x - 1) - e * (y - 1))
    if not all(map(math.isfinite, coefficients)) or not width or not height:
        raise ValueError("not finite, or pixels without a size")
    return tuple(c + 0.0 for c in coefficients)  # type: ignore[return-value]  # + 0.0 turns -0.0 into 0.0


def _placed(transform: Transform) -> tuple[tuple[float, ...], float] | None:
    """Return map info's six numbers and rotation in degrees, or None where shear or a flip forbid it."""
    a, b, c, d, e, f = transform
    width, height, turn = math.hypot(a, d), math.hypot(b, e), math.degrees(math.atan2(d, a))
    place = (1, 1, c, f, width, height)
    back = _transform(["", *map(repr, map(float, place)), f"rotation={turn!r}"])
    return (place, turn) if back is not None and _close(back, transform) else None


def _cos_sin(degrees: float) -> tuple[float, float]:
    if degrees % 90 == 0:  # exact, where radians are not
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(degrees // 90) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def _close(one: Transform, other: Transform) -> bool:
    pixel = max(abs(v) for v in (*other[:2], *other[3:5]))
    return all(abs(p - q) <= 1e-6 * max(pixel, abs(q) * 1e-6) for p, q in zip(one, other, strict=True))


def _arbitrary(items: Sequence[str]) -> bool:
    return bool(items) and items[0].strip().lower() == "arbitrary"


def _read_crs(items: Sequence[str], wkt: str | None) -> str | None:
    crs = _crs(items, wkt)
    text = "" if crs is None else str(crs.to_wkt())
    if items and not wkt and crs is not None and crs.is_geographic and "lat" not in items[0].lower():
        return None  # what GDAL makes of a projection, or a zone, that it does not know
    if not text or "LOCAL_CS" in text or "EngineeringCRS" in text:
        return None
    code = crs.to_epsg()
    if code is not None and rasterio.CRS.from_epsg(code) == crs:
        return str(rasterio.CRS.from_epsg(code).to_wkt())  # by its name, which map info does not state
    return text


def _crs(items: Sequence[str], wkt: str | None) -> Any:
    """Return what GDAL makes of map info and coordinate system string, or None."""
    if not items:
        try:
            with rasterio.Env():  # or GDAL would speak to standard error itself
                return rasterio.CRS.from_wkt(wkt, morph_from_esri_dialect=True)
        except CRSError:
            return None
    if _arbitrary(items) and not wkt:
        return None
    # GDAL lets units=Feet turn US survey feet into international ones: the WKT states the unit itself
    shown = [item for item in items if not (wkt and item.lower().startswith("units"))]
    text = f"{_STUB}map info = {{{', '.join(shown)}}}\n"
    text += f"coordinate system string = {{{wkt}}}\n" if wkt else ""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        stub = Path(folder) / "stub.img"
        stub.write_bytes(bytes(16))  # GDAL looks at no file shorter than two bytes
        stub.with_suffix(".hdr").write_text(text, encoding="utf-8")
        try:
            with rasterio.open(stub, driver="ENVI") as raster:
                return raster.crs
        except (RasterioError, CRSError):
            return None


def _gdal_fields(crs: str | None) -> dict[str, str]:
    """Return the header fields by which GDAL states ``crs``."""
    if crs is None:
        return {}
    profile = {"driver": "ENVI", "width": 1, "height": 1, "count": 1, "dtype": "uint8"}
    transform = rasterio.Affine(1, 0, 1, 0, -1, 1)
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder) / "stub.img"
        with rasterio.open(stub, "w", crs=rasterio.CRS.from_wkt(crs), transform=transform, **profile):
            pass
        text = stub.with_suffix(".hdr").read_text(encoding="utf-8")
    return parse(text, "stub.hdr")


def _same(one: str, other: str) -> bool:
    return bool(rasterio.CRS.from_wkt(one) == rasterio.CRS.from_wkt(other))
