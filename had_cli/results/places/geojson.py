"""Places as GeoJSON (RFC 7946): longitude and latitude in WGS84, outer rings anticlockwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.results.metrics.evaluation import json_value
from had_cli.results.places.ground import WGS84, Ground
from had_cli.results.places.outline import shoelace
from had_cli.results.places.place import Place, Polygons

Rings = list[list[npt.NDArray[np.float64]]]

DECIMALS = 8
"""Of a degree: about a millimetre, below any pixel."""


def document(places: Sequence[Place], ground: Ground) -> dict[str, Any]:
    """Return a FeatureCollection.

    Without a coordinate system the coordinates are pixels (column, row, from the first pixel's corner),
    which RFC 7946 leaves no room for; the member ``coordinates`` says which of the two they are.
    """
    geometries = _geometries(ground, [place.outline for place in places])
    features = [_feature(place, geometry) for place, geometry in zip(places, geometries, strict=True)]
    on_earth = ground.crs is not None
    return {
        "type": "FeatureCollection",
        "coordinates_are": "WGS84 longitude, latitude" if on_earth else "pixels: column, row",
        "features": features,
    }


def _feature(place: Place, geometry: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": place.rank,
        "properties": json_value(place.properties()),
        "geometry": geometry,
    }


def _geometries(ground: Ground, outlines: list[Polygons]) -> list[dict[str, Any]]:
    """Return the geometries of outlines in pixels."""
    if ground.crs is None or not outlines:
        return [_oriented(outline) for outline in outlines]
    geometries = []
    for outline, rings in zip(outlines, ground.mapped(outlines, WGS84), strict=True):
        longitudes = np.concatenate([ring[:, 0] for polygon in rings for ring in polygon])
        across = np.ptp(longitudes) > 180 or np.abs(longitudes).max() > 180
        geometries.append(_oriented(_cut(ground, outline) if across else rings))
    return geometries


def _cut(ground: Ground, outline: Polygons) -> Rings:
    """Return an outline around the antimeridian or a pole cut there, as the RFC asks (section 3.1.9)."""
    from rasterio.warp import transform_geom

    # from the equal-area map, which knows no seam
    (flat,) = ground.equal_area([outline])
    shape = {"type": "MultiPolygon", "coordinates": [[ring.tolist() for ring in polygon] for polygon in flat]}
    cut = transform_geom(ground.equal_area_system, WGS84, shape, antimeridian_cutting=True)
    parts = [cut["coordinates"]] if cut["type"] == "Polygon" else cut["coordinates"]
    return [[np.array(ring)[:, :2] for ring in part] for part in parts]


def _oriented(outline: Polygons | Rings) -> dict[str, Any]:
    """Return a MultiPolygon whose outer rings run anticlockwise and holes clockwise (section 3.1.6).

    Always one, as in the other formats: a column of geometries is of one type in most of what reads it.
    """
    polygons = []
    for polygon in outline:
        rings = []
        for number, ring in enumerate(polygon):
            points = np.asarray(ring, dtype=np.float64).round(DECIMALS)
            anticlockwise = shoelace(points[:, 0], points[:, 1]) > 0
            rings.append((points if anticlockwise == (number == 0) else points[::-1]).tolist())
        polygons.append(rings)
    return {"type": "MultiPolygon", "coordinates": polygons}
