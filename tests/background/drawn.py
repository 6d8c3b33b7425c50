"""A chosen rectangle in all the forms that users draw it in, and its statistics by numpy."""

from __future__ import annotations

import json
import struct

import numpy as np
import pyogrio.raw
import rasterio
from affine import Affine
from rasterio.warp import transform_geom

ROWS, COLS, BANDS = 30, 40, 6
UTM = "EPSG:32633"
NORTH_UP = Affine(20, 0, 500_000, 0, -20, 5_000_000)
CHOSEN = np.zeros((ROWS, COLS), bool)
CHOSEN[3:20, 5:31] = True


def rectangle(transform=NORTH_UP, *, rows=(3, 20), cols=(5, 31)):
    """Return the outline of the chosen rectangle in the coordinates of ``transform``."""
    corners = [(cols[0], rows[0]), (cols[1], rows[0]), (cols[1], rows[1]), (cols[0], rows[1])]
    ring = [list(transform @ corner) for corner in [*corners, corners[0]]]
    return {"type": "Polygon", "coordinates": [ring]}


def features(*geometries, **members):
    shapes = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    return {"type": "FeatureCollection", **members, "features": shapes}


def wkb(geometry):
    ring = np.asarray(geometry["coordinates"][0], "<f8")
    return struct.pack("<BIII", 1, 3, 1, len(ring)) + ring.tobytes()


def write_vector(path, geometry, crs, **options):
    pyogrio.raw.write(
        path, geometry=np.array([wkb(geometry)], dtype=object), field_data=[np.array(["grass"], object)],
        fields=np.array(["name"], dtype=object), geometry_type="Polygon", crs=crs, **options,
    )  # fmt: skip


def polygons_as(form, folder):
    """Return a file of the chosen rectangle in one of the forms that users have."""
    here = rectangle()
    there = transform_geom(UTM, "EPSG:4326", here)
    path = folder / f"fields.{form.split()[0]}"
    if form == "geojson":
        path.write_text(json.dumps(features(there)))
    elif form == "geojson of QGIS in UTM":
        named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
        path.write_text(json.dumps(features(here, crs=named)))
    elif form == "geojson of QGIS":
        named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
        path.write_text(json.dumps(features(there, crs=named)))
    elif form in {"gpkg", "shp"}:
        write_vector(path, here, UTM)
    elif form == "gpkg in WGS84":
        write_vector(path, there, "EPSG:4326")
    elif form == "npy":
        np.save(path, CHOSEN.astype(np.uint8))
    elif form == "tif":
        profile = {"driver": "GTiff", "width": COLS, "height": ROWS, "count": 1, "dtype": "uint8"}
        with rasterio.open(path, "w", crs=UTM, transform=NORTH_UP, **profile) as raster:
            raster.write(CHOSEN.astype(np.uint8), 1)
    return path


def by_numpy(cube, chosen):
    """Return x - m of all pixels, m, and the inverse covariance, m and covariance of the chosen ones."""
    known = cube[chosen].astype(np.float64)
    return cube.astype(np.float64) - known.mean(axis=0), known.mean(axis=0), np.linalg.inv(np.cov(known.T))
