"""PRISMA L1, L2B, L2C and L2D: VNIR and SWIR as one cube with wavelengths that ascend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.products.crs import Transform, from_epsg
from had_cli.formats.products.hdf5 import (
    Cube,
    Float,
    Index,
    attribute,
    dataset,
    number,
    numbers,
    open_hdf5,
    reading,
    same_size,
    text,
)
from had_cli.formats.products.masks import Table
from had_cli.formats.products.overlap import overlap_note, overlapping
from had_cli.scenes.source import QualityLayer, SceneInfo, Source, Window

PRODUCT = "a PRISMA product"
_LEVELS = ("L2D", "L2C", "L2B", "L1")
_PIXEL = 30.0  # metres
_DN_MAX = 65535.0
# A band with a larger share of its pixels in error carries no signal, and would take its pixels with it.
_MOST_IN_ERROR = 0.25
_SAMPLED_ROWS = 64

# name, which values of the error matrix are it, on by default, what it says
_Error = tuple[str, Callable[[npt.NDArray[Any]], Any], bool, str]
_L1_ERRORS: tuple[_Error, ...] = (
    ("error", lambda values: (values & 2) != 0, True, "in error in a band in use"),
    ("saturated", lambda values: (values & 1) != 0, True, "saturated in a band in use"),
)
_L2_ERRORS: tuple[_Error, ...] = (
    ("error", lambda values: (values & 1) != 0, True, "invalid since level 1 in a band in use"),
    ("saturated", lambda values: (values & 4) != 0, True, "saturated in a band in use"),
    ("negative", lambda values: (values & 2) != 0, False, "negative in a band in use"),
)


def open_prisma(path: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG001 - a reader's signature
    """Return the scene of a PRISMA file."""
    file = open_hdf5(path, PRODUCT)
    try:
        with reading(path, PRODUCT):
            return _Prisma(path, file)
    except SceneError:
        file.close()
        raise


@dataclass(frozen=True)
class _Detector:
    """One of the two detectors: its cube, its error matrix, and its bands that were acquired."""

    cube: Cube
    errors: Cube | None
    kept: Index
    centres: Float
    fwhm: Float
    scale: float
    offset: float


class _Prisma:
    def __init__(self, path: str, file: h5py.File) -> None:
        self._path, self._file = path, file
        swaths = file.get("HDFEOS/SWATHS", {})
        level = next((name for name in _LEVELS if f"PRS_{name}_HCO" in swaths), None)
        if level is None:
            raise SceneError(
                f"{path}: has no HDFEOS/SWATHS/PRS_L*_HCO, which {PRODUCT} has; download it again"
            )
        fields = f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields"
        self._detectors = [_detector(path, file, fields, level, name) for name in ("Vnir", "Swir")]
        first, second = self._detectors
        if first.cube.shape[:2] != second.cube.shape[:2]:
            raise SceneError(f"{path}: VNIR and SWIR differ in size; download it again")
        rows, cols, _ = first.cube.shape
        centres = np.concatenate([d.centres for d in self._detectors])
        order = np.argsort(centres, kind="stable")
        # of each band of the scene: its detector, and its place there
        self._of = np.concatenate([np.full(len(d.kept), n) for n, d in enumerate(self._detectors)])[order]
        self._at = np.concatenate([d.kept for d in self._detectors])[order]
        self._padding: tuple[Window, npt.NDArray[np.bool_]] | None = None
        centres = centres[order]
        twice = overlapping(centres, np.flatnonzero(self._of == 0), np.flatnonzero(self._of == 1))
        self.info = SceneInfo(  # for read() below
            path=path, format=f"PRISMA {level}", shape=(rows, cols, len(order)), dtype=first.cube.dtype
        )
        faulty = self._faulty_bands()
        notes = [overlap_note(centres, twice)] if twice.any() else []
        if faulty.any():
            notes.append(
                f"{int(faulty.sum())} bands have more than {_MOST_IN_ERROR:.0%} of their pixels in the error "
                "matrices and are left out"
            )
        crs, transform = _place(path, file, level, (rows, cols), notes)

        def per_band(values: Callable[[_Detector], float]) -> Float:
            return np.array([values(self._detectors[n]) for n in self._of])

        self.info = SceneInfo(
            path=path,
            format=f"PRISMA {level}",
            shape=(rows, cols, len(order)),
            dtype=first.cube.dtype,
            wavelengths=centres,
            fwhm=np.concatenate([d.fwhm for d in self._detectors])[order],
            bad_bands=twice | faulty,
            scale=per_band(lambda d: d.scale),
            offset=per_band(lambda d: d.offset),
            crs=crs,
            transform=transform,
            block=first.cube.block,
            quality=(*self._error_layers(level), *_masks(file, fields, (rows, cols))),
            notes=tuple(notes),
        )

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored."""
        with reading(self._path, PRODUCT):
            values = self._gather(window, bands, lambda detector: detector.cube)
        self._padding = window, (values == 0).all(axis=2)
        return values

    def valid(self, window: Window) -> npt.NDArray[np.bool_]:
        """Return where the scene has a value in any band: 0 in all of them is padding.

        A single 0 is none: the file has it where a retrieval failed, in the absorption of water above all.
        """
        if self._padding is None or self._padding[0] != window:
            self.read(window, None)
        assert self._padding is not None  # noqa: S101 - set by read
        return ~self._padding[1]

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    # -- inside ---------------------------------------------------------------------------------
    def _gather(
        self, window: Window, bands: Index | None, of: Callable[[_Detector], Cube | None]
    ) -> npt.NDArray[Any]:
        """Return height x width x bands of what ``of`` names; a detector without it gives zeros."""
        index = np.arange(self.info.shape[2]) if bands is None else np.asarray(bands)
        parts = [of(detector) for detector in self._detectors]
        kind = np.result_type(*[part.dtype for part in parts if part is not None] or [np.dtype(np.uint8)])
        out = np.zeros((window.height, window.width, len(index)), kind)
        for n, part in enumerate(parts):
            mine = np.flatnonzero(self._of[index] == n)
            if part is not None and len(mine):
                out[..., mine] = part.read(window, self._at[index[mine]])
        return out

    def _errors(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        with reading(self._path, PRODUCT):
            return self._gather(window, bands, lambda detector: detector.errors)

    def _error_layers(self, level: str) -> list[QualityLayer]:
        if not any(detector.errors for detector in self._detectors):
            return []

        def layer(name: str, test: Callable[[Any], Any], default: bool, what: str) -> QualityLayer:
            def read(window: Window, bands: Index | None) -> npt.NDArray[np.bool_]:
                return np.asarray(test(self._errors(window, bands)).any(axis=2))

            return QualityLayer(
                name=name, read=read, default=default, summary=f"{what}, error matrices of the file"
            )

        return [layer(*kind) for kind in (_L1_ERRORS if level == "L1" else _L2_ERRORS)]

    def _faulty_bands(self) -> npt.NDArray[np.bool_]:
        """Return the bands with too many pixels in error, as far as rows here and there tell."""
        rows, cols, bands = self.info.shape
        wrong, seen = np.zeros(bands), 0
        if not any(detector.errors for detector in self._detectors):
            return wrong > 0
        for row in np.unique(np.linspace(0, rows - 1, _SAMPLED_ROWS).astype(int)):
            window = Window(0, int(row), cols, 1)
            inside = self.valid(window)[0]
            wrong += (self._errors(window, None)[0][inside] != 0).sum(axis=0)
            seen += int(inside.sum())
        return np.asarray(wrong > _MOST_IN_ERROR * max(1, seen))


def _detector(path: str, file: h5py.File, fields: str, level: str, name: str) -> _Detector:
    cube = Cube(dataset(file, f"{fields}/{name.upper()}_Cube", PRODUCT, axes=3), "rbc")
    count = cube.shape[2]
    centres, fwhm = (
        numbers(attribute(file, f"{what}_{name}", PRODUCT), count, f"{what}_{name}", path)
        for what in ("List_Cw", "List_Fwhm")
    )
    flags = file.attrs.get(f"List_Cw_{name}_Flags")
    there = centres > 0
    if flags is not None:
        there &= numbers(flags, count, f"List_Cw_{name}_Flags", path) != 0
    if not there.any():
        raise SceneError(f"{path}: {name.upper()} has no band that was acquired; download it again")
    kept = np.flatnonzero(there)
    if level == "L1":
        factor = number(attribute(file, f"ScaleFactor_{name}", PRODUCT))
        if not factor:
            raise SceneError(f"{path}: ScaleFactor_{name} is 0; download it again")
        scale, offset = 1 / factor, -number(file.attrs.get(f"Offset_{name}", 0.0))
    else:
        low, high = (number(attribute(file, f"L2Scale{name}{end}", PRODUCT)) for end in ("Min", "Max"))
        scale, offset = (high - low) / _DN_MAX, low
    matrix = "PIXEL_SAT_ERR_MATRIX" if level == "L1" else "PIXEL_L2_ERR_MATRIX"
    found = file.get(f"{fields}/{name.upper()}_{matrix}")
    errors = None
    if isinstance(found, h5py.Dataset) and found.ndim == 3 and found.dtype.kind in "iu":
        errors = Cube(found, "rbc")
        if errors.shape != cube.shape:
            raise SceneError(f"{path}: {found.name} is not of the size of its cube; download it again")
    return _Detector(cube, errors, kept, centres[kept], fwhm[kept], scale, offset)


def _masks(file: h5py.File, fields: str, shape: tuple[int, int]) -> list[QualityLayer]:
    """Return the masks of level 1; level 2 has none."""
    layers = []
    for name, key, what in (("cloud", "Cloud_Mask", "clouds"), ("sunglint", "SunGlint_Mask", "sun glint")):
        found = file.get(f"{fields}/{key}")
        if isinstance(found, h5py.Dataset) and found.ndim == 2:
            table = Table(same_size(found, shape, "the scene"), PRODUCT)
            # 1 is flagged; 10 was not looked at and 255 is an error of the mask
            layers.append(table.layer(name, f"{what}, {key} of the file", lambda values: values == 1))
    return layers


def _place(
    path: str, file: h5py.File, level: str, shape: tuple[int, int], notes: list[str]
) -> tuple[str | None, Transform | None]:
    """Return CRS and transform of a product on a map."""
    if level != "L2D":
        notes.append(
            f"PRISMA {level} lies on the sensor's grid, which latitudes and longitudes of its pixels alone "
            "place on the ground; level L2D is on a map"
        )
        return None, None
    west, north, east, south = (
        number(attribute(file, f"Product_{corner}", PRODUCT))
        for corner in ("ULcorner_easting", "ULcorner_northing", "LRcorner_easting", "LRcorner_northing")
    )
    code = text(attribute(file, "Epsg_Code", PRODUCT)).strip()
    crs = from_epsg(int(float(code)), notes) if code else None
    (dx, x), (dy, y) = (_spacing(west, east, shape[1]), _spacing(-north, -south, shape[0]))
    transform = (dx, 0.0, x, 0.0, -dy, -y)
    if not np.isfinite(transform).all() or dx <= 0 or dy <= 0:
        raise SceneError(f"{path}: the corners of the product are not those of a map; download it again")
    return crs, transform


def _spacing(first: float, last: float, count: int) -> tuple[float, float]:
    """Return pixel size and outer edge of an axis between the stated corners.

    The specification does not say whether corners are those of the map or the centres of its corner
    pixels. Pixels of PRISMA are 30 m wide: what comes closest to that is meant.
    """
    edges = (last - first) / count
    centres = (last - first) / (count - 1) if count > 1 else _PIXEL
    if abs(edges - _PIXEL) < abs(centres - _PIXEL):
        return edges, first
    return centres, first - centres / 2
