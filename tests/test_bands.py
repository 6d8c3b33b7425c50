"""Spectra resampled to a network's bands: by wavelength where both sides know it, by index otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.errors import SceneError, WeightsError
from had_cli.scenes.bands import BandGrid, resampling
from had_cli.scenes.scene import Scene

counts = st.integers(1, 60)


@st.composite
def two_counts(draw):
    first = draw(counts)
    return first, draw(st.integers(-(-first // 8), first * 8))


@st.composite
def centres(draw, count):
    steps = draw(st.lists(st.floats(1, 20), min_size=count, max_size=count))
    return 400 + np.cumsum(steps)


@given(two_counts(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_resampled_value_lies_between_the_values_of_the_spectrum(counts, data):
    here, there = counts
    spectra = np.array(
        data.draw(st.lists(st.floats(-1e3, 1e3, width=32), min_size=here, max_size=here)), np.float32
    )
    result = resampling(BandGrid(here), BandGrid(there))(spectra)
    assert result.shape == (there,)
    slack = 1e-4 * np.abs(spectra).max()
    assert spectra.min() - slack <= result.min()
    assert result.max() <= spectra.max() + slack


@given(two_counts())
@settings(max_examples=60, deadline=None)
def test_by_index_a_straight_line_stays_one_and_ends_stay_ends(counts):
    here, there = counts
    result = resampling(BandGrid(here), BandGrid(there))(np.linspace(3, 7, here).astype(np.float32))
    expected = np.linspace(3, 7, there) if here > 1 else np.full(there, 3)
    np.testing.assert_allclose(result, expected if there > 1 else [3], rtol=1e-5)


@given(st.integers(3, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_by_wavelength_it_is_linear_interpolation_whatever_the_order_of_the_bands(count, data):
    known = data.draw(centres(count))
    wanted = np.linspace(known[0], known[-1], data.draw(st.integers(-(-count // 4), count * 4)))
    spectrum = np.sin(known / 90).astype(np.float32)
    order = data.draw(st.permutations(range(count)))
    how = resampling(BandGrid(count, known[order]), BandGrid(len(wanted), wanted))
    np.testing.assert_allclose(how(spectrum[order]), np.interp(wanted, known, spectrum), atol=2e-6)


def test_the_same_grid_changes_nothing():
    grid = np.linspace(400, 2500, 30)
    assert resampling(BandGrid(30, grid), BandGrid(30, grid)).matrix is None
    assert resampling(BandGrid(30), BandGrid(30, grid)).matrix is None


def test_bands_of_one_centre_share_its_weight():
    how = resampling(BandGrid(3, np.array([500.0, 600, 600])), BandGrid(2, np.array([500.0, 600])))
    np.testing.assert_allclose(how(np.float32([1, 4, 6])), [1, 5])


def test_beyond_the_scene_the_nearest_band_stands_in_and_the_user_is_told():
    how = resampling(BandGrid(3, np.array([500.0, 600, 700])), BandGrid(4, np.array([400.0, 500, 650, 700])))
    np.testing.assert_allclose(how(np.float32([1, 2, 4])), [1, 1, 3, 4])
    told = []
    how.warn_of_differences(told.append)
    how.warn_of_differences(told.append, "scene.tif")
    line, named = told
    assert named == f"scene.tif: {line}"
    assert line.startswith("the scene covers 500 to 700 nm: 1 of the network's 4 bands lie outside")


def test_half_a_band_beyond_the_end_is_not_outside():
    scene, grid = np.arange(500.0, 700, 10), np.arange(496.0, 696, 10)
    assert resampling(BandGrid(20, scene), BandGrid(20, grid)).doubts == ()


def test_less_than_half_of_the_grid_is_refused():
    with pytest.raises(SceneError, match=r"x.hdr: covers 400 to 700 nm, the network wants 650 to 2400 nm"):
        resampling(
            BandGrid(30, np.linspace(400, 700, 30)), BandGrid(60, np.linspace(650, 2400, 60)), name="x.hdr"
        )


def test_a_doubtful_factor_is_told_and_a_senseless_one_refused():
    assert resampling(BandGrid(100), BandGrid(200)).doubts == ()
    assert "a factor of 2.8" in resampling(BandGrid(72), BandGrid(200)).doubts[0]
    with pytest.raises(SceneError, match=r"3 bands cannot stand for the 200 .* choose other weights"):
        resampling(BandGrid(3), BandGrid(200))


def test_a_grid_survives_the_header_of_a_weights_file():
    grid = BandGrid(3, np.array([400.5, 500, 600]))
    again = BandGrid.from_header(grid.header())
    assert again.bands == 3
    np.testing.assert_array_equal(again.wavelengths, grid.wavelengths)
    assert BandGrid.from_header({"bands": 7, "wavelengths": None}) == BandGrid(7)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"bands": "20"},
        {"bands": True},
        {"bands": 0},
        {"bands": 2, "wavelengths": [1]},
        {"bands": 1, "wavelengths": [float("nan")]},
        {"bands": 1, "wavelengths": "blue"},
    ],
)
def test_a_header_without_a_sound_grid_is_refused(header):
    with pytest.raises(WeightsError, match="no valid band grid"):
        BandGrid.from_header(header)


def test_the_grid_of_a_scene_is_that_of_its_selected_bands():
    scene = Scene.from_array(np.zeros((2, 2, 4)), wavelengths=np.array([400.0, 500, 600, 700]))
    grid = BandGrid.of(scene.select(bands=[1, 3]))
    np.testing.assert_array_equal(grid.wavelengths, [500, 700])
