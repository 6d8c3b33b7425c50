"""Which array is the cube and which the truth, in .mat of both kinds and .npz alike."""

from __future__ import annotations

import generate
import numpy as np
import pytest
import scipy.io

from had_cli.errors import SceneError
from had_cli.scenes.open import open_scene, open_scores, open_truth

CUBE, TRUTH = generate.make_cube(), generate.make_truth()
WRITERS = {
    "v5": lambda folder, **variables: generate.write_mat5(folder / "s.mat", CUBE, **variables),
    "v73": lambda folder, **variables: generate.write_mat73(folder / "s.mat", CUBE, **variables),
    "npz": lambda folder, **variables: generate.write_npz(folder / "s.npz", CUBE, **variables),
}
VALID = np.ones((13, 17), np.uint8)
VALID[0, 0] = 0


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    return lambda **variables: WRITERS[request.param](tmp_path, **variables)


class TestCube:
    def test_the_largest_array_of_three_axes_is_the_cube_and_a_choice_is_told(self, write):
        path = write(rgb=CUBE[..., :3], flat=np.zeros((50, 50)))
        scene = open_scene(path)
        assert scene.shape == CUBE.shape
        assert (
            "the scene is variable data (13x17x6), the largest; also there: rgb (13x17x3)"
            in scene.info.notes[0]
        )
        np.testing.assert_array_equal(open_scene(path, variable="rgb").read(), CUBE[..., :3])

    def test_one_cube_needs_no_word(self, write):
        assert open_scene(write()).info.notes == ()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"variable": "cube"}, "holds no variable 'cube'; --variable takes one of: data (13x17x6)"),
            ({"truth_variable": "line"}, "variable line (1x5) is no truth of a scene of 13 x 17 pixels"),
        ],
    )
    def test_a_wrong_name_is_one_line(self, write, options, message):
        with pytest.raises(SceneError) as caught:
            open_scene(write(line=np.zeros((1, 5))), **options)
        assert message in str(caught.value)

    def test_two_axes_named_on_purpose_are_a_scene_of_one_band(self, write):
        scene = open_scene(write(flat=TRUTH), variable="flat")
        np.testing.assert_array_equal(scene.read()[..., 0], TRUTH)


class TestTruth:
    @pytest.mark.parametrize("kind", [np.uint8, np.float64, np.bool_])
    def test_a_zero_one_array_of_the_scenes_size_is_the_truth(self, write, kind):
        scene = open_scene(write(map=TRUTH.astype(kind)))
        np.testing.assert_array_equal(scene.truth, TRUTH == 1)
        np.testing.assert_array_equal(
            open_scene(scene.path, window=(9, 5, 3, 4)).truth, TRUTH[5:9, 9:12] == 1
        )

    def test_an_unusual_name_is_told(self, write):
        assert open_scene(write(mask=TRUTH)).info.notes == (
            "variable mask (3 of 221 pixels set) is taken as the truth",
        )

    def test_a_mask_that_is_mostly_ones_marks_valid_pixels(self, write):
        scene = open_scene(write(mask_sub=VALID))
        assert scene.truth is None
        assert "mask_sub marks valid pixels" in scene.info.notes[0]
        assert "--mask" in scene.info.notes[0]
        assert np.isfinite(scene.read()).all()

    def test_it_is_the_truth_beside_a_valid_mask(self, write):
        scene = open_scene(write(mask_sub=VALID, gt=TRUTH))
        np.testing.assert_array_equal(scene.truth, TRUTH == 1)

    def test_among_two_the_better_name_counts_and_the_choice_is_told(self, write):
        other = np.zeros_like(TRUTH)
        other[1, 1] = 1
        path = write(aaa=other, ground_truth=TRUTH)
        scene = open_scene(path)
        np.testing.assert_array_equal(scene.truth, TRUTH == 1)
        assert "also possible: aaa" in scene.info.notes[0]
        np.testing.assert_array_equal(open_scene(path, truth_variable="aaa").truth, other == 1)

    def test_neither_labels_nor_empty_maps_nor_other_sizes(self, write):
        labels, empty = TRUTH * 7, TRUTH * 0
        scene = open_scene(write(labels=labels, map=empty, gt=TRUTH[1:]))
        assert scene.truth is None
        assert scene.info.notes == ("variable map marks no pixel and is not used as the truth",)
        np.testing.assert_array_equal(open_scene(scene.path, truth_variable="labels").truth, TRUTH == 1)


class TestWavelengths:
    @pytest.mark.parametrize(
        "name", ["wavelengths", "Wavelength", "lambda", "wl", "bands", "center_wavelengths"]
    )
    def test_a_vector_of_that_name_and_length(self, write, name):
        scene = open_scene(write(**{name: np.linspace(400, 900, 6)[:, None]}))
        np.testing.assert_array_equal(scene.wavelengths, np.linspace(400, 900, 6))

    def test_micrometres(self, write):
        scene = open_scene(
            write(wavelengths=np.array([[0.4, 0.5, 0.6, 0.7, 0.8, 2.5]]), fwhm=np.full((6, 1), 0.01))
        )
        np.testing.assert_array_equal(scene.wavelengths, [400, 500, 600, 700, 800, 2500])
        np.testing.assert_array_equal(scene.info.fwhm, [10] * 6)
        assert "taken as um" in scene.info.notes[0]

    def test_band_numbers_are_none(self, write):
        assert open_scene(write(bands=np.arange(1.0, 7))).wavelengths is None

    def test_in_a_structure(self, tmp_path):
        path = generate.write_mat5(
            tmp_path / "s.mat", CUBE, info={"sensor": {"wavelength": np.linspace(400, 900, 6)}}
        )
        np.testing.assert_array_equal(open_scene(path).wavelengths, np.linspace(400, 900, 6))

    def test_a_cube_in_a_structure(self, tmp_path):
        scipy.io.savemat(tmp_path / "s.mat", {"hsi": {"Data": CUBE, "groundTruth": TRUTH}})
        scene = open_scene(tmp_path / "s.mat")
        np.testing.assert_array_equal(scene.read(), CUBE)
        assert scene.truth.sum() == 3
        np.testing.assert_array_equal(open_scene(tmp_path / "s.mat", variable="hsi.Data").read(), CUBE)


