"""Writing Zarr stores as xarray and rioxarray read them: bands, rows, columns, with coordinates.

The version of the format is the one that zarr itself is set to (``ZARR_DEFAULT_ZARR_FORMAT``): 3 by default.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError
from had_cli.formats.geotiff import tile_edge
from had_cli.formats.metadata import to_json
from had_cli.formats.products.zarr_store import EXTRA
from had_cli.scenes.source import SceneInfo, Sink, Window

# Chunks of all bands together, as stored: what a reader of one pixel has to unpack.
_CHUNK_BYTES = 8 * 1024 * 1024


def create_zarr(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a Zarr store with the array ``data`` (``scores`` where it has one band)."""
    try:
        import zarr
    except ImportError as error:
        raise OutputError(f"{path}: Zarr stores need the package zarr: pip install 'had[zarr]'") from error

    return _ZarrSink(zarr, path, info, np.dtype(np.uint8 if dtype.kind == "b" else dtype))


class _ZarrSink:
    def __init__(self, zarr: Any, path: str, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        self._version = int(zarr.config.get("default_zarr_format", 3))
        self._group = zarr.create_group(path, zarr_format=self._version)
        rows, cols, bands = info.shape
        edge = tile_edge(bands, dtype.itemsize, limit=_CHUNK_BYTES)
        self.block = (edge, edge)
        known = info.wavelengths is not None
        axes = ("wavelength" if known else "band", "y", "x")
        self._coordinates(info, axes[0])
        attributes, fill = self._attributes(info, dtype)
        self._array = self._put(
            "data" if bands > 1 else "scores",
            (bands, rows, cols),
            dtype,
            axes,
            attributes,
            chunks=(bands, min(edge, rows), min(edge, cols)),
            fill=fill,
        )
        self._path = path

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        values = block.transpose(2, 0, 1).astype(self._array.dtype, copy=False)
        self._array[:, window.rows, window.cols] = values

    def close(self) -> None:
        if self._version == 2:  # one request for all metadata; version 3 has no such thing yet
            import zarr

            zarr.consolidate_metadata(self._path, zarr_format=2)

    def abandon(self) -> None:
        """Do nothing: a store keeps no file open."""

    # -- inside ---------------------------------------------------------------------------------
    def _put(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        axes: tuple[str, ...],
        attributes: dict[str, Any],
        *,
        chunks: tuple[int, ...] | None = None,
        fill: Any = 0,
    ) -> Any:
        """Make an array; version 3 knows names of axes, version 2 has xarray's attribute for them."""
        more: dict[str, Any] = {"fill_value": fill}
        if self._version == 2:
            attributes = {**attributes, "_ARRAY_DIMENSIONS": list(axes)}
        else:
            more["dimension_names"] = axes
        return self._group.create_array(
            name, shape=shape, dtype=dtype, chunks=chunks or shape or "auto", attributes=attributes, **more
        )

    def _coordinate(self, name: str, axis: str, values: npt.NDArray[Any], **attributes: Any) -> None:
        array = self._put(name, values.shape, values.dtype, (axis,), attributes)
        array[...] = values

    def _coordinates(self, info: SceneInfo, axis: str) -> None:
        rows, cols, bands = info.shape
        if info.wavelengths is None:
            self._coordinate("band", axis, np.arange(1, bands + 1))
        else:
            stated = {"units": "nm", "standard_name": "radiation_wavelength"}
            self._coordinate("wavelength", axis, info.wavelengths, **stated)
            if info.fwhm is not None:
                self._coordinate("fwhm", axis, info.fwhm, units="nm")
        if info.bad_bands is not None:
            self._coordinate("good_wavelengths", axis, (~info.bad_bands).astype(np.uint8))
        mapping: dict[str, Any] = {}
        if info.crs is not None:
            mapping |= {"crs_wkt": info.crs, "spatial_ref": info.crs}
        if info.transform is not None:
            a, b, c, d, e, f = info.transform
            mapping["GeoTransform"] = " ".join(repr(float(v)) for v in (c, a, b, f, d, e))
            if not (b or d):
                self._coordinate("x", "x", c + a * (np.arange(cols) + 0.5))
                self._coordinate("y", "y", f + e * (np.arange(rows) + 0.5))
        if mapping:
            self._put("spatial_ref", (), np.dtype(np.int64), (), mapping)

    def _attributes(self, info: SceneInfo, dtype: np.dtype[Any]) -> tuple[dict[str, Any], Any]:
        """Return the attributes of the cube, and the value of chunks that are not written."""
        found: dict[str, Any] = {}
        if info.crs is not None or info.transform is not None:
            found["grid_mapping"] = "spatial_ref"
        beside = json.loads(to_json(info))
        kept = {name: beside[name] for name in ("band_names", "tags") if name in beside}
        if info.wavelengths is None:
            kept |= {name: beside[name] for name in ("fwhm",) if name in beside}
        for name, stated in (("scale", "scale_factor"), ("offset", "add_offset")):
            values = getattr(info, name)
            if values is not None and len(set(values.tolist())) == 1:
                found[stated] = float(values[0])
            elif values is not None:
                kept[name] = beside[name]
        fill: Any = 0
        if info.nodata is not None:
            fill = _stored(info.nodata, dtype)
            if fill is None:
                kept["nodata"], fill = beside["nodata"], 0
            elif self._version == 3 or fill == 0:
                found["_FillValue"] = _encoded(fill) if dtype.kind == "f" and self._version == 3 else fill
        if kept:
            found[EXTRA] = json.dumps(kept)
        return found, fill


def _stored(nodata: Any, dtype: np.dtype[Any]) -> int | float | None:
    """Return one nodata value as the array holds it; None where it cannot, or there is one for each band."""
    if isinstance(nodata, tuple):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = float(dtype.type(nodata))
        return value if math.isnan(nodata) or value == nodata else None
    if not math.isfinite(nodata) or nodata != int(nodata):
        return None
    limits = np.iinfo(dtype)
    return int(nodata) if limits.min <= nodata <= limits.max else None


def _encoded(value: float) -> str:
    """Return a float as xarray keeps it in the JSON of version 3, which has no NaN."""
    return base64.standard_b64encode(struct.pack("<d", value)).decode()
