"""Writing GeoTIFF: tiled, compressed, with everything our reader and GDAL's users look for."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.enums
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window as RasterWindow

from had_cli.errors import OutputError
from had_cli.files import printable
from had_cli.formats.band_statistics import BandStatistics
from had_cli.formats.gdal import CACHE, EXTRA, IMAGERY, UNITS, quiet
from had_cli.formats.gdal_wavelengths import describe
from had_cli.formats.metadata import to_json
from had_cli.formats.units import micrometres
from had_cli.scenes.source import SceneInfo, Sink, Window

T = TypeVar("T")

# Tiles of all bands together stay small enough to be written from memory at once.
_TILE_BYTES = 32 * 1024 * 1024
# GDAL writes no such types; the next wider one holds every value.
_WIDER = {"bool": "uint8", "float16": "float32"}
_MAX_BANDS = 65535
# Statistics of more bands than a map has would cost a copy as much as writing it.
_STATISTICS = 16


def create_geotiff(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a GeoTIFF, pixel interleaved where ``info`` says so, else band by band."""
    kind = writable_type(path, dtype)
    return GeoTiffSink(path, info, kind, statistics=info.shape[2] <= _STATISTICS)


def writable_type(path: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that GDAL stores values of ``dtype`` in.

    Raises
    ------
    OutputError
        When GDAL cannot write a file of such a name.
    """
    if printable(path) != path:
        name = printable(Path(path).name)
        raise OutputError(f"{name}: GDAL takes no name that is not valid UTF-8; give another one")
    return np.dtype(_WIDER.get(np.dtype(dtype).name, dtype))


class GeoTiffSink:
    """A GeoTIFF being written; with ``statistics``, those of its bands come into its tags."""

    def __init__(self, path: str, info: SceneInfo, dtype: np.dtype[Any], *, statistics: bool = False) -> None:
        rows, cols, bands = info.shape
        if bands > _MAX_BANDS:
            raise OutputError(
                f"{path}: a TIFF holds {_MAX_BANDS} bands at most, not {bands}; choose another format"
            )
        self._path = path
        edge = tile_edge(bands, dtype.itemsize)
        self.block = (edge, edge)
        nodata, fits = _nodata(info, dtype)
        profile: dict[str, Any] = {
            "driver": "GTiff",
            "width": cols,
            "height": rows,
            "count": bands,
            "dtype": dtype.name,
            "nodata": nodata,
            "tiled": True,
            "blockxsize": edge,
            "blockysize": edge,
            "interleave": "pixel" if info.interleave in {"pixel", "bip"} else "band",
            "compress": "deflate",
            "predictor": 3 if dtype.kind == "f" else 2,
            "bigtiff": "if_safer",
            "num_threads": "all_cpus",  # the bytes do not depend on it
        }
        if info.transform is not None:
            profile["transform"] = rasterio.Affine(*info.transform)
        if info.crs is not None:
            try:
                with rasterio.Env():  # or GDAL would speak to standard error itself
                    profile["crs"] = rasterio.CRS.from_wkt(info.crs)
            except CRSError as error:
                raise OutputError(
                    f"{path}: the coordinate system of {info.path} is not understood by GDAL"
                ) from error
        self._statistics = BandStatistics(bands, nodata) if statistics else None
        self._raster = self._attempt(lambda: rasterio.open(path, "w", **profile))
        self._attempt(lambda: self._annotate(info, fits=fits))

    def _annotate(self, info: SceneInfo, *, fits: bool) -> None:
        raster = self._raster
        tags = dict(info.tags)
        if info.bad_bands is not None:
            tags["bbl"] = "{" + ", ".join("0" if bad else "1" for bad in info.bad_bands) + "}"
        beside = _beside(info, fits=fits)
        if beside:
            tags[EXTRA] = json.dumps(beside)
        raster.update_tags(**tags)
        imagery = {name: tags[tag] for name, tag in IMAGERY.items() if tag in tags}
        if imagery:
            raster.update_tags(ns="IMAGERY", **imagery)
        if UNITS in tags:
            raster.units = (tags[UNITS],) * info.shape[2]
        if info.scale is not None:
            raster.scales = tuple(map(float, info.scale))
        if info.offset is not None:
            raster.offsets = tuple(map(float, info.offset))
        self._annotate_bands(info)

    def _annotate_bands(self, info: SceneInfo) -> None:
        raster = self._raster
        for band in range(info.shape[2]):
            imagery = _imagery(info, band)
            if imagery:
                raster.update_tags(band + 1, ns="IMAGERY", **imagery)
            if info.band_names is not None:
                raster.set_band_description(band + 1, info.band_names[band])
            elif info.wavelengths is not None:
                raster.set_band_description(band + 1, describe(info.wavelengths[band]))

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        """Store ``block``, height x width x bands."""
        block = block.astype(self._raster.dtypes[0], copy=False)
        if self._statistics is not None:
            self._statistics.add(block)
        place, data = RasterWindow(*window), block.transpose(2, 0, 1)
        self._attempt(lambda: self._raster.write(data, window=place))

    def close(self) -> None:
        """Finish the file."""
        if self._statistics is not None:
            self._attempt(self._describe)
        self._attempt(self._raster.close)
        self._attempt(lambda: refuse_holes(self._path))

    def _describe(self) -> None:
        for band in range(self._raster.count):
            tags = self._statistics.tags(band) if self._statistics is not None else {}
            if tags:
                self._raster.update_tags(band + 1, **tags)

    def abandon(self) -> None:
        """Release the file without a look at it."""
        self._attempt(self._raster.close)

    def _attempt(self, action: Callable[[], T]) -> T:
        with writing(self._path):
            return action()


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Return a context in which what GDAL complains about becomes one line on ``path``."""
    try:
        with quiet(), rasterio.Env(GDAL_CACHEMAX=CACHE), _speechless():
            yield
    except (RasterioError, CPLE_BaseError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise OutputError(f"{path}: cannot be written ({reason})") from error


def refuse_holes(path: str) -> None:
    """Check that every tile has come into the file.

    What GDAL holds back until it closes a raster cannot fail any more as far as it is concerned: on a
    full disk it returns, and leaves a map that reads as empty where the last tiles are missing.
    """
    size = Path(path).stat().st_size
    with quiet(), rasterio.open(path) as raster:
        high, wide = raster.block_shapes[0]
        blocks = itertools.product(
            range(-(-raster.width // wide)),
            range(-(-raster.height // high)),
            (1,) if raster.interleaving is rasterio.enums.Interleaving.pixel else raster.indexes,
        )
        for col, row, band in blocks:
            offset, count = (
                int(raster.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band) or 0)
                for what in ("OFFSET", "SIZE")
            )
            if not offset or not count or offset + count > size:
                raise OutputError(f"{path}: cannot be written (GDAL left it incomplete; is the disk full?)")


@contextlib.contextmanager
def _speechless() -> Iterator[None]:
    """Keep libtiff from writing to standard error by itself; errors are told by us, in one line."""
    try:
        before = os.dup(2)
    except OSError:  # closed already
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def _imagery(info: SceneInfo, band: int) -> dict[str, str]:
    """Return GDAL's IMAGERY domain of a band."""
    stated = {"CENTRAL_WAVELENGTH_UM": info.wavelengths, "FWHM_UM": info.fwhm}
    return {name: micrometres(values[band]) for name, values in stated.items() if values is not None}


def tile_edge(bands: int, itemsize: int, largest: int = 256, limit: int = _TILE_BYTES) -> int:
    """Return the largest tile edge (a power of two from 16 on) whose tiles of all bands stay small."""
    edge = largest
    while edge > 16 and edge * edge * bands * itemsize > limit:
        edge //= 2
    return edge


def _nodata(info: SceneInfo, dtype: np.dtype[Any]) -> tuple[float | None, bool]:
    """Return GeoTIFF's one nodata value, and whether it says all that ``info`` does."""
    nodata = info.nodata
    if isinstance(nodata, tuple):
        return None, False
    if nodata is None:
        return None, True
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not np.isfinite(nodata) or nodata != int(nodata) or not limits.min <= nodata <= limits.max:
            return None, False
        return nodata, True
    if np.isfinite(nodata) and abs(nodata) > float(np.finfo(dtype).max):
        return None, False
    # GDAL rounds it to the type of the band
    return nodata, bool(np.isnan(nodata) or float(dtype.type(nodata)) == nodata)


def _beside(info: SceneInfo, *, fits: bool) -> dict[str, Any]:
    """Return as JSON fields what the format itself would lose."""
    everything = json.loads(to_json(info))
    kept: dict[str, Any] = {}
    if not fits:
        kept["nodata"] = everything["nodata"]
    if info.wavelengths is None and info.fwhm is not None:
        kept["fwhm"] = everything["fwhm"]
    return kept
