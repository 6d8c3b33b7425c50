"""Polygons drawn in a GIS, as pixels of a scene: GeoJSON, GeoPackage, Shapefile."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.errors import SceneError
from had_cli.foreign.texts import parse_json
from had_cli.scenes.lookup import strips
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Ortho
from had_cli.scenes.validity import Mask

WGS84 = "EPSG:4326"
PIXELS = "pixels: column, row"
"""What the member ``coordinates_are`` of a GeoJSON file says where the scene lies nowhere on the Earth."""


@dataclass(frozen=True)
class Polygons:
    """Polygons of a file.

    Attributes
    ----------
    path : the file
    geometries : GeoJSON geometries, Polygon or MultiPolygon
    crs : their coordinate system, as PROJ understands it; None where the file names none, and they
        are in that of the scene, or in pixels
    """

    path: str
    geometries: tuple[dict[str, Any], ...]
    crs: str | None


def read_polygons(path: str | Path) -> Polygons:
    """Return the polygons of a file.

    Raises
    ------
    SceneError
        When it cannot be read or holds none.
    """
    path = Path(path)
    if not path.is_file():
        raise SceneError(f"{path}: there is no such file")
    if path.suffix.lower() in {".geojson", ".json"}:
        try:
            document = parse_json(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise SceneError(f"{path}: cannot be read as GeoJSON ({error})") from error
        crs = _named_system(document, path)
    else:
        document, crs = _by_gdal(path)
    shapes = tuple(_shapes(document))
    if not shapes:
        raise SceneError(f"{path}: holds no polygon; background is drawn as polygons")
    for shape in shapes:
        _check_rings(shape, path)
    return Polygons(str(path), shapes, crs)


def pixels_within(polygons: Polygons, scene: Scene) -> Mask:
    """Return rows x cols of a scene, True where the centre of a pixel lies in one of the polygons.

    A scene on a sensor's own grid is compared where its lookup table puts its pixels.

    Raises
    ------
    SceneError
        When the file or the scene does not say where it lies.
    """
    rows, cols, _ = scene.shape
    info, table = scene.info, scene.ortho
    if table is not None:
        there = _rasterized(polygons, scene.path, table.shape, table.crs, table.transform)
        return _on_the_grid(there, table, (rows, cols))
    return _rasterized(polygons, scene.path, (rows, cols), info.crs, info.transform)


def _rasterized(
    polygons: Polygons, scene: str, shape: tuple[int, int], crs: str | None, transform: Any
) -> Mask:
    from affine import Affine
    from rasterio.features import rasterize
    from rasterio.warp import transform_geom

    geometries: Any = polygons.geometries
    on_earth = crs is not None and transform is not None
    if polygons.crs is not None and not on_earth:
        raise SceneError(
            f"{polygons.path}: its polygons lie on the Earth, and {scene} has no coordinate system; draw "
            f'them in pixels (in GeoJSON a member "coordinates_are": "{PIXELS}"), or give a mask'
        )
    if polygons.crs is not None:
        from rasterio._err import CPLE_BaseError
        from rasterio.errors import RasterioError

        try:
            geometries = transform_geom(polygons.crs, crs, list(geometries))
        except (RasterioError, CPLE_BaseError, ValueError) as error:
            raise SceneError(
                f"{polygons.path}: no way is known from its coordinate system to that of {scene} ({error})"
            ) from error
    try:
        burnt = rasterize(
            geometries,
            out_shape=shape,
            transform=Affine(*transform) if on_earth else Affine.identity(),
            dtype="uint8",
        )
    except ValueError as error:
        raise SceneError(f"{polygons.path}: holds a polygon that cannot be drawn ({error})") from error
    return np.asarray(burnt, dtype=bool)


def _on_the_grid(there: Mask, table: Ortho, shape: tuple[int, int]) -> Mask:
    """Return the pixels of the sensor's grid that a mask on the map shows."""
    chosen = np.zeros(shape, bool)
    for strip in strips(table.shape):
        row, col = table.lookup(strip)
        seen = (row >= 0) & there[strip.rows]
        chosen[row[seen], col[seen]] = True
    return chosen


def _shapes(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the polygons of a GeoJSON object, whatever it is."""
    if not isinstance(document, dict):
        return
    kind = document.get("type")
    if kind in {"Polygon", "MultiPolygon"} and document.get("coordinates"):
        yield document
    for name in ("features", "geometries"):
        parts = document.get(name)
        for part in parts if isinstance(parts, list) else ():
            yield from _shapes(part)
    if kind == "Feature":
        yield from _shapes(document.get("geometry"))


def _check_rings(shape: dict[str, Any], path: Path) -> None:
    """Check that the rings of a polygon are lists of at least three places."""
    polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    try:
        rings = [np.array([place[:2] for place in ring], float) for rings in polygons for ring in rings]
    except (TypeError, ValueError) as error:
        raise SceneError(f"{path}: has a polygon whose coordinates are no numbers") from error
    if not all(ring.ndim == 2 and len(ring) > 2 and np.isfinite(ring).all() for ring in rings):
        raise SceneError(f"{path}: has a polygon with a ring that is no list of three places or more")


def _named_system(document: Any, path: Path) -> str | None:
    """Return the system of a GeoJSON document: WGS84 (RFC 7946), unless it says another as files used to."""
    if not isinstance(document, dict):
        raise SceneError(f"{path}: is no GeoJSON")
    if document.get("coordinates_are") == PIXELS:
        return None
    named = document.get("crs")
    if named is None:
        return WGS84
    name = named.get("properties", {}).get("name") if isinstance(named, dict) else None
    if not isinstance(name, str):
        raise SceneError(f"{path}: names its coordinate system in a way that is not known; save it in WGS84")
    return "OGC:CRS84" if name.endswith("CRS84") else name


def _by_gdal(path: Path) -> tuple[Any, str | None]:
    """Return what GDAL makes of the first layer of a file, as GeoJSON, and its coordinate system."""
    try:
        import pyogrio.errors
        import pyogrio.raw
    except ImportError as error:
        raise SceneError(
            f'{path}: reading {path.suffix} needs pyogrio; install it with: pip install "had[vector]", or '
            "save the polygons as .geojson"
        ) from error
    made = io.BytesIO()
    try:
        with warnings.catch_warnings(action="ignore"):  # what it warns of are fields, which are not read
            layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
            if len(layers) > 1:
                raise SceneError(f"{path}: holds several layers ({', '.join(layers)}); save the one alone")
            meta, _, geometry, _ = pyogrio.raw.read(path, columns=[], force_2d=True)
            if geometry is None or not len(geometry):
                return {}, None
            pyogrio.raw.write(
                made, geometry=geometry, field_data=[], fields=np.array([], dtype=object), layer="background",
                geometry_type="Unknown", crs=meta["crs"], driver="GeoJSON",
                layer_options={"COORDINATE_PRECISION": "15"},
            )  # fmt: skip
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise SceneError(f"{path}: its polygons cannot be read ({' '.join(str(error).split())})") from error
    crs = meta["crs"]
    return json.loads(made.getvalue()), None if crs is None else str(crs)
