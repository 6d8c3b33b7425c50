"""What is known of a scene, as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.scenes.quality import count_flagged
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import SceneInfo


def describe(scene: Scene) -> dict[str, Any]:
    """Return everything ``had info --json`` says of a scene; all values can be written as JSON.

    Facts are those of the whole file, in band order and with bad bands; ``selection`` tells what of it
    takes part. Wavelengths are in nanometres, band numbers from 1, ``bounds`` are (left, bottom, right,
    top) in the units of the CRS.
    """
    info = scene.source.info
    rows, cols, bands = info.shape
    truth = None if info.truth is None else info.truth()
    local = Path(info.path)
    return {
        "path": info.path,
        "name": info.name,
        "format": info.format,
        "rows": rows,
        "cols": cols,
        "bands": bands,
        "dtype": info.dtype.name,
        "interleave": info.interleave,
        "file_bytes": local.stat().st_size if local.is_file() else None,
        "raster_bytes": rows * cols * bands * info.dtype.itemsize,
        "wavelength_range_nm": _range(info.wavelengths),
        "wavelengths_nm": _list(info.wavelengths),
        "fwhm_nm": _list(info.fwhm),
        "band_names": None if info.band_names is None else list(info.band_names),
        "bad_bands": [] if info.bad_bands is None else [int(b) + 1 for b in np.flatnonzero(info.bad_bands)],
        "nodata": _nodata(info),
        "scale": _uniform(info.scale),
        "offset": _uniform(info.offset),
        "crs": _crs(info.crs),
        "transform": None if info.transform is None else list(info.transform),
        "pixel_size": _pixel_size(info),
        "bounds": _bounds(info),
        "ortho": _ortho(info),
        "quality": _quality(scene),
        "truth": None if truth is None else {"anomalous_pixels": int(truth.sum()), "pixels": int(truth.size)},
        "selection": {
            "bands": len(scene.bands),
            "band_numbers": runs(scene.bands + 1),
            "window": list(scene.window),
            "masked_pixels": 0 if scene.mask is None else int((~scene.mask).sum()),
        },
        "notes": list(info.notes),
        "tags": dict(info.tags),
    }


def runs(numbers: Iterable[int]) -> str:
    """Return ascending numbers as ranges: ``1-107,114-200``."""
    ends: list[list[int]] = []
    for number in map(int, numbers):
        if ends and number == ends[-1][1] + 1:
            ends[-1][1] = number
        else:
            ends.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ends)


def _list(values: Any) -> list[float] | None:
    return None if values is None else [float(v) for v in values]


def _range(values: Any) -> list[float] | None:
    return None if values is None else [float(values.min()), float(values.max())]


def _uniform(values: Any) -> float | list[float] | None:
    """Return one number for a factor that all bands share."""
    if values is None:
        return None
    return float(values[0]) if bool((values == values[0]).all()) else [float(v) for v in values]


def _nodata(info: SceneInfo) -> Any:
    def plain(value: float | None) -> Any:
        # JSON has no NaN
        return value if value is None or math.isfinite(value) else str(float(value))

    return [plain(v) for v in info.nodata] if isinstance(info.nodata, tuple) else plain(info.nodata)


def _quality(scene: Scene) -> list[dict[str, Any]]:
    layers = scene.source.info.quality
    counts = count_flagged(scene, layers)
    return [
        {
            "name": layer.name,
            "summary": layer.summary,
            "applied": any(layer.name == chosen.name for chosen in scene.quality),
            "pixels": counts[layer.name],
        }
        for layer in layers
    ]


def _ortho(info: SceneInfo) -> dict[str, Any] | None:
    table = info.ortho
    if table is None:
        return None
    rows, cols = table.shape
    transform = None if table.transform is None else list(table.transform)
    return {"rows": rows, "cols": cols, "crs": _crs(table.crs), "transform": transform}


def _crs(wkt: str | None) -> dict[str, Any] | None:
    if wkt is None:
        return None
    from rasterio import Env
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with Env():  # or GDAL would speak to standard error itself
            crs = CRS.from_wkt(wkt)
    except CRSError:
        return {"name": None, "epsg": None, "wkt": wkt}
    name = wkt.split('"')[1] if '"' in wkt else None
    return {"name": name, "epsg": crs.to_epsg(), "wkt": wkt}


def _pixel_size(info: SceneInfo) -> list[float] | None:
    if info.transform is None:
        return None
    a, b, _, d, e, _ = info.transform
    return [math.hypot(a, d), math.hypot(b, e)]


def _bounds(info: SceneInfo) -> list[float] | None:
    if info.transform is None:
        return None
    a, b, c, d, e, f = info.transform
    rows, cols, _ = info.shape
    corners = [(0, 0), (cols, 0), (0, rows), (cols, rows)]
    xs = [a * x + b * y + c for x, y in corners]
    ys = [d * x + e * y + f for x, y in corners]
    return [min(xs), min(ys), max(xs), max(ys)]
