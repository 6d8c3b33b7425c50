"""Scenes from xarray's DataArrays, and score maps as DataArrays with the same coordinates.

Axes are found by their names, as rioxarray, CF and this package write them, so ``band, y, x`` and
``y, x, wavelength`` both do. Georeference is that of a grid mapping's coordinate (``spatial_ref``), which is
how rioxarray keeps it; rioxarray itself is not needed. An array of Dask is computed window by window.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.grid_mapping import crs_of, transform_from_centres, transform_of
from had_cli.formats.products.labelled import _COLS, _GOOD, _ROWS, _WAVELENGTH, _WIDTH
from had_cli.formats.units import Spectrum, spectrum
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import SceneInfo, Window

_NODATA = ("_FillValue", "missing_value", "nodata")
_GRID = "spatial_ref"


def scene_of(array: Any) -> Scene:
    """Return the scene of a DataArray with three axes: rows, columns and bands, in any order.

    Wavelengths, widths and bad bands come from coordinates along the bands (``wavelength``, ``fwhm``,
    ``good_wavelengths``), nodata, scale and offset from attributes (``_FillValue``, ``scale_factor``,
    ``add_offset``) that were not applied when the file was opened.

    Raises
    ------
    SceneError
        When it is a Dataset, or its axes cannot be told apart.
    """
    if not hasattr(array, "dims") or hasattr(array, "data_vars"):
        raise SceneError("a Dataset holds several arrays; give one of them, such as dataset['reflectance']")
    source = LabelledSource(array)
    return Scene(source)


def labelled_map(scores: npt.NDArray[np.float32], scene: Scene, attributes: dict[str, str]) -> Any:
    """Return a score map as a DataArray: rows x cols, NaN where there is no score.

    Coordinates are those of the DataArray that the scene came from, else pixel centres where the scene lies
    on a map without rotation; with ``spatial_ref``, which ``.rio`` and GDAL understand.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError('to_xarray needs xarray; install it with: pip install "had[xarray]"') from error
    axes, coords = ("y", "x"), {}
    if isinstance(scene.source, LabelledSource):
        axes, coords = scene.source.axes, scene.source.coordinates(scene.window)
    info = scene.info
    if info.transform is not None and not coords:
        a, b, c, d, e, f = info.transform
        if b == d == 0:
            rows, cols = scores.shape
            coords = {"y": f + e * (np.arange(rows) + 0.5), "x": c + a * (np.arange(cols) + 0.5)}
    found = xarray.DataArray(scores, dims=axes, coords=coords, name="score", attrs=dict(attributes))
    if info.crs is not None:
        grid: dict[str, Any] = {"crs_wkt": info.crs, "spatial_ref": info.crs}
        if info.transform is not None:
            a, b, c, d, e, f = info.transform
            grid["GeoTransform"] = " ".join(map(repr, (c, a, b, f, d, e)))
        found = found.assign_coords({_GRID: xarray.Variable((), 0, grid)})
        found.encoding["grid_mapping"] = _GRID
    return found


class LabelledSource:
    """A source over a DataArray; ``axes`` are the names of its rows and columns."""

    def __init__(self, array: Any) -> None:
        rows, cols, bands = _axes(array)
        self.axes = rows, cols
        self._array = array.transpose(rows, cols, bands)
        self.info = _info(self._array, rows, cols, bands)

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands, computed now where the array is lazy."""
        part = self._array[window.rows, window.cols]
        return np.asarray(part if bands is None else part[..., bands])

    def valid(self, window: Window) -> None:
        """Return None: a DataArray carries no mask."""

    def coordinates(self, window: Window) -> dict[Any, Any]:
        """Return the coordinates of rows and columns in ``window``."""
        part = self._array[window.rows, window.cols, 0]
        return {name: c for name, c in part.coords.items() if c.dims and set(c.dims) <= set(self.axes)}

    def close(self) -> None:
        """Do nothing: whoever opened the array closes it."""


def _axes(array: Any) -> tuple[str, str, str]:
    names = [str(name) for name in array.dims]
    rows, cols = ([n for n in names if pattern.match(n)] for pattern in (_ROWS, _COLS))
    if len(names) != 3 or len(rows) != 1 or len(cols) != 1:
        raise SceneError(
            f"a DataArray of the axes {', '.join(names) or '(none)'} is not understood; name "
            "them y, x and band by .rename()"
        )
    (bands,) = set(names) - {rows[0], cols[0]}
    return rows[0], cols[0], bands


def _info(array: Any, rows: str, cols: str, bands: str) -> SceneInfo:
    notes: list[str] = []
    grid = _grid(array)
    centres = [np.asarray(array.coords[axis]) if axis in array.coords else None for axis in (cols, rows)]
    # coordinates go along with .isel() and .sel(), a written transform does not
    transform = transform_from_centres(centres[0], centres[1], notes) or transform_of(grid)
    found = _spectrum(array, bands)
    good = _along(array, bands, _GOOD)
    info = SceneInfo(
        path=str(array.name or "array"),
        format="xarray",
        shape=array.shape,
        dtype=np.dtype(array.dtype).newbyteorder("="),
        wavelengths=found.centres,
        fwhm=found.widths,
        bad_bands=None if good is None else np.asarray(good) == 0,
        nodata=next((float(array.attrs[name]) for name in _NODATA if name in array.attrs), None),
        crs=crs_of(grid, notes),
        transform=transform,
    )

    def factor(name: str) -> npt.NDArray[np.float64] | None:
        return np.full(info.shape[2], float(array.attrs[name])) if name in array.attrs else None

    scale, offset = factor("scale_factor"), factor("add_offset")
    return dataclasses.replace(info, notes=(*notes, *found.notes), scale=scale, offset=offset)


def _grid(array: Any) -> dict[str, Any]:
    name = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping", _GRID))
    return dict(array.coords[name].attrs) if name in array.coords else {}


def _spectrum(array: Any, bands: str) -> Spectrum:
    centres = _along(array, bands, _WAVELENGTH)
    if centres is None:
        return Spectrum()
    return spectrum(
        np.asarray(centres).tolist(),
        centres.attrs.get("units"),
        None if (widths := _along(array, bands, _WIDTH)) is None else np.asarray(widths).tolist(),
    )


def _along(array: Any, axis: str, pattern: Any) -> Any:
    """Return the coordinate along ``axis`` whose name fits, or None."""
    fitting = (c for name, c in array.coords.items() if c.dims == (axis,) and pattern.match(str(name)))
    return next(fitting, None)
