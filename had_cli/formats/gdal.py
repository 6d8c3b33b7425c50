"""GeoTIFF and every other raster that GDAL opens, by path or URL."""

from __future__ import annotations

import contextlib
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio._err import CPLE_BaseError  # GDAL's own errors, which a few calls let through
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterWindow

from had_cli.errors import SceneError
from had_cli.foreign.rasters import NETWORK_DRIVERS, refuse_elsewhere
from had_cli.formats.fetched import FetchedOnce
from had_cli.formats.gdal_wavelengths import Domains, find_bad_bands, find_spectrum, generated
from had_cli.formats.metadata import from_json
from had_cli.formats.network import Listener, failure, look_up, network_settings
from had_cli.formats.units import Spectrum, uniform
from had_cli.scenes.source import SceneInfo, Source, Window
from had_cli.scenes.urls import gdal_name, is_remote, public

T = TypeVar("T")

# GDAL keeps decoded blocks of up to 5 % of the machine's memory otherwise.
CACHE = 64 * 1024 * 1024
# GDAL would leave a file of sizes beside every compressed one that it reads
SETTINGS = {"GDAL_CACHEMAX": CACHE, "CPL_VSIL_GZIP_WRITE_PROPERTIES": "NO"}

# The tag for what GeoTIFF has no place for: a nodata value per band, bands without a name.
EXTRA = "had_metadata"
# GDAL's IMAGERY metadata of a whole raster and the unit of its values, and the tags that say the same here,
# as ENVI's headers name them.
IMAGERY = {
    "ACQUISITIONDATETIME": "acquisition time",
    "CLOUDCOVER": "cloud cover",
    "SATELLITEID": "sensor type",
}
UNITS = "data units"
_OWN_TAGS = ("AREA_OR_POINT", "bbl", EXTRA)
_RASTERS = (".tif", ".tiff", ".vrt", ".img", ".jp2", ".nc", ".bsq", ".bil", ".bip", ".dat")


def opens(path: str) -> bool:
    """Return whether GDAL takes the file for a raster."""
    try:
        _open(path).close()
    except (RasterioError, CPLE_BaseError, UnicodeError):
        return False
    return True


def open_gdal(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a raster; options as in :mod:`had_cli.formats`.

    ``variable`` chooses among the subdatasets of a container such as netCDF; ``driver`` is the only one of
    GDAL's drivers that is tried.

    Raises
    ------
    SceneError
        When GDAL cannot read it, or it holds no bands or complex values.
    """
    inside = _inside_zip(path) if path.lower().endswith(".zip") else gdal_name(path)
    look_up(path)
    raster = _attempt(path, lambda: _open(inside, options.get("driver")))
    if raster.count == 0:
        raster = _subdataset(path, raster, options.get("variable"))
    try:
        source = GdalSource(path, raster)
    except SceneError:
        raster.close()
        raise
    return FetchedOnce(source) if is_remote(path) else source


class GdalSource:
    """A source over a GDAL dataset; an alpha band is a mask and no band of the scene."""

    def __init__(self, path: str, raster: Any) -> None:
        self._path, self._raster = path, raster
        colours = _attempt(path, lambda: raster.colorinterp)
        self._indexes = [i + 1 for i, colour in enumerate(colours) if colour != ColorInterp.alpha]
        if not self._indexes:
            raise SceneError(f"{path}: has no band but a mask")
        self._masked = _attempt(path, lambda: _masked_bands(raster, self._indexes))
        self.info = _attempt(path, lambda: _describe(path, raster, self._indexes))

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored, all bands in one call to GDAL."""
        indexes = self._indexes if bands is None else [self._indexes[b] for b in bands]
        place = RasterWindow(*window)
        cube = _attempt(self._path, lambda: self._raster.read(indexes, window=place))
        return np.asarray(cube.transpose(1, 2, 0))

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return where the masks of the file (alpha, internal or external) are set, or None."""
        if not self._masked:
            return None
        place = RasterWindow(*window)
        masks = _attempt(self._path, lambda: self._raster.read_masks(self._masked, window=place))
        return np.asarray((masks > 0).all(axis=0))

    def close(self) -> None:
        """Release the file."""
        self._raster.close()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Return a context in which rasters without georeferencing are no matter of warning."""
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        yield


def _open(path: str, driver: str | None = None) -> Any:
    local = refuse_elsewhere(path)
    with quiet(), rasterio.Env(**SETTINGS) as environment:
        if not local or driver is not None:
            return rasterio.open(path, driver=driver, sharing=False)
        # a file that describes a service shall ask none; rasterio.open takes one driver at most
        tried = [name for name in environment.drivers() if name not in NETWORK_DRIVERS]
        return DatasetReader(path, driver=tried, sharing=False)


def _attempt(path: str, action: Callable[[], T]) -> T:
    """Return ``action()``; what GDAL complains about becomes one line."""
    heard = Listener(path) if is_remote(path) else None
    settings = SETTINGS if heard is None else {**SETTINGS, **network_settings()}
    try:
        with rasterio.Env(**settings), contextlib.nullcontext() if heard is None else heard.listening():
            return action()
    except (RasterioError, CPLE_BaseError, CRSError, UnicodeError) as error:
        # rasterio puts GDAL's own reason behind the error that it raises
        reason = " ".join(str(error.__cause__ or error).split()).rstrip(".")
        if heard is not None:
            raise failure(path, heard, reason) from error
        raise SceneError(f"{path}: GDAL cannot read it ({reason}); is it a raster, and complete?") from error


def _subdataset(path: str, raster: Any, name: str | None) -> Any:
    names = list(raster.subdatasets)
    raster.close()
    wanted = [s for s in names if name is not None and re.split(r"[:/]", s)[-1] == name]
    if len(wanted) != 1:
        found = ", ".join(re.split(r"[:/]", s)[-1] for s in names) or "nothing"
        raise SceneError(f"{path}: holds no raster by itself; choose one with --variable: {found}")
    return _attempt(path, lambda: _open(wanted[0]))


def _inside_zip(path: str) -> str:
    """Return GDAL's name for the one raster in a local zip file."""
    if not Path(path).is_file():
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, OSError) as error:
        raise SceneError(
            f"{path}: cannot be read as a zip file ({error}); it is damaged, copy it again"
        ) from error
    rasters = [name for name in names if name.lower().endswith(_RASTERS)] if len(names) > 1 else names
    if len(rasters) != 1:
        found = ", ".join(names[:8]) or "nothing"
        raise SceneError(
            f"{path}: one raster is expected inside, not: {found}; name it as /vsizip/{path}/NAME"
        )
    return f"/vsizip/{path}/{rasters[0]}"


