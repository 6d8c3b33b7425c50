"""What every method promises, as tests; each failure names its rule (:mod:`had_cli.plugin.testing.rules`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from had_cli import api
from had_cli.errors import HadError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.plugin.testing.engines import Backwards, Travelling, Watching, cut, running_on
from had_cli.plugin.testing.fresh import fresh_scores, imported_by_describing
from had_cli.plugin.testing.rules import keeping
from had_cli.plugin.testing.scenes import example_cube, example_scene
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.weights.models import find_weights
from had_cli.weights.verification import verify

Scores = npt.NDArray[np.float32]


class MethodContract:
    """Tests of one method; inherit and name it.

    Attributes
    ----------
    method : the method's name
    params : parameters other than the defaults
    weights : a weights file, for a method that needs one
    bands : bands of the generated scenes
    least_auc : AUC(D,F) to be reached on an easy scene; None where none can be promised
    rtol, atol : how far a streamed score may be from one in memory: relative, and as a part of the
        highest score
    """

    method: ClassVar[str]
    params: ClassVar[Mapping[str, Any]] = {}
    weights: ClassVar[str | Path | None] = None
    bands: ClassVar[int] = 16
    least_auc: ClassVar[float | None] = 0.9
    rtol: ClassVar[float] = 1e-5
    atol: ClassVar[float] = 1e-7

    # -- description ----------------------------------------------------------------------------
    @property
    def description(self) -> Method:
        """What the plugin declares."""
        return host.method(self.method)

    def test_describing_it_imports_nothing_heavy(self) -> None:
        """``had plugins`` and ``had --help`` stay quick whatever is installed."""
        with keeping("light"):
            heavy = imported_by_describing(self.method)
            assert not heavy, f"describing {self.method} imports {', '.join(heavy)}; import it on use"

    def test_everything_it_declares_is_explained(self) -> None:
        """Summary and paper are given, and every parameter has a help that is a sentence."""
        method = self.description
        with keeping("told"):
            assert method.summary.strip(), "the summary is empty"
            assert method.paper.strip(), "the paper is empty; say where the method is defined"
            for param in (*method.params, *method.train_params):
                assert len(param.help.split()) >= 3, (
                    f"{param.option}: the help {param.help!r} says too little"
                )

    def test_what_it_refers_to_exists(self) -> None:
        """``detect`` (and ``train``, if declared) can be imported and called."""
        with keeping("told"):
            for reference in (self.description.detect, self.description.train):
                assert reference is None or callable(host.resolve(reference)), f"{reference} cannot be called"

    def test_weights_that_come_with_it_are_sound(self) -> None:
        """Their hash is as declared, and their output as when they were made."""
        with keeping("sound-weights"):
            for bundled in self.description.bundled:
                error = verify(find_weights(bundled.name, own=False)).error
                assert error is None, f"{bundled.name}: {error}"

    # -- scores ---------------------------------------------------------------------------------
    def scores(self, scene: Scene | npt.NDArray[Any] | Path, **options: Any) -> Scores:
        """Return the method's scores on the CPU."""
        options = {"engine": "memory", "device": "cpu", "weights": self.weights, **options}
        return api.detect(scene, self.method, **options, **self.params).scores

    @pytest.mark.parametrize(("rows", "cols"), [(40, 60), (61, 37), (24, 24)])
    def test_scores_are_finite_exactly_where_pixels_are_valid(self, rows: int, cols: int) -> None:
        """The map has the scene's shape, is float32, and NaN at nodata and at pixels bad in one band."""
        scene = example_scene(rows, cols, self.bands)
        with keeping("every-valid-pixel"):
            self._complete(self.scores(scene), scene)

    def test_the_map_has_the_scene_s_shape_and_is_single_precision(self) -> None:
        """One score per pixel, as it is written into the map."""
        scene = example_scene(bands=self.bands, holes=False)
        with keeping("whole-map"):
            self._whole(self.scores(scene), scene)

    def test_obvious_anomalies_score_above_the_background(self) -> None:
        """High scores mean anomalous."""
        cube, truth = example_cube(bands=self.bands)
        if self.least_auc is not None:
            with keeping("high-is-anomalous"):
                auc = api.evaluate(self.scores(cube), truth).auc
                assert auc >= self.least_auc, f"AUC(D,F) is {auc:.4f}, not {self.least_auc} or more"

    def test_anomalies_are_found_without_looking_at_the_truth(self) -> None:
        """The scores do not depend on the labels a scene carries."""
        cube, truth = example_cube(bands=self.bands)
        labelled = Scene.from_array(cube, truth=lambda: ~truth)
        with keeping("blind"):
            np.testing.assert_array_equal(self.scores(labelled), self.scores(cube))

    def test_the_name_and_the_place_of_a_scene_do_not_matter(self, tmp_path: Path) -> None:
        """A scene that was renamed or moved is the same scene."""
        cube, _ = example_cube(bands=self.bands)
        places = tmp_path / "urban-1.npy", tmp_path / "elsewhere" / "beach.npy"
        places[1].parent.mkdir()
        with keeping("nameless"):
            expected = self.scores(cube)
            for place in places:
                np.save(place, cube)
                np.testing.assert_array_equal(self.scores(place), expected, err_msg=f"from {place.name}")
            named = self.scores(Scene.from_array(cube, name="abu-airport-1"))
            np.testing.assert_array_equal(named, expected, err_msg="under another name")

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        """A run can be repeated."""
        scene = example_scene(bands=self.bands)
        with keeping("same-seed"):
            first, second = self.scores(scene, seed=3), self.scores(scene, seed=3)
            np.testing.assert_array_equal(first, second, err_msg="two runs with one seed")

    # -- processes ------------------------------------------------------------------------------
    def test_the_same_seed_gives_the_same_bytes_in_another_process(self) -> None:
        """Nothing comes of ``hash`` of a text, an address or the time, which differ between processes."""
        with keeping("same-seed"):
            (first,), (second,) = (self._fresh(0, hash_seed=seed) for seed in (1, 2))
            np.testing.assert_array_equal(first, second, err_msg="two processes with one seed")

    def test_nothing_is_kept_from_one_scene_to_the_next(self) -> None:
        """A second scene of the same size scores as in a fresh process, and so does the first after it."""
        with keeping("no-memory"):
            first, after, again = self._fresh(0, 1, 0, hash_seed=1)
            (alone,) = self._fresh(1, hash_seed=1)
            np.testing.assert_array_equal(after, alone, err_msg="a second scene of the same size")
            np.testing.assert_array_equal(again, first, err_msg="the first scene, once more")

    def _fresh(self, *seeds: int, hash_seed: int) -> list[Scores]:
        return fresh_scores(seeds, self.method, self.params, self.weights, self.bands, hash_seed=hash_seed)

    # -- blocks ---------------------------------------------------------------------------------
    def test_the_scene_is_left_as_it_was(self) -> None:
        """Blocks may share memory with the user's array, so no method may write into them."""
        cube, _ = example_cube(bands=self.bands)
        before = cube.copy()
        with keeping("read-only"):
            self.scores(cube)
            np.testing.assert_array_equal(cube, before)

    def test_blocks_are_left_as_they_were_invalid_pixels_too(self) -> None:
        """What a method writes into an invalid pixel, the next pass may read."""
        cube, _ = example_cube(bands=self.bands)
        cube[3, 5:9], cube[20, 30, 2] = np.nan, np.inf
        before = cube.copy()
        with keeping("read-only"), running_on(Watching):
            self.scores(cube)
            np.testing.assert_array_equal(cube, before)

    @pytest.mark.parametrize("pixels", [53, 211, 997])
    def test_a_streamed_scene_scores_as_one_in_memory(self, pixels: int) -> None:
        """Blocks that do not divide the scene leave no seams."""
        scene = example_scene(bands=self.bands)
        with keeping("no-seams"):
            in_memory = self.scores(scene)
            with running_on(cut(pixels)):
                self._alike(self.scores(scene, engine="stream"), in_memory)

    def test_the_order_of_blocks_does_not_matter(self) -> None:
        """Threads and machines finish blocks in any order."""
        scene = example_scene(bands=self.bands)
        with keeping("no-seams"):
            expected = self.scores(scene)
            with running_on(Backwards):
                self._alike(self.scores(scene), expected)

    def test_its_pieces_can_be_sent_to_other_processes(self) -> None:
        """Reductions and block maps survive pickling, as a cluster needs."""
        scene = example_scene(bands=self.bands)
        with keeping("travelling"):
            at_home = self.scores(scene)
            with running_on(Travelling):
                np.testing.assert_array_equal(self.scores(scene), at_home)

    # -- what scenes are like -------------------------------------------------------------------
    @pytest.mark.parametrize("stored", ["<i2", ">i2", ">f4", "<f8"])
    def test_the_type_that_a_scene_is_stored_in_does_not_matter(self, stored: str) -> None:
        """Equal values give equal scores, big-endian integers with negatives among them."""
        cube, _ = example_cube(bands=self.bands)
        counts = np.round(cube * 5000) - 600
        assert counts.min() < 0
        with keeping("typeless"):
            self._alike(self.scores(counts.astype(stored)), self.scores(counts.astype(np.float32)))

    @pytest.mark.parametrize("value", [0.0, 0.25])
    def test_constant_bands_do_no_harm(self, value: float) -> None:
        """Dead bands are common, and kept on request; the scores stay finite."""
        cube, _ = example_cube(bands=self.bands)
        cube[..., [0, self.bands // 2]] = value
        with keeping("any-scene"):
            self._complete(self.scores(cube, keep_constant_bands=True), Scene.from_array(cube))

    @pytest.mark.parametrize(
        ("rows", "cols", "bands"), [(1, 1, 5), (1, 60, 4), (3, 3, 20), (40, 60, 1)], ids=str
    )
    def test_a_tiny_scene_is_scored_or_refused_in_one_line(self, rows: int, cols: int, bands: int) -> None:
        """One pixel, one row, fewer pixels than bands, one band."""
        with keeping("any-scene"):
            self._complete_or_refused(example_cube(rows, cols, bands)[0])

    def test_a_constant_scene_is_scored_or_refused_in_one_line(self) -> None:
        """Nothing varies, so there is nothing to compare with."""
        with keeping("any-scene"):
            self._complete_or_refused(np.full((30, 30, self.bands), 0.3, np.float32))

    def test_a_scene_without_valid_pixels_is_refused_in_one_line(self) -> None:
        """All nodata: an empty map would look like a result."""
        with keeping("any-scene"):
            try:
                self.scores(np.full((30, 30, self.bands), np.nan, np.float32))
            except HadError as error:
                refusal = str(error)
            else:
                raise AssertionError("a scene without valid pixels is scored")
            assert len(refusal.splitlines()) == 1, f"a refusal is one line, not {refusal!r}"

    # -- comparisons ----------------------------------------------------------------------------
    def _whole(self, scores: Scores, scene: Scene) -> None:
        assert scores.shape == scene.shape[:2], f"{scores.shape} scores for {scene.shape[:2]} pixels"
        assert scores.dtype == np.float32, f"the scores are {scores.dtype}, not float32"

    def _complete(self, scores: Scores, scene: Scene) -> None:
        self._whole(scores, scene)
        valid = valid_pixels(scene.read())
        assert np.isfinite(scores[valid]).all(), "some valid pixels have no finite score"
        assert np.isnan(scores[~valid]).all(), "some invalid pixels have a score"

    def _complete_or_refused(self, cube: npt.NDArray[np.float32]) -> None:
        refusal = None
        try:
            scores = self.scores(cube)
        except HadError as error:
            refusal = str(error)
        if refusal is None:
            self._complete(scores, Scene.from_array(cube))
        else:
            assert len(refusal.splitlines()) == 1, f"a refusal is one line, not {refusal!r}"

    def _alike(self, scores: Scores, expected: Scores) -> None:
        atol = self.atol * float(np.nanmax(np.abs(expected)))
        np.testing.assert_allclose(scores, expected, rtol=self.rtol, atol=atol)
