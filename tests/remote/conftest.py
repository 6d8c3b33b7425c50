"""A scene on a server."""

from __future__ import annotations

import generate
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from command_line import had
from range_server import serving
from served_scene import BANDS, SIZE, TILE

__all__ = ["had"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """Wait for a server a moment only, and ask no cloud for credentials."""
    for name, value in {
        "GDAL_HTTP_RETRY_DELAY": "0.02",
        "GDAL_HTTP_LOW_SPEED_TIME": "1",
        "AWS_NO_SIGN_REQUEST": "YES",
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "GS_NO_SIGN_REQUEST": "YES",
        "AZURE_NO_SIGN_REQUEST": "YES",
        "AZURE_STORAGE_ACCOUNT": "account",
    }.items():
        monkeypatch.setenv(name, value)


def annotate(raster):
    for band in range(BANDS):
        raster.update_tags(band + 1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=f"{0.4 + band / 50:.3f}")


@pytest.fixture(scope="session")
def cube():
    """Return rows x cols x bands int16 in which a few pixels are foreign."""
    made = generate.make_cube(SIZE, SIZE, BANDS)
    made[150:152, 170, ::2] += 12000
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory, cube):
    """Return a folder with the scene as a COG of either interleave, as strips, and as ENVI."""
    folder = tmp_path_factory.mktemp("served")
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
    plain = generate.write_geotiff(folder / "strips.tif", cube, annotate=annotate, blockysize=64, **place)
    tiles = {"TILED": "YES", "blockxsize": TILE, "blockysize": TILE}
    for name, interleave in (("bands.tif", "band"), ("pixels.tif", "pixel")):
        generate.write_geotiff(folder / name, cube, interleave, annotate=annotate, **place, **tiles)
    rasterio.shutil.copy(plain, folder / "cog.tif", driver="COG", compress="none", blocksize=TILE)
    generate.write_envi(folder / "line.hdr", cube[:20, :30])
    return folder


@pytest.fixture
def server(folder):
    with serving(folder) as served:
        yield served


@pytest.fixture
def expected(cube):
    return np.asarray(cube, np.float32)