def _masked_bands(raster: Any, indexes: list[int]) -> list[int]:
    """Return the bands whose masks must be read: one where the mask serves them all."""
    every = raster.mask_flag_enums
    flags = {i: every[i - 1] for i in indexes}
    own = [i for i, f in flags.items() if MaskFlags.all_valid not in f and MaskFlags.nodata not in f]
    shared = all(MaskFlags.per_dataset in flags[i] for i in own)
    return own[:1] if shared else own


def _describe(path: str, raster: Any, indexes: list[int]) -> SceneInfo:
    def of_bands(values: Sequence[T]) -> list[T]:
        # rasterio asks GDAL for all bands whenever such a property is named
        return [values[i - 1] for i in indexes]

    def domain(name: str) -> list[Mapping[str, str]]:
        return [raster.tags(i, ns=name) for i in indexes]

    dataset = raster.tags()
    tags = [raster.tags(i) for i in indexes]
    descriptions = of_bands(raster.descriptions)
    notes: list[str] = []
    domains = Domains(dataset, tags, domain("IMAGERY"), raster.tags(ns="ENVI"), domain("ENVI"))
    try:
        found = find_spectrum(domains, descriptions)
    except ValueError as error:
        found = Spectrum(notes=(f"the wavelengths of the file are ignored: {error}",))
    try:
        bad = find_bad_bands(domains)
    except ValueError as error:
        bad = None
        notes.append(f"the list of bad bands is damaged ({error}) and is ignored")
    notes += found.notes
    transform = None if raster.transform.is_identity else tuple(float(c) for c in tuple(raster.transform)[:6])
    if transform is None and raster.gcps[0]:
        notes.append("the raster is placed by ground control points, which are not carried along; warp it")
    named = any(descriptions) and not generated(descriptions, found.centres)
    height, width = raster.block_shapes[0]
    stated: dict[str, Any] = {
        "wavelengths": found.centres,
        "fwhm": found.widths,
        "band_names": tuple(d or "" for d in descriptions) if named else None,
        "bad_bands": bad,
        "nodata": _nodata(of_bands(raster.nodatavals)),
        "scale": _factors(of_bands(raster.scales), 1),
        "offset": _factors(of_bands(raster.offsets), 0),
        "crs": None if raster.crs is None else raster.crs.to_wkt(),
        "transform": transform,
        "tags": {
            **_stated(raster, of_bands(raster.units)),
            **{k: v for k, v in dataset.items() if k not in _OWN_TAGS},
        },
    }
    if EXTRA in dataset:
        stated.update(from_json(dataset[EXTRA], path))
    return SceneInfo(
        path=public(path),  # it goes into files that others read
        format=str(raster.driver).replace("GTiff", "GeoTIFF"),
        shape=(raster.height, raster.width, len(indexes)),
        dtype=_dtype(path, set(of_bands(raster.dtypes))),
        interleave=None if raster.interleaving is None else raster.interleaving.name,
        block=(height, width),
        notes=tuple(notes),
        **stated,
    )


def _stated(raster: Any, units: Sequence[str | None]) -> dict[str, str]:
    """Return what GDAL keeps of the whole raster beside its tags, by the names that tags have."""
    whole = raster.tags(ns="IMAGERY")
    found = {tag: whole[name] for name, tag in IMAGERY.items() if name in whole}
    if units[0] and len(set(units)) == 1:
        found[UNITS] = units[0]
    return found


def _dtype(path: str, names: set[str]) -> np.dtype[Any]:
    if any("complex" in name for name in names):
        raise SceneError(f"{path}: holds complex values; a scene holds integers or real numbers")
    return np.dtype(np.result_type(*[np.dtype(name) for name in names]))


def _nodata(values: list[float | None]) -> float | tuple[float | None, ...] | None:
    return values[0] if uniform(values) else tuple(values)


def _factors(values: list[float], neutral: float) -> npt.NDArray[np.float64] | None:
    return None if all(v == neutral for v in values) else np.array(values, np.float64)
