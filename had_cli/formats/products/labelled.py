"""Cubes with labelled axes, as xarray writes them: which variable is the cube, and what its labels say."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.crs import Transform, from_text
from had_cli.formats.products.grid_mapping import crs_of, transform_from_centres, transform_of
from had_cli.formats.products.hdf5 import Cube, number, text
from had_cli.formats.units import Spectrum, rescaled, spectrum
from had_cli.scenes.source import SceneInfo

_WAVELENGTH = re.compile(
    r"((band_?)?cent(er|re)_?|radiation_)?(wavelengths?|wavelen|wvl|wl|lambda)(_?(nm|um))?$", re.IGNORECASE
)
_STANDARD = ("radiation_wavelength", "sensor_band_central_radiation_wavelength")
_WIDTH = re.compile(r"(fwhm|band_?widths?)(_?(nm|um))?$", re.IGNORECASE)
_GOOD = re.compile(r"(good_wavelengths?|good_bands?|bbl)$", re.IGNORECASE)
_ROWS = re.compile(r"(y|lat|latitude|northing|rows?|lines?|downtrack|along_?track)$", re.IGNORECASE)
_COLS = re.compile(r"(x|lon|long|longitude|easting|cols?|columns?|samples?|crosstrack)$", re.IGNORECASE)
_BAND = re.compile(r"(bands?|channels?|layers?|spectral)$", re.IGNORECASE)
_BESIDE = re.compile(r"unc|std|err|sigma|noise|mask|flag", re.IGNORECASE)
_ON_EARTH = re.compile(r"(lat|lon)", re.IGNORECASE)


@dataclass(frozen=True)
class Variable:
    """A variable of a file: its path, the names of its axes (None where unknown) and its attributes."""

    path: str
    axes: tuple[str | None, ...]
    item: Any
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name without its group."""
        return self.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The group it is in."""
        return self.path.rpartition("/")[0]

    def values(self) -> npt.NDArray[Any]:
        """Return all values; for one axis only."""
        return np.asarray(self.item[...])


@dataclass(frozen=True)
class Labelled:
    """A cube, and the variable that gives its wavelengths; None where nothing does."""

    cube: Variable
    wavelengths: Variable | None
    band_axis: int


def find_labelled(variables: Sequence[Variable], name: str | None = None) -> list[Labelled]:
    """Return the cubes that have a coordinate of wavelengths, the one to take first."""
    found = []
    for cube in variables:
        if len(cube.axes) != 3 or cube.item.dtype.kind not in "iuf":
            continue
        if name is not None and name not in {cube.name, cube.path.strip("/")}:
            continue
        for coordinate in filter(_is_wavelength, variables):
            axis = _axis_of(cube, coordinate)
            if axis is not None:
                found.append(Labelled(cube, coordinate, axis))
                break
    return sorted(
        found, key=lambda one: (bool(_BESIDE.search(one.cube.name)), -int(np.prod(one.cube.item.shape)))
    )


def find_banded(variables: Sequence[Variable], name: str | None = None) -> list[Labelled]:
    """Return the cubes whose axes are bands, rows and columns by name, without wavelengths, largest first."""
    found = []
    for cube in variables:
        if len(cube.axes) != 3 or cube.item.dtype.kind not in "iuf":
            continue
        bands = [axis for axis, label in enumerate(cube.axes) if label and _BAND.match(label)]
        others = [label or "" for axis, label in enumerate(cube.axes) if axis not in bands]
        placed = any(map(_ROWS.match, others)) and any(map(_COLS.match, others))
        if len(bands) == 1 and placed and name in {None, cube.name, cube.path.strip("/")}:
            found.append(Labelled(cube, None, bands[0]))
    return sorted(found, key=lambda one: -int(np.prod(one.cube.item.shape)))


def describe_labelled(
    path: str, kind: str, found: Sequence[Labelled], variables: Sequence[Variable]
) -> tuple[Cube, SceneInfo]:
    """Return the cube of a file and its metadata.

    Raises
    ------
    SceneError
        When they contradict one another.
    """
    chosen = found[0]
    variable = chosen.cube
    order = _order(chosen)
    cube = Cube(variable.item, order)
    bands = cube.shape[2]
    notes = []
    if len(found) > 1:
        others = ", ".join(one.cube.name for one in found[1:])
        notes.append(f"the cube is {variable.name}; others are {others}: choose with --variable")
    try:
        known = _spectrum(chosen, variables, bands)
    except ValueError as error:
        raise SceneError(f"{path}: the wavelengths are damaged ({error}); correct the file") from error
    notes += known.notes
    good = _of_bands(chosen, variables, _GOOD, bands)
    scale, offset = (
        None if value == neutral else np.full(bands, value)
        for value, neutral in (
            (_factor(variable, "scale_factor", 1.0), 1.0),
            (_factor(variable, "add_offset", 0.0), 0.0),
        )
    )
    crs, transform = _place(variable, order, variables, notes)
    return cube, SceneInfo(
        path=path,
        format=f"{kind}, {variable.path.strip('/')}",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=known.centres,
        fwhm=known.widths,
        bad_bands=None if good is None else good.values() != 1,
        nodata=_fill(variable),
        scale=scale,
        offset=offset,
        crs=crs,
        transform=transform,
        block=cube.block,
        notes=tuple(notes),
    )


def _is_wavelength(variable: Variable) -> bool:
    if len(variable.axes) != 1 or variable.item.dtype.kind not in "iuf":
        return False
    standard = text(variable.attributes.get("standard_name", ""))
    return bool(_WAVELENGTH.match(variable.name)) or standard in _STANDARD


def _axis_of(cube: Variable, coordinate: Variable) -> int | None:
    """Return the axis of a cube that a coordinate labels: by name, else by a length that fits one only."""
    label, length = coordinate.axes[0], coordinate.item.shape[0]
    if not cube.group.startswith(coordinate.group):
        return None
    if label is not None and None not in cube.axes:
        same = [axis for axis, name in enumerate(cube.axes) if name == label]
        return same[0] if same and cube.item.shape[same[0]] == length else None
    fits = [axis for axis, size in enumerate(cube.item.shape) if size == length]
    return fits[0] if len(fits) == 1 else None


def _order(chosen: Labelled) -> str:
    """Return what each axis of the cube is; of two unnamed ones rows come first, as in an image."""
    letters = ["b" if axis == chosen.band_axis else "?" for axis in range(3)]
    first, second = (axis for axis in range(3) if axis != chosen.band_axis)
    names = [chosen.cube.axes[axis] or "" for axis in (first, second)]
    turned = bool(_COLS.match(names[0])) and not _COLS.match(names[1])
    turned |= bool(_ROWS.match(names[1])) and not _ROWS.match(names[0])
    letters[first], letters[second] = ("c", "r") if turned else ("r", "c")
    return "".join(letters)


def _of_bands(
    chosen: Labelled, variables: Sequence[Variable], name: re.Pattern[str], bands: int
) -> Variable | None:
    """Return the variable of such a name that has one number for each band."""
    fitting = (v for v in variables if name.match(v.name) and v.item.shape == (bands,))
    return next((v for v in fitting if chosen.cube.group.startswith(v.group)), None)


def _spectrum(chosen: Labelled, variables: Sequence[Variable], bands: int) -> Spectrum:
    def unit_of(variable: Variable) -> str | None:
        stated = variable.attributes.get("units", variable.attributes.get("unit"))
        match = re.search(r"_?(nm|um)$", variable.name)
        return text(stated) if stated is not None else match[1] if match else None

    centres = chosen.wavelengths
    if centres is None:
        return Spectrum()
    unit = unit_of(centres)
    widths = _of_bands(chosen, variables, _WIDTH, bands)
    if widths is None:
        return spectrum(centres.values().tolist(), unit)
    own = rescaled(widths.values().tolist(), unit_of(widths), unit)
    return spectrum(centres.values().tolist(), unit, own)


def _factor(variable: Variable, name: str, neutral: float) -> float:
    return number(variable.attributes[name]) if name in variable.attributes else neutral


def _fill(variable: Variable) -> float | None:
    for name in ("_FillValue", "missing_value"):
        value = variable.attributes.get(name)
        if value is None:
            continue
        if isinstance(value, str):  # xarray's way to keep a float in the JSON of Zarr 3
            try:
                return float(struct.unpack("<d", base64.b64decode(value, validate=True))[0])
            except (binascii.Error, struct.error):
                return number(value)
        return number(value)
    return None


def _place(
    cube: Variable, order: str, variables: Sequence[Variable], notes: list[str]
) -> tuple[str | None, Transform | None]:
    by_path = {variable.path: variable for variable in variables}

    def named(name: str | None) -> Variable | None:
        if not name:
            return None
        return by_path.get(f"{cube.group}/{name}") or by_path.get(f"/{name}") or by_path.get(name)

    mapping = named(text(cube.attributes.get("grid_mapping", "")).partition(":")[0])
    if mapping is None:
        mapping = next((v for v in variables if {"crs_wkt", "spatial_ref"} & set(v.attributes)), None)
    attributes = {} if mapping is None else mapping.attributes
    labels = {letter: cube.axes[axis] for axis, letter in enumerate(order)}

    def centres(label: str | None) -> npt.NDArray[Any] | None:
        found = named(label)
        usable = found is not None and len(found.axes) == 1 and found.item.dtype.kind in "iuf"
        return found.values() if found is not None and usable else None

    # coordinates lie with the values, whatever was cut out of the scene the mapping was made for
    stated = transform_of(attributes)
    transform = transform_from_centres(centres(labels["c"]), centres(labels["r"]), notes) or stated
    if stated is not None and transform is not None and _alike(stated, transform, cube.item.shape):
        transform = stated  # centres of pixels are rounded
    crs = crs_of(attributes, notes)
    if (
        crs is None
        and transform is not None
        and all(_ON_EARTH.match(labels[letter] or "") for letter in "cr")
    ):
        crs = from_text("EPSG:4326", notes)
    return crs, transform


def _alike(one: Transform, other: Transform, shape: Sequence[int]) -> bool:
    """Return whether two transforms put the pixels of a raster at the same places, but for rounding."""
    pixel = max(abs(one[0]), abs(one[1]), abs(one[3]), abs(one[4]))
    far = max(shape)
    return all(
        abs(a - b) * (1 if i % 3 == 2 else far) <= 1e-3 * pixel
        for i, (a, b) in enumerate(zip(one, other, strict=True))
    )
