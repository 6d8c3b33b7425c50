"""Show: 25 targets implanted into a georeferenced scene come out of GeoJSON where they lie on the Earth."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.warp import transform as project

from had_cli.__main__ import main
from had_cli.results.places.outline import shoelace

SHAPES = [(1, 2), (2, 2), (2, 3), (3, 3), (4, 3)]
# UTM north up, UTM flown at an angle, polar stereographic, degrees
GROUNDS = {
    "utm": (32632, (4.0, 0.0, 512_000.0, 0.0, -4.0, 5_403_000.0)),
    "turned": (32632, (3.4641, 2.0, 512_000.0, 2.0, -3.4641, 5_403_000.0)),
    "polar": (3031, (30.0, 0.0, -1_200_000.0, 0.0, -30.0, 900_000.0)),
    "degrees": (4326, (0.0001, 0.0, 9.0, 0.0, -0.0001, 48.0)),
}


@pytest.fixture(params=GROUNDS)
def flown(request, tmp_path):
    """Return the file of a scene with 25 targets, their (row, col, height, width), and where it lies."""
    epsg, transform = GROUNDS[request.param]
    rng = np.random.default_rng(11)
    rows, cols, bands = 150, 160, 24
    mixing = rng.normal(size=(bands, bands)) * np.geomspace(1, 0.02, bands)
    cube = 100 + rng.normal(size=(rows, cols, bands)) @ mixing.T
    signature = rng.normal(size=bands)
    targets = []
    for number in range(25):
        row, col = 12 + 27 * (number // 5), 12 + 28 * (number % 5)
        height, width = SHAPES[number % 5]
        row, col = row + int(rng.integers(0, 12)), col + int(rng.integers(0, 12))
        cube[row : row + height, col : col + width] += 3 * signature
        targets.append((row, col, height, width))
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=cols,
        height=rows,
        count=bands,
        dtype="float32",
        crs=CRS.from_epsg(epsg),
        transform=rasterio.Affine(*transform),
    ) as dataset:
        dataset.write(cube.transpose(2, 0, 1).astype(np.float32))
    return path, targets, epsg, transform


def test_each_target_is_found_within_a_pixel_and_its_area_within_a_tenth(flown, tmp_path, monkeypatch):
    path, targets, epsg, transform = flown
    vector = tmp_path / "found.geojson"
    words = ["detect", "-m", "grx", path, "-o", tmp_path / "map.tif", "--threshold", "cfar:1e-5"]
    monkeypatch.setattr(sys, "argv", ["had", *map(str, words), "--min-pixels", "2", "--vector", str(vector)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    features = json.loads(vector.read_text())["features"]
    assert len(features) == 25

    def to_pixels(x, y):
        a, b, c, d, e, f = transform
        return np.linalg.solve([[a, b], [d, e]], [np.asarray(x) - c, np.asarray(y) - f]).T

    found = {}
    for feature in features:
        ring = np.array(feature["geometry"]["coordinates"][0][0])
        x, y = project("EPSG:4326", CRS.from_epsg(epsg), ring[:, 0], ring[:, 1])
        corners = to_pixels(x, y)
        centre = (corners.min(axis=0) + corners.max(axis=0)) / 2
        pixels = abs(shoelace(*corners.T))
        lon, lat = feature["properties"]["lon"], feature["properties"]["lat"]
        px, py = project("EPSG:4326", CRS.from_epsg(epsg), [lon], [lat])
        assert np.abs(to_pixels(px, py)[0] - centre).max() < 0.01
        found[tuple(centre)] = (pixels, feature["properties"]["area_m2"], ring)

    for row, col, height, width in targets:
        at = np.array([col + width / 2, row + height / 2])
        nearest = min(found, key=lambda centre: np.hypot(*(np.array(centre) - at)))
        assert np.hypot(*(np.array(nearest) - at)) <= 1
        pixels, area, ring = found[nearest]
        assert pixels == pytest.approx(height * width, rel=0.1)
        assert area == pytest.approx(ground_area(ring), rel=0.1)


def ground_area(ring: np.ndarray) -> float:
    """Return the area of a small ring in degrees, by the radii of curvature of WGS84 at its middle."""
    lon, lat = np.radians(ring).T
    a, e2 = 6_378_137.0, 0.00669437999014
    bent = 1 - e2 * np.sin(lat.mean()) ** 2
    north = a * (1 - e2) / bent**1.5
    east = a / np.sqrt(bent) * np.cos(lat.mean())
    return abs(shoelace(lon * east, lat * north))
