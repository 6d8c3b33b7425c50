"""Coordinate systems by EPSG code or WKT, as WKT."""

from __future__ import annotations

from typing import Any

import rasterio
from rasterio.errors import CRSError

Transform = tuple[float, float, float, float, float, float]


def from_epsg(code: int | None, notes: list[str]) -> str | None:
    """Return the WKT of an EPSG code, or None with a note where there is no such code."""
    if code is None:
        return None
    return _wkt(lambda: rasterio.CRS.from_epsg(code), f"EPSG code {code}", notes)


def from_text(text: str | None, notes: list[str]) -> str | None:
    """Return the WKT of a WKT, PROJ text or ``EPSG:code``, or None with a note."""
    if not text or not text.strip():
        return None
    return _wkt(lambda: rasterio.CRS.from_user_input(text), "coordinate system", notes)


def from_gdal(values: Any) -> Transform:
    """Return rasterio's order (a, b, c, d, e, f) of GDAL's six coefficients (c, a, b, f, d, e).

    Raises
    ------
    ValueError
        When they are not six numbers.
    """
    c, a, b, f, d, e = (float(value) for value in values)
    return a, b, c, d, e, f


def _wkt(make: Any, what: str, notes: list[str]) -> str | None:
    try:
        with rasterio.Env():  # or GDAL would speak to standard error itself
            return str(make().to_wkt())
    except CRSError:
        notes.append(f"the {what} of the file is not understood and is ignored")
        return None
