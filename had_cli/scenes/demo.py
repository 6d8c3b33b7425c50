"""A synthetic flight line with known anomalies, as files that any command can open."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError, OutputExistsError
from had_cli.files import refuse_url
from had_cli.scenes.output import create_raster
from had_cli.scenes.source import SceneInfo, Window
from had_cli.scenes.synthetic import NODATA, SCALE, synthesise

SEED = 1

# a strip of 4 m pixels somewhere in UTM zone 32 north
_EPSG = 32632
_TRANSFORM = (4.0, 0.0, 512_000.0, 0.0, -4.0, 5_403_000.0)


@dataclass(frozen=True, kw_only=True)
class DemoScene:
    """Where a synthetic scene and its truth lie."""

    scene: Path
    truth: Path


def make_scene(
    folder: str | Path,
    *,
    rows: int = 120,
    cols: int = 160,
    bands: int = 120,
    seed: int = SEED,
    overwrite: bool = False,
) -> DemoScene:
    """Write a synthetic flight line as ENVI (``flightline.hdr``) and its truth as GeoTIFF.

    The scene holds uint16 reflectances times 10,000 with CRS, wavelengths, a bad-band list and nodata
    outside the flight line; see :func:`had_cli.scenes.synthetic.synthesise`.

    Raises
    ------
    OutputExistsError
        When a file exists and ``overwrite`` is false; nothing is written then.
    """
    from rasterio.crs import CRS

    folder = Path(folder)
    refuse_url(folder)
    for name in ("flightline.hdr", "truth.tif"):
        if os.path.lexists(folder / name) and not overwrite:
            raise OutputExistsError(f"{folder / name}: exists already; give --overwrite or another name")
    made = synthesise(rows, cols, bands, seed=seed)
    crs = CRS.from_epsg(_EPSG).to_wkt()
    files = DemoScene(scene=folder / "flightline.hdr", truth=folder / "truth.tif")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror or error})") from error
    info = SceneInfo(
        path=str(files.scene),
        format="synthetic",
        shape=made.stored.shape,
        dtype=made.stored.dtype,
        wavelengths=made.wavelengths,
        fwhm=made.fwhm,
        bad_bands=made.bad_bands,
        nodata=float(NODATA),
        scale=np.full(bands, SCALE),
        crs=crs,
        transform=_TRANSFORM,
    )
    _write(info, made.stored, overwrite=overwrite)
    truth = made.truth.astype(np.uint8)[..., None]
    info = SceneInfo(
        path=str(files.truth),
        format="synthetic",
        shape=truth.shape,
        dtype=truth.dtype,
        band_names=("1: anomalous",),
        crs=crs,
        transform=_TRANSFORM,
    )
    _write(info, truth, overwrite=overwrite)
    return files


def _write(info: SceneInfo, cube: npt.NDArray[Any], *, overwrite: bool) -> None:
    rows, cols, _ = cube.shape
    with create_raster(info.path, info, cube.dtype, overwrite=overwrite) as sink:
        sink.write(Window(0, 0, cols, rows), cube)
