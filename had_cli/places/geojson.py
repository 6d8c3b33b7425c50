"""Places as GeoJSON (RFC 7946): longitude and latitude in WGS84, outer rings anticlockwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from had_cli.metrics.evaluation import json_value
from had_cli.places.ground import WGS84, Ground, attempted
from had_cli.places.outline import shoelace
from had_cli.places.place import Place, Polygons

if TYPE_CHECKING:
    from had_cli.places.find import Places

DECIMALS = 8
"""Of a degree: about a millimetre, below any pixel."""


def document(places: Places) -> dict[str, Any]:
    """Return a FeatureCollection.

    Without a coordinate system the coordinates are pixels (column, row, from the first pixel's corner),
    which RFC 7946 leaves no room for; the member ``coordinates`` says which of the two they are.
    """
    ground = places.ground
    geometries = [_geometry(ground, place.outline) for place in places.places]
    features = [_feature(place, geometry) for place, geometry in zip(places.places, geometries, strict=True)]
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


def _geometry(ground: Ground, outline: Polygons) -> dict[str, Any]:
    """Return the geometry of an outline in pixels."""
    if ground.crs is None:
        return _oriented(outline)
    flat = [[np.column_stack(ground.equal_area(ring)).tolist() for ring in polygon] for polygon in outline]
    from rasterio.warp import transform_geom

    # from the equal-area map, so that degrees beyond 180 are cut there too, as the RFC asks (section 3.1.9)
    mapped = attempted(
        lambda: transform_geom(
            ground.equal_area_system,
            WGS84,
            {"type": "MultiPolygon", "coordinates": flat},
            antimeridian_cutting=True,
        )
    )
    if mapped is None:
        return _oriented(outline)
    parts = [mapped["coordinates"]] if mapped["type"] == "Polygon" else mapped["coordinates"]
    return _oriented([[[(p[0], p[1]) for p in ring] for ring in part] for part in parts])


def _oriented(outline: Polygons) -> dict[str, Any]:
    """Return a geometry whose outer rings run anticlockwise and holes clockwise (section 3.1.6)."""
    polygons = []
    for polygon in outline:
        rings = []
        for number, ring in enumerate(polygon):
            points = np.asarray(ring, dtype=np.float64).round(DECIMALS)
            anticlockwise = shoelace(points[:, 0], points[:, 1]) > 0
            rings.append((points if anticlockwise == (number == 0) else points[::-1]).tolist())
        polygons.append(rings)
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
