"""Places are the connected groups of a mask, with the figures that an analyst wants."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.crs import CRS

from had_cli.errors import SceneError, UsageError
from had_cli.results.places import find_places
from had_cli.results.threshold import threshold
from had_cli.scenes.scene import Scene

UTM = CRS.from_epsg(32632).to_wkt()
NORTH_UP = (4.0, 0.0, 512_000.0, 0.0, -4.0, 5_403_000.0)


@pytest.fixture
def scores():
    """Return a map with a row of three, a pair that touches at a corner, and a single pixel."""
    scores = np.zeros((20, 30), dtype=np.float32)
    scores[4, 10:13] = [5, 9, 7]
    scores[8, 3] = scores[9, 4] = 4
    scores[15, 20] = 20
    scores[0, 0] = np.nan
    return scores


def test_groups_are_ranked_by_their_peak(scores):
    found = find_places(scores, 3.0).places
    assert [(p.rank, p.pixels, p.peak) for p in found] == [(1, 1, 20.0), (2, 3, 9.0), (3, 2, 4.0)]
    row = found[1]
    assert (row.col, row.row, row.peak_col, row.peak_row) == (11.0, 4.0, 11, 4)
    assert row.mean == 7.0
    assert tuple(row.window) == (10, 4, 3, 1)


def test_pixels_that_touch_at_a_corner_are_one_place_of_two_polygons(scores):
    pair = find_places(scores, 3.0).places[2]
    assert (pair.col, pair.row) == (3.5, 8.5)
    assert len(pair.outline) == 2


def test_small_places_are_left_out_of_list_and_mask(scores):
    found = find_places(scores, 3.0, min_pixels=2)
    assert [p.pixels for p in found.places] == [3, 2]
    assert found.mask.sum() == 5
    assert not found.mask[15, 20]


def test_a_mask_or_a_threshold_serves_as_well_as_a_number(scores):
    plain = find_places(scores, 3.0)
    assert find_places(scores, threshold(scores, "value:3")).places == plain.places
    assert find_places(scores, scores >= 3).places == plain.places


def test_a_pixel_at_the_threshold_belongs_and_one_without_score_does_not(scores):
    assert find_places(scores, 20.0).mask.sum() == 1
    assert not find_places(scores, np.ones_like(scores, dtype=bool)).mask[0, 0]


def test_nothing_above_the_threshold_is_no_place(scores):
    found = find_places(scores, 99.0, crs=UTM, transform=NORTH_UP)
    assert found.places == ()
    assert found.to_geojson()["features"] == []


def test_the_map_coordinates_are_those_of_pixel_centres(scores):
    place = find_places(scores, 3.0, crs=UTM, transform=NORTH_UP).places[1]
    assert (place.x, place.y) == (512_000 + 4 * 11.5, 5_403_000 - 4 * 4.5)


def test_without_a_coordinate_system_places_are_told_in_pixels(scores):
    found = find_places(scores, 3.0)
    assert "no coordinate system" in found.notes[0]
    place = found.places[0]
    assert (place.area_m2, place.lon, place.lat, place.x) == (None, None, None, None)


def test_a_system_that_is_not_of_the_earth_gives_no_degrees(scores):
    moon = CRS.from_proj4("+proj=longlat +R=1737400 +no_defs").to_wkt()
    local = 'LOCAL_CS["workshop",UNIT["metre",1]]'
    for crs in (moon, local):
        place = find_places(scores, 3.0, crs=crs, transform=NORTH_UP).places[0]
        assert place.lon is None or crs == moon  # PROJ may take a bare sphere for the Earth's
    assert find_places(scores, 3.0, crs=local, transform=NORTH_UP).places[0].area_m2 is None


@pytest.mark.parametrize(
    ("epsg", "transform", "pixel"),
    [
        (32632, NORTH_UP, 16.0),
        # 60 degrees north in Web Mercator: lengths are doubled, so 16 m on the map are 8 m on the ground
        (3857, (16.0, 0.0, 1_000_000.0, 0.0, -16.0, 8_399_737.9), 64.0),
        # a US survey foot is 0.3048006 m
        (2225, (10.0, 0.0, 6_500_000.0, 0.0, -10.0, 2_000_000.0), 100 * 0.3048006**2),
        # turned by 30 degrees
        (32632, (3.4641, 2.0, 512_000.0, 2.0, -3.4641, 5_403_000.0), 16.0),
        # 0.001 degrees at 60 north: 111.41 m by 55.80 m on the ellipsoid
        (4326, (0.001, 0.0, 10.0, 0.0, -0.001, 60.0045), 111.41 * 55.80),
    ],
)
def test_areas_are_those_on_the_ground_whatever_the_system(scores, epsg, transform, pixel):
    crs = CRS.from_epsg(epsg).to_wkt()
    for place in find_places(scores, 3.0, crs=crs, transform=transform).places:
        assert place.area_m2 == pytest.approx(place.pixels * pixel, rel=0.01)


def test_a_hole_is_not_part_of_a_place():
    scores = np.zeros((9, 9))
    scores[2:7, 2:7] = 1
    scores[4, 4] = 0
    (ring,) = find_places(scores, 1, crs=UTM, transform=NORTH_UP).places
    assert ring.pixels == 24
    assert ring.area_m2 == pytest.approx(24 * 16, rel=2e-3)
    assert len(ring.outline[0]) == 2


def test_the_three_strongest_bands_tell_what_a_place_is_made_of(scores):
    rng = np.random.default_rng(3)
    cube = rng.normal(100, 1, (20, 30, 40))
    cube[..., 30] *= 50  # bright and noisy: a large difference that means little
    cube[4, 10:13, [7, 12, 25]] += [[9], [-14], [11]]
    waves = np.linspace(400, 1180, 40)
    scene = Scene.from_array(cube, wavelengths=waves, bad_bands=np.arange(40) == 0)
    place = find_places(scores, 3.0, scene=scene).places[1]
    assert [b.band for b in place.bands] == [13, 26, 8]
    first = place.bands[0]
    assert first.wavelength_nm == pytest.approx(waves[12])
    assert first.difference == pytest.approx(-14, abs=2)
    assert first.deviations == pytest.approx(-14, rel=0.25)


def test_a_place_without_valid_surroundings_names_no_bands(scores):
    cube = np.full((20, 30, 5), np.nan)
    cube[15, 20] = 1
    assert find_places(scores, 3.0, scene=Scene.from_array(cube)).places[0].bands == ()


def test_only_the_surroundings_of_places_are_read(scores):
    scene = Scene.from_array(np.random.default_rng(1).random((20, 30, 4)))
    read, windows = scene.source.read, []
    scene.source.read = lambda window, bands: windows.append(window) or read(window, bands)
    find_places(scores, 10.0, scene=scene)
    assert [w.width * w.height for w in windows] == [13 * 11]  # cut by the lower edge


def test_a_scene_of_another_size_is_refused(scores):
    scene = Scene.from_array(np.ones((20, 31, 4)))
    with pytest.raises(SceneError, match=r"20 x 31.*20 x 30"):
        find_places(scores, 3.0, scene=scene)


def test_fewer_than_one_pixel_is_wrong_usage(scores):
    with pytest.raises(UsageError, match="--min-pixels"):
        find_places(scores, 3.0, min_pixels=0)
