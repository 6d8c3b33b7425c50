"""Files of many arrays: the cube is found among pictures and maps, unfolded or with its axes turned."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.errors import SceneError
from had_cli.formats.cubes import bands_first
from had_cli.formats.variable import Variable
from had_cli.formats.variables import choose
from had_cli.scenes.open import open_scene

ROWS, COLS, BANDS = 7, 9, 12
CUBE = np.arange(ROWS * COLS * BANDS, dtype=np.float64).reshape(ROWS, COLS, BANDS)
CENTRES = np.linspace(400, 2400, BANDS)
# MATLAB unfolds pixels column by column, NumPy row by row
UNFOLDED = {"F": CUBE.reshape(-1, BANDS, order="F").T, "C": CUBE.reshape(-1, BANDS).T}


def mat5(folder, arrays):
    scipy.io.savemat(folder / "s.mat", arrays)
    return folder / "s.mat"


def mat73(folder, arrays):
    with h5py.File(folder / "s.mat", "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.atleast_2d(array).T).attrs["MATLAB_class"] = np.bytes_("double")
    return folder / "s.mat"


def npz(folder, arrays):
    np.savez(folder / "s.npz", **arrays)
    return folder / "s.npz"


@pytest.fixture(params=[mat5, mat73, npz], ids=["v5", "v73", "npz"])
def write(request, tmp_path):
    """Return ``write(**arrays)`` and which unfolded cube the format's users have."""
    return lambda **arrays: request.param(tmp_path, arrays), "C" if request.param is npz else "F"


SIZES = [
    {"nRow": ROWS, "nCol": COLS, "nBand": BANDS},
    {"lines": ROWS, "cols": COLS},
    {"H": ROWS, "W": COLS, "N": ROWS * COLS, "L": BANDS, "p": 3},
    {"hei": ROWS, "wid": COLS},
    {"rows": ROWS, "columns": COLS},
    {"imsize": np.array([ROWS, COLS])},
    {"size": np.array([BANDS, ROWS, COLS])},
    {"labels": np.tile(np.arange(COLS), (ROWS, 1)) + 0.5},
]


class TestUnfolded:
    @pytest.mark.parametrize("sizes", SIZES, ids="-".join)
    def test_bands_by_pixels_with_the_size_beside_it(self, write, sizes):
        save, order = write
        scene = open_scene(save(Y=UNFOLDED[order], **sizes))
        np.testing.assert_array_equal(scene.read(), CUBE.astype(np.float32))
        assert "taken as bands x pixels" in scene.info.notes[0]

    def test_pixels_by_bands(self, write):
        save, order = write
        scene = open_scene(save(X=UNFOLDED[order].T, nRow=ROWS, nCol=COLS))
        np.testing.assert_array_equal(scene.read(), CUBE.astype(np.float32))
        assert "taken as pixels x bands" in scene.info.notes[0]

    def test_it_goes_before_abundance_maps_and_pictures(self, write):
        save, order = write
        abundances, rgb = np.ones((ROWS, COLS, 3)), np.ones((60, 50, 3))
        path = save(A=abundances, rgb=rgb, Y=UNFOLDED[order], nRow=ROWS, nCol=COLS)
        scene = open_scene(path)
        assert scene.shape == CUBE.shape
        assert "also there" in scene.info.notes[0]
        assert open_scene(path, variable="A").shape == (ROWS, COLS, 3)

    def test_windows_of_it(self, write):
        save, order = write
        scene = open_scene(save(Y=UNFOLDED[order], nRow=ROWS, nCol=COLS), window=(2, 1, 4, 3), bands=[1, 5])
        np.testing.assert_array_equal(scene.read(), CUBE[1:4, 2:6][..., [1, 5]].astype(np.float32))

    def test_without_a_size_the_refusal_says_how_to_give_it(self, write):
        save, _ = write
        with pytest.raises(SceneError, match=r"if Y is bands x pixels, save it with its size beside it"):
            open_scene(save(Y=np.zeros((12, 1003))))

    def test_a_size_that_does_not_fit_is_none(self, write):
        save, order = write
        with pytest.raises(SceneError, match="holds no numeric array of three axes"):
            open_scene(save(Y=UNFOLDED[order], nRow=ROWS + 1, nCol=COLS))