def test_big_endian_mat(tmp_path):
    """Solaris and PowerPC MATLAB wrote these."""
    path = tmp_path / "s.mat"
    scipy.io.savemat(path, {"data": CUBE}, do_compression=False)
    raw = path.read_bytes()
    assert raw[126:128] == b"IM"
    words = lambda block, size: np.frombuffer(block, f"<u{size}").astype(f">u{size}").tobytes()  # noqa: E731
    # header: version and mark; then tag, flags, dimensions, name and int16 data, each in its own width
    body = raw[128:]
    name_at = 8 + 16 + 24
    swapped = words(body[:name_at], 4) + _swapped_name(body[name_at : name_at + 8])
    data_at = name_at + 8
    swapped += words(body[data_at : data_at + 8], 4) + words(body[data_at + 8 : data_at + 8 + CUBE.nbytes], 2)
    swapped += body[data_at + 8 + CUBE.nbytes :]
    path.write_bytes(raw[:124] + b"\1\0MI" + swapped)
    scene = open_scene(path)
    assert scene.info.dtype.isnative
    np.testing.assert_array_equal(scene.read(), CUBE)


def _swapped_name(element: bytes) -> bytes:
    """Swap a small data element: type and size in one word, the text as it is."""
    return np.frombuffer(element[:4], "<u4").astype(">u4").tobytes() + element[4:]


EXPECTED = {
    "abu-airport-1": ((100, 100, 205), 144),
    "abu-beach-1": ((150, 150, 188), 19),
    "abu-beach-4": ((100, 100, 102), 68),
    "hydice": ((80, 100, 162), 17),
    "hydice-v73": ((80, 100, 162), 17),
    "sandiego": ((100, 100, 189), 58),
    "muufl-sub": ((51, 88, 72), None),
}


class TestTheUsersScenes:
    @pytest.mark.parametrize("name", EXPECTED)
    def test_shape_and_truth(self, shared, name):
        shape, anomalous = EXPECTED[name]
        with open_scene(shared / "scenes" / f"{name}.mat") as scene:
            assert scene.shape == shape
            assert (None if scene.truth is None else scene.truth.sum()) == anomalous

    def test_both_versions_of_hydice_agree(self, shared):
        first, second = (open_scene(shared / "scenes" / name) for name in ("hydice.mat", "hydice-v73.mat"))
        np.testing.assert_array_equal(first.truth, second.truth)
        counts, scaled = first.read(), second.read()  # each band scaled to 0..1 by itself
        agreement = [
            np.corrcoef(counts[..., b].ravel(), scaled[..., b].ravel())[0, 1] for b in range(0, 162, 20)
        ]
        assert min(agreement) > 0.9995

    def test_muufl_carries_wavelengths_and_a_mask_of_valid_pixels(self, shared):
        path = shared / "scenes" / "muufl-sub.mat"
        scene = open_scene(path, mask=path, bands="400-1000nm")
        assert scene.mask.mean() > 0.5
        assert scene.wavelengths.min() >= 400
        assert open_scene(path).wavelengths[[0, -1]] == pytest.approx([367.7, 1043.4], abs=1e-3)

    def test_a_scene_file_serves_as_truth(self, shared):
        assert open_truth(shared / "scenes" / "sandiego.mat", (100, 100)).sum() == 58


class TestLayers:
    def test_scores_of_a_mat_are_its_one_map(self, write):
        scores = np.linspace(0, 1, 221).reshape(13, 17)
        path = write(scores=scores)
        found, info = open_scores(path)
        np.testing.assert_array_equal(found, scores)
        assert found.dtype == np.float64
        assert info.shape == (13, 17, 1)

    def test_a_truth_by_name_or_by_being_the_one_that_can_be(self, write):
        path = write(valid_mask=VALID, spots=TRUTH, scores=np.random.default_rng(0).normal(size=(13, 17)))
        np.testing.assert_array_equal(open_truth(path, (13, 17)), TRUTH == 1)
        np.testing.assert_array_equal(open_truth(path, (13, 17), variable="spots"), TRUTH == 1)

    def test_several_maps_say_how_to_choose(self, write):
        path = write(a=TRUTH, b=TRUTH)
        with pytest.raises(
            SceneError, match=r"more than one 0/1 array that can be the truth: a .*, b .*--truth-variable"
        ):
            open_truth(path, (13, 17))

    def test_none_of_the_size(self, write):
        with pytest.raises(SceneError, match="holds no array of 5 rows x 6 columns, only: map"):
            open_truth(write(map=TRUTH), (5, 6))

    def test_a_mask_from_beside_the_cube(self, write):
        path = write(mask_sub=VALID, gt=TRUTH)
        scene = open_scene(path, mask=path)
        assert np.isnan(scene.read()[0, 0]).all()
        assert np.isnan(scene.read()).sum() == 6
