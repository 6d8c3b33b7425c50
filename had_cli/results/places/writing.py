"""Writing places as files that a GIS opens."""

from __future__ import annotations

import json
import struct
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.errors import OutputError
from had_cli.files import refuse_existing, write_whole
from had_cli.results.places.ground import Ground
from had_cli.results.places.place import FIELDS, Place, Polygons

SUFFIXES = (".geojson", ".json", ".gpkg")
LAYER = "places"


def check_vector_path(path: Path, *, overwrite: bool) -> None:
    """Check before any work that places may be written to ``path``.

    Raises
    ------
    OutputError
        When no format has its suffix, GeoPackage lacks its library, or the folder is missing.
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
        When there is none, or GeoPackage lacks its library.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: places are written as .geojson or .gpkg; choose one of them")
    if path.suffix.lower() == ".gpkg":
        _pyogrio(path)


def save(places: Sequence[Place], ground: Ground, path: Path, *, overwrite: bool = False) -> Path:
    """Write ``places`` in the format of ``path``'s suffix; see ``Places.save``."""
    check_vector_path(path, overwrite=overwrite)
    if path.suffix.lower() == ".gpkg":
        content = _geopackage(places, ground, path)
    else:
        from had_cli.results.places.geojson import document

        content = (json.dumps(document(places, ground), allow_nan=False) + "\n").encode()
    write_whole(path, content, overwrite=overwrite)
    return path


def _pyogrio(path: Path) -> Any:
    try:
        import pyogrio.errors
        import pyogrio.raw
    except ImportError as error:
        raise OutputError(
            f'{path}: writing GeoPackage needs pyogrio; install it with: pip install "had[vector]", '
            "or write .geojson"
        ) from error
    return pyogrio


def _geopackage(places: Sequence[Place], ground: Ground, path: Path) -> bytes:
    """Return the bytes of a GeoPackage with one layer, ``places``, in the scene's system."""
    pyogrio = _pyogrio(path)
    columns, missing = _columns([place.properties() for place in places])
    geometry = np.array([_wkb(ground, place.outline) for place in places], dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "places.gpkg")
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "'crs' was not provided")  # the notes of the places say so
                pyogrio.raw.write(
                    scratch,
                    geometry=geometry,
                    field_data=columns,
                    field_mask=missing,
                    fields=np.array(list(FIELDS), dtype=object),
                    geometry_type="MultiPolygon",
                    crs=ground.crs,
                    layer=LAYER,
                    driver="GPKG",
                )
        except pyogrio.errors.DataSourceError as error:
            raise OutputError(f"{path}: cannot be written ({' '.join(str(error).split())})") from error
        return scratch.read_bytes()


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
