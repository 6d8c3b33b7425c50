"""Small scenes in every format, written without any of the product's own writers.

What had reads is thus checked against files as numpy, scipy, h5py and GDAL write them.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
import scipy.io
from rasterio.errors import NotGeoreferencedWarning

ENVI_TYPES = {
    "u1": 1,
    "i2": 2,
    "i4": 3,
    "f4": 4,
    "f8": 5,
    "c8": 6,
    "c16": 9,
    "u2": 12,
    "u4": 13,
    "i8": 14,
    "u8": 15,
}
_ORDERS = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}


def make_cube(rows: int = 13, cols: int = 17, bands: int = 6, dtype: Any = "i2", seed: int = 0) -> np.ndarray:
    """Return rows x cols x bands of values that no two pixels are likely to share."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(100, 40, (rows, cols, bands)).astype(dtype)
    low = -2000 if dtype.kind == "i" and dtype.itemsize > 1 else 0
    return rng.integers(low, 9000 if dtype.itemsize > 1 else 120, (rows, cols, bands)).astype(dtype)


def make_truth(rows: int = 13, cols: int = 17) -> np.ndarray:
    """Return a uint8 truth with three anomalous pixels."""
    truth = np.zeros((rows, cols), np.uint8)
    truth[[2, 5, rows - 1], [3, 9, cols - 1]] = 1
    return truth


def write_envi(
    path: Path,
    cube: np.ndarray,
    interleave: str = "bil",
    order: str = "<",
    offset: int = 0,
    data: Path | None = None,
    **fields: Any,
) -> Path:
    """Write ``path`` (a header) and its data file; keywords become fields, ``_`` being a space."""
    rows, cols, bands = cube.shape
    stored = cube.dtype.newbyteorder(order)
    header = {
        "samples": cols,
        "lines": rows,
        "bands": bands,
        "header offset": offset,
        "file type": "ENVI Standard",
        "data type": ENVI_TYPES[cube.dtype.str[1:]],
        "interleave": interleave,
        "byte order": int(order == ">"),
        **{name.replace("_", " "): value for name, value in fields.items()},
    }
    lines = "".join(f"{name} = {_field(value)}\n" for name, value in header.items() if value is not None)
    path.write_text("ENVI\n" + lines)
    raw = np.ascontiguousarray(cube.transpose(_ORDERS.get(interleave, (0, 2, 1)))).astype(stored)
    (data or path.with_suffix(".img")).write_bytes(b"\7" * offset + raw.tobytes())
    return path


def _field(value: Any) -> str:
    return (
        "{" + ", ".join(map(str, value)) + "}" if isinstance(value, list | tuple | np.ndarray) else str(value)
    )


def write_geotiff(
    path: Path,
    cube: np.ndarray,
    interleave: str = "band",
    *,
    tiled: bool = False,
    annotate: Callable[[Any], None] | None = None,
    **profile: Any,
) -> Path:
    """Write a GeoTIFF through rasterio; ``annotate`` is called with the open dataset."""
    rows, cols, bands = cube.shape
    profile = {"driver": "GTiff", **profile}
    if tiled:
        profile |= {"tiled": True, "blockxsize": 16, "blockysize": 16}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            height=rows,
            width=cols,
            count=bands,
            dtype=cube.dtype.name,
            interleave=interleave,
            **profile,
        ) as raster:
            raster.write(cube.transpose(2, 0, 1))
            if annotate is not None:
                annotate(raster)
    return path


def write_mat5(path: Path, cube: np.ndarray, **variables: Any) -> Path:
    """Write a MATLAB v5 file with the cube as ``data``."""
    scipy.io.savemat(path, {"data": cube, **variables}, do_compression=True)
    return path


def write_mat73(path: Path, cube: np.ndarray, *, chunks: Any = None, **variables: Any) -> Path:
    """Write what MATLAB's ``save -v7.3`` does: HDF5 behind a user block, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in {"data": cube, **variables}.items():
            written = file.create_dataset(
                name, data=np.asarray(array).T, chunks=chunks if name == "data" else None
            )
            written.attrs["MATLAB_class"] = np.bytes_(
                {"f8": b"double", "f4": b"single"}.get(
                    np.asarray(array).dtype.str[1:], np.asarray(array).dtype.name.encode()
                )
            )
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\0\2IM")
    return path


def write_npy(path: Path, cube: np.ndarray, *, fortran: bool = False, order: str = "=") -> Path:
    """Write a .npy in C or Fortran order."""
    array = cube.astype(cube.dtype.newbyteorder(order))
    np.save(path, np.asfortranarray(array) if fortran else np.ascontiguousarray(array))
    return path


def write_npz(path: Path, cube: np.ndarray, **variables: Any) -> Path:
    """Write a compressed .npz with the cube as ``data``."""
    np.savez_compressed(path, data=cube, **variables)
    return path


def every_format() -> Mapping[str, Callable[[Path, np.ndarray], Path]]:
    """Return, by a name fit for test ids, functions ``write(folder, cube) -> path`` for every layout."""
    writers: dict[str, Callable[[Path, np.ndarray], Path]] = {}
    for interleave, order in itertools.product(_ORDERS, "<>"):
        name = f"envi-{interleave}-{'big' if order == '>' else 'little'}"
        writers[name] = lambda folder, cube, i=interleave, o=order: write_envi(
            folder / "scene.hdr", cube, i, o
        )
    for interleave, tiled in itertools.product(("pixel", "band"), (False, True)):
        name = f"geotiff-{interleave}-{'tiled' if tiled else 'striped'}"
        writers[name] = lambda folder, cube, i=interleave, t=tiled: write_geotiff(
            folder / "scene.tif", cube, i, tiled=t
        )
    writers["npy-c"] = lambda folder, cube: write_npy(folder / "scene.npy", cube)
    writers["npy-fortran"] = lambda folder, cube: write_npy(folder / "scene.npy", cube, fortran=True)
    writers["npy-big"] = lambda folder, cube: write_npy(folder / "scene.npy", cube, order=">")
    writers["npz"] = lambda folder, cube: write_npz(folder / "scene.npz", cube)
    writers["mat-v5"] = lambda folder, cube: write_mat5(folder / "scene.mat", cube)
    writers["mat-v73"] = lambda folder, cube: write_mat73(folder / "scene.mat", cube)
    writers["mat-v73-chunked"] = lambda folder, cube: write_mat73(
        folder / "scene.mat", cube, chunks=(2, 5, 4)
    )
    return writers
