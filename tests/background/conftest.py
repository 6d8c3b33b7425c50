"""A scene of a dull field and a brighter surrounding."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from drawn import BANDS, CHOSEN, COLS, NORTH_UP, ROWS, UTM


@pytest.fixture
def cube():
    """Return reflectances: a field of correlated bands, and a brighter one outside the chosen rectangle."""
    rng = np.random.default_rng(3)
    field = rng.normal(size=(ROWS, COLS, BANDS)) @ rng.normal(size=(BANDS, BANDS)) * 0.02 + 0.4
    field[~CHOSEN] = field[~CHOSEN] * 1.5 + 0.1
    return field.astype(np.float32)


@pytest.fixture
def scene_file(cube, tmp_path):
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "width": COLS, "height": ROWS, "count": BANDS, "dtype": "float32"}
    with rasterio.open(path, "w", crs=UTM, transform=NORTH_UP, nodata=-1, **profile) as raster:
        raster.write(cube.transpose(2, 0, 1))
    return path
