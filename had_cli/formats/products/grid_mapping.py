"""Where a cube lies by CF's conventions: a grid mapping, and coordinates of pixel centres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.formats.products.crs import Transform, from_gdal, from_text
from had_cli.formats.products.hdf5 import text

# coordinates are rounded when they are written; a larger step between them is no even grid
_UNEVEN = 1e-3


def crs_of(attributes: Mapping[str, Any], notes: list[str]) -> str | None:
    """Return the WKT of a grid mapping's attributes, or None."""
    for name in ("crs_wkt", "spatial_ref"):
        if name in attributes:
            return from_text(text(attributes[name]), notes)
    if "epsg_code" in attributes:
        code = text(attributes["epsg_code"]).upper().removeprefix("EPSG:")
        return from_text(f"EPSG:{code}", notes)
    return None


def transform_of(attributes: Mapping[str, Any]) -> Transform | None:
    """Return the affine coefficients of a grid mapping's ``GeoTransform``, in GDAL's order, or None."""
    if "GeoTransform" not in attributes:
        return None
    value = attributes["GeoTransform"]
    words = text(value).replace(",", " ").split() if np.size(value) == 1 else np.ravel(value)
    try:
        found = from_gdal(words)
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def transform_from_centres(
    x: npt.NDArray[Any] | None, y: npt.NDArray[Any] | None, notes: list[str]
) -> Transform | None:
    """Return the affine coefficients of pixels whose centres have these coordinates, or None.

    Rows may run to the north or to the south; they stay as they are stored.
    """
    if x is None or y is None or len(x) < 2 or len(y) < 2:
        return None
    steps = []
    for values in (np.asarray(x, np.float64), np.asarray(y, np.float64)):
        step = (values[-1] - values[0]) / (len(values) - 1)
        if not np.isfinite(values).all() or step == 0:
            return None
        if np.abs(np.diff(values) - step).max() > _UNEVEN * abs(step):
            notes.append("the coordinates of the pixels are not evenly spaced and are ignored")
            return None
        steps.append(float(step))
    (dx, dy), left, top = steps, float(x[0]) - steps[0] / 2, float(y[0]) - steps[1] / 2
    return dx, 0.0, left, 0.0, dy, top
