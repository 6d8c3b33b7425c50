"""Writing places as files that a GIS opens."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.errors import OutputError
from had_cli.files import SHAPEFILE, refuse_existing, write_whole, written_whole
from had_cli.results.places.ground import Ground
from had_cli.results.places.place import FIELDS, Place, Polygons

SUFFIXES = (".geojson", ".json", ".gpkg", ".shp")
LAYER = "places"
DRIVERS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile"}
SHORT = {
    f"{name}_{number}": f"{short}_{number}"
    for name, short in (("difference", "diff"), ("deviations", "devs"))
    for number in (1, 2, 3)
}
"""Names of fields in a Shapefile, which has room for ten letters, where they are longer."""

Layers = Mapping[str, tuple[Sequence[Place], Ground]]


def check_vector_path(path: Path, *, overwrite: bool) -> None:
    """Check before any work that places may be written to ``path``.

    Raises
    ------
    OutputError
        When no format has its suffix, the format lacks its library, or the folder is missing.
    OutputExistsError
        When it exists and ``overwrite`` is false.
    """
    check_vector_suffix(path)
    refuse_existing(path, overwrite=overwrite)


def check_vector_suffix(path: Path) -> None:
    """Check that there is a format for places with the suffix of ``path``.

    Raises
    ------
    OutputError
        When there is none, or it lacks its library.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: places are written as .geojson, .gpkg or .shp; choose one of them")
    if path.suffix.lower() in DRIVERS:
        _pyogrio(path)


def save(places: Sequence[Place], ground: Ground, path: Path, *, overwrite: bool = False) -> Path:
    """Write ``places`` in the format of ``path``'s suffix; see ``Places.save``."""
    check_vector_path(path, overwrite=overwrite)
    if path.suffix.lower() in DRIVERS:
        return save_layers({LAYER: (places, ground)}, path, overwrite=overwrite)
    from had_cli.results.places.geojson import document

    content = json.dumps(document(places, ground), allow_nan=False) + "\n"
    write_whole(path, content.encode(), overwrite=overwrite)
    return path


def save_layers(layers: Layers, path: Path, *, overwrite: bool = False) -> Path:
    """Write places as layers of a GeoPackage, by name; a Shapefile has one.

    Raises
    ------
    OutputExistsError, OutputError
        As :func:`check_vector_path`, and when it cannot be written.
    """
    check_vector_path(path, overwrite=overwrite)
    pyogrio = _pyogrio(path)
    failures = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError)
    companions = [path.with_suffix(end).name for end in SHAPEFILE] if path.suffix.lower() == ".shp" else []
    with written_whole(path, companions=companions, overwrite=overwrite) as scratch:
        for number, (name, (places, ground)) in enumerate(layers.items()):
            try:
                _write(pyogrio, places, ground, scratch, name, append=number > 0)
                _check(pyogrio, places, scratch, name if path.suffix.lower() == ".gpkg" else None)
            except failures as error:
                raise OutputError(f"{path}: cannot be written ({' '.join(str(error).split())})") from error
    return path


def _pyogrio(path: Path) -> Any:
    try:
        import pyogrio.errors
        import pyogrio.raw
    except ImportError as error:
        raise OutputError(
            f'{path}: writing {path.suffix} needs pyogrio; install it with: pip install "had[vector]", '
            "or write .geojson"
        ) from error
    return pyogrio


def _write(
    pyogrio: Any, places: Sequence[Place], ground: Ground, path: Path, layer: str, *, append: bool
) -> None:
    """Write one layer, in the scene's system."""
    driver = DRIVERS[path.suffix.lower()]
    columns, missing = _columns([place.properties() for place in places])
    names = [SHORT.get(name, name) if driver != "GPKG" else name for name in FIELDS]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # the notes of the places say so
        pyogrio.raw.write(
            path,
            geometry=np.array([_wkb(ground, place.outline) for place in places], dtype=object),
            field_data=columns,
            field_mask=missing,
            fields=np.array(names, dtype=object),
            geometry_type="MultiPolygon" if driver == "GPKG" else "Polygon",
            crs=ground.crs,
            layer=layer if driver == "GPKG" else None,
            driver=driver,
            append=append,
        )


def _check(pyogrio: Any, places: Sequence[Place], path: Path, layer: str | None) -> None:
    """Check that every place is in the file: on a full disk GDAL loses what it writes last, in silence."""
    _, _, outlines, _ = pyogrio.raw.read(path, layer=layer, columns=[])
    there = 0 if outlines is None else sum(outline is not None for outline in outlines)
    if there != len(places):
        raise pyogrio.errors.DataLayerError(f"{there} of {len(places)} places are in the file, no more")


def _columns(rows: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Return the values of every field, and where they are missing."""
    columns: list[Any] = []
    missing: list[Any] = []
    for name, kind in FIELDS.items():
        values = [row[name] for row in rows]
        missing.append(np.array([value is None for value in values], dtype=bool))
        columns.append(np.array([kind(0) if value is None else value for value in values], dtype=kind))
    return columns, missing


def _wkb(ground: Ground, outline: Polygons) -> bytes:
    """Return a MultiPolygon as well-known binary (OGC 06-103r4), little endian."""
    parts = [struct.pack("<BII", 1, 6, len(outline))]
    for polygon in outline:
        parts.append(struct.pack("<BII", 1, 3, len(polygon)))
        for ring in polygon:
            points = np.asarray(ring, dtype="<f8")
            if ground.crs is not None:
                x, y = ground.coordinates(points[:, 0], points[:, 1])
                points = np.column_stack([np.asarray(x), np.asarray(y)]).astype("<f8")
            parts.append(struct.pack("<I", len(points)) + points.tobytes())
    return b"".join(parts)