class TestWavelengths:
    def test_bands_that_fit_the_wavelengths_go_before_size(self, write):
        save, _ = write
        scene = open_scene(save(big=np.zeros((30, 30, 8)), hsi=CUBE, wl=CENTRES))
        assert scene.shape == CUBE.shape
        assert "hsi (7x9x12), whose bands fit the wavelengths" in scene.info.notes[0]

    @pytest.mark.parametrize(
        "name",
        [
            "wavlength",
            "wavelenght",
            "Wave_Length",
            "wavelengths_nm",
            "lambda",
            "lam",
            "wl",
            "WL",
            "centers",
            "hsi_wl",
        ],
    )
    def test_however_it_is_spelt(self, write, name):
        save, _ = write
        np.testing.assert_array_equal(open_scene(save(data=CUBE, **{name: CENTRES})).wavelengths, CENTRES)

    def test_widths_in_nanometres_beside_centres_in_micrometres(self, write):
        save, _ = write
        info = open_scene(save(data=CUBE, wl=CENTRES / 1000, fwhm=np.full(BANDS, 9.5))).info
        np.testing.assert_allclose(info.wavelengths, CENTRES)
        np.testing.assert_array_equal(info.fwhm, 9.5)
        assert any("widths are taken in nm" in note for note in info.notes)

    def test_a_picture_goes_last_even_without_wavelengths(self, write):
        save, _ = write
        assert open_scene(save(data=CUBE, photo=np.zeros((90, 90, 3)))).shape == CUBE.shape

    def test_bands_first_is_turned_where_the_wavelengths_tell(self, write):
        save, _ = write
        scene = open_scene(save(cube=np.moveaxis(CUBE, -1, 0), wl=CENTRES))
        np.testing.assert_array_equal(scene.read(), CUBE.astype(np.float32))
        assert "taken as bands x rows x columns" in scene.info.notes[0]

    def test_bands_first_is_turned_where_a_map_tells(self, write):
        save, _ = write
        truth = np.zeros((ROWS, COLS))
        truth[2, 3] = 1
        scene = open_scene(save(cube=np.moveaxis(CUBE, -1, 0), gt=truth))
        assert scene.shape == CUBE.shape
        np.testing.assert_array_equal(scene.truth, truth == 1)


class TestBadBands:
    GOOD = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1])

    @pytest.mark.parametrize(
        ("name", "values"),
        [("bbl", GOOD), ("good_bands", GOOD), ("badbands", 1 - GOOD), ("bad_bands", np.array([3, 7]))],
    )
    def test_flags_and_numbers(self, write, name, values):
        save, order = write
        if len(values) < BANDS and order == "C":
            values = values - 1  # NumPy counts from 0
        scene = open_scene(save(data=CUBE, **{name: values}))
        assert scene.bands.tolist() == [0, 1, 3, 4, 5, 7, 8, 9, 10, 11]
        assert f"2 bands are marked bad by variable {name}" in scene.info.notes

    def test_bands_selected_of_all(self, write):
        save, order = write
        scene = open_scene(save(Y=UNFOLDED[order], nRow=ROWS, nCol=COLS, SlectBands=np.arange(4, 12)))
        assert scene.shape[2] == 8

    @pytest.mark.parametrize(
        "values", [np.arange(3, 15), np.ones(BANDS), np.array([1, 99]), np.array([1.5, 2])]
    )
    def test_what_names_no_bands_of_this_cube_marks_none(self, write, values):
        save, _ = write
        assert open_scene(save(data=CUBE, SlectBands=values)).info.bad_bands is None


class TestHint:
    @pytest.mark.parametrize("shape", [(12, 40, 40), (3, 50, 60), (200, 100, 100), (204, 512, 2000)])
    def test_what_looks_like_bands_first_is_asked_about(self, tmp_path, shape):
        np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
        scene = open_scene(tmp_path / "a.npy")
        assert scene.shape == shape
        assert "if the first axis holds the bands" in scene.info.notes[0]

    @pytest.mark.parametrize(
        "shape", [(100, 100, 200), (60, 80, 102), (1, 40, 30), (610, 340, 103), (5, 5, 5)]
    )
    def test_usual_scenes_are_not(self, tmp_path, shape):
        np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
        assert open_scene(tmp_path / "a.npy").info.notes == ()

    def test_what_the_sidecar_describes_is_known(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((3, 50, 60)))
        (tmp_path / "a.npy.json").write_text('{"shape": [3, 50, 60]}')
        assert open_scene(tmp_path / "a.npy").info.notes == ()

    @given(st.tuples(*[st.integers(1, 3000)] * 3))
    def test_a_hint_is_one_line_or_none(self, shape):
        assert "\n" not in (bands_first(shape) or "")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Y", "A", "data", "rgb", "nRow", "nCol", "wl", "bbl", "fwhm", "map", "size"]),
            st.lists(st.integers(0, 6), min_size=0, max_size=4),
        ),
        max_size=6,
        unique_by=lambda item: item[0],
    ),
    st.sampled_from("FC"),
)
def test_any_collection_of_arrays_is_a_scene_or_one_line(arrays, order):
    def variable(name, shape):
        return Variable(name, tuple(shape), True, lambda: np.arange(np.prod(shape, dtype=int)).reshape(shape))

    refusal, choice = "", None
    try:
        choice = choose("s.mat", [variable(*item) for item in arrays], {}, order=order)
    except SceneError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert refusal or choice.cube.load().shape == choice.cube.shape
