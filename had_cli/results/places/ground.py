"""Where pixels lie on the Earth.

Everything is asked of PROJ through rasterio, so no further library is needed. Areas are those on the
ellipsoid: outlines are mapped by an equal-area projection (Lambert's azimuthal one, centred on the
scene), in which the plain area of a polygon is the true one whatever the scene's own system does to areas
(Web Mercator doubles lengths at 60 degrees; degrees are no lengths at all).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.results.places.outline import dense
from had_cli.results.places.place import Polygons

Float = npt.NDArray[np.float64]

WGS84 = "EPSG:4326"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The place of a raster.

    Attributes
    ----------
    crs : WKT, or None where unknown or unusable
    transform : affine coefficients from pixels (corner of the first: 0, 0) to coordinates, or None
    centre : (lon, lat) of the raster's centre, or None without ``crs``
    notes : one line each
    """

    crs: str | None
    transform: tuple[float, float, float, float, float, float] | None
    centre: tuple[float, float] | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        crs: str | None,
        transform: tuple[float, float, float, float, float, float] | None,
    ) -> Ground:
        """Return the ground of a rows x cols raster, as far as it is known."""
        if crs is None or transform is None:
            missing = "coordinate system" if crs is None else "transform"
            note = f"the map has no {missing}: places are told in pixels (column, row), without an area"
            return cls(crs=None, transform=transform, centre=None, notes=(note,))
        known = cls(crs=crs, transform=transform, centre=(0.0, 0.0))
        lon, lat = known._degrees_or_nan(np.array([shape[1] / 2]), np.array([shape[0] / 2]))
        if not (np.isfinite(lon[0]) and np.isfinite(lat[0])):
            note = (
                "the map's coordinate system leads to no place on the Earth: places are told "
                "in pixels (column, row), without an area"
            )
            return cls(crs=None, transform=transform, centre=None, notes=(note,))
        return cls(crs=crs, transform=transform, centre=(float(lon[0]), float(lat[0])))

    def coordinates(self, cols: Float, rows: Float) -> tuple[Float | None, Float | None]:
        """Return x and y in the raster's own system, or (None, None)."""
        if self.transform is None:
            return None, None
        a, b, c, d, e, f = self.transform
        return a * cols + b * rows + c, d * cols + e * rows + f

    def degrees(self, cols: Float, rows: Float) -> tuple[Float | None, Float | None]:
        """Return longitude and latitude (WGS84), or (None, None)."""
        return (None, None) if self.crs is None else self._degrees_or_nan(cols, rows)

    def mapped(self, outlines: Sequence[Polygons], target: str) -> list[list[list[Float]]]:
        """Return outlines in pixels as rings of (n, 2) coordinates in the system ``target``.

        All of them at once: setting up a transformation takes PROJ longer than thousands of points.
        """
        rings = [dense(ring) for outline in outlines for polygon in outline for ring in polygon]
        if not rings:
            return [[] for _ in outlines]
        points = np.concatenate(rings)
        there = np.column_stack(self._to(target, points[:, 0], points[:, 1]))
        parts = iter(np.split(there, np.cumsum([len(ring) for ring in rings])[:-1]))
        return [[[next(parts) for _ in polygon] for polygon in outline] for outline in outlines]

    def equal_area(self, outlines: Sequence[Polygons]) -> list[list[list[Float]]]:
        """Return outlines in pixels as rings in metres on an equal-area map."""
        return self.mapped(outlines, self.equal_area_system)

    @property
    def equal_area_system(self) -> str:
        """The coordinate system of :meth:`equal_area`, in PROJ's words."""
        assert self.centre is not None  # noqa: S101 - asked only where there is a system
        lon, lat = self.centre
        return f"+proj=laea +lon_0={lon:.6f} +lat_0={lat:.6f} +datum=WGS84 +units=m"

    def _degrees_or_nan(self, cols: Float, rows: Float) -> tuple[Float, Float]:
        return self._to(WGS84, cols, rows)

    def _to(self, target: str, cols: Float, rows: Float) -> tuple[Float, Float]:
        x, y = self.coordinates(cols, rows)
        assert x is not None  # noqa: S101 - asked only where there is a transform
        assert y is not None  # noqa: S101
        from rasterio.warp import transform

        found = attempted(lambda: transform(self.crs, target, x, y))
        if found is None:
            return np.full(len(x), np.nan), np.full(len(x), np.nan)
        return np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.float64)


def attempted(action: Callable[[], Any]) -> Any:
    """Return what ``action`` returns, or None where PROJ knows no way between two systems."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    from had_cli.formats.gdal import quiet

    try:
        with quiet():
            return action()
    except (RasterioError, CPLE_BaseError):
        return None
