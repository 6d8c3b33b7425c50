"""What every method promises, as tests."""

from __future__ import annotations

import pickle
import subprocess
import sys
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
from had_cli.plugin.testing.scenes import example_cube, example_scene
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.weights.models import find_weights
from had_cli.weights.verification import verify

Scores = npt.NDArray[np.float32]

_IMPORTS_LITTLE = """
import sys
from had_cli.plugin import host
assert host.methods()[{method!r}].summary
heavy = sorted({{"numpy", "torch", "scipy", "sklearn", "rasterio"}} & set(sys.modules))
assert not heavy, f"describing the method imports {{heavy}}"
"""


def _pickled(piece: Any) -> Any:
    """Return ``piece`` as another process would get it."""
    return pickle.loads(pickle.dumps(piece))  # noqa: S301 - our own bytes


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
        subprocess.run([sys.executable, "-c", _IMPORTS_LITTLE.format(method=self.method)], check=True)  # noqa: S603 - ourselves

    def test_everything_it_declares_is_explained(self) -> None:
        """Summary and paper are given, and every parameter has a help that is a sentence."""
        method = self.description
        assert method.summary.strip(), "the summary is empty"
        assert method.paper.strip(), "the paper is empty; say where the method is defined"
        for param in (*method.params, *method.train_params):
            assert len(param.help.split()) >= 3, f"{param.option}: the help {param.help!r} says too little"

    def test_what_it_refers_to_exists(self) -> None:
        """``detect`` (and ``train``, if declared) can be imported and called."""
        for reference in (self.description.detect, self.description.train):
            assert reference is None or callable(host.resolve(reference))

    def test_weights_that_come_with_it_are_sound(self) -> None:
        """Their hash is as declared, and their output as when they were made."""
        for bundled in self.description.bundled:
            assert verify(find_weights(bundled.name, own=False)).error is None

    # -- scores ---------------------------------------------------------------------------------
    def scores(self, scene: Scene | npt.NDArray[Any], **options: Any) -> Scores:
        """Return the method's scores on the CPU."""
        options = {"engine": "memory", "device": "cpu", "weights": self.weights, **options}
        return api.detect(scene, self.method, **options, **self.params).scores

    @pytest.mark.parametrize(("rows", "cols"), [(40, 60), (61, 37), (24, 24)])
    def test_scores_are_finite_exactly_where_pixels_are_valid(self, rows: int, cols: int) -> None:
        """The map has the scene's shape, is float32, and NaN at nodata and at pixels bad in one band."""
        scene = example_scene(rows, cols, self.bands)
        self._complete(self.scores(scene), scene)

    def test_obvious_anomalies_score_above_the_background(self) -> None:
        """High scores mean anomalous."""
        cube, truth = example_cube(bands=self.bands)
        if self.least_auc is not None:
            assert api.evaluate(self.scores(cube), truth).auc >= self.least_auc

    def test_anomalies_are_found_without_looking_at_the_truth(self) -> None:
        """The scores do not depend on the labels a scene carries."""
        cube, truth = example_cube(bands=self.bands)
        labelled = Scene.from_array(cube, truth=lambda: ~truth)
        np.testing.assert_array_equal(self.scores(labelled), self.scores(cube))

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        """A run can be repeated."""
        scene = example_scene(bands=self.bands)
        assert self.scores(scene, seed=3).tobytes() == self.scores(scene, seed=3).tobytes()

    def test_the_scene_is_left_as_it_was(self) -> None:
        """Blocks may share memory with the user's array, so no method may write into them."""
        cube, _ = example_cube(bands=self.bands)
        before = cube.copy()
        self.scores(cube)
        np.testing.assert_array_equal(cube, before)

    @pytest.mark.parametrize("pixels", [53, 211, 997])
    def test_a_streamed_scene_scores_as_one_in_memory(
        self, pixels: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Blocks that do not divide the scene leave no seams."""
        from had_cli.detection import detect as detection
        from had_cli.engine.executor import Executor

        class Cut(Executor):
            def __init__(self, scene: Scene, **options: Any) -> None:
                super().__init__(scene, **{**options, "block_pixels": pixels})

        scene = example_scene(bands=self.bands)
        in_memory = self.scores(scene)
        monkeypatch.setattr(detection, "Executor", Cut)
        self._alike(self.scores(scene, engine="stream"), in_memory)

    def test_its_pieces_can_be_sent_to_other_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Reductions and block maps survive pickling, as a cluster needs."""
        from had_cli.detection import detect as detection
        from had_cli.engine.executor import Executor

        class Travelling(Executor):
            def reduce(self, reduction: Any, *args: Any, **options: Any) -> Any:
                return super().reduce(_pickled(reduction), *args, **options)

            def reduce_blocks(self, reduction: Any, **options: Any) -> Any:
                return super().reduce_blocks(_pickled(reduction), **options)

            def map(self, function: Any, **options: Any) -> Scores:
                return super().map(_pickled(function), **options)

        scene = example_scene(bands=self.bands)
        at_home = self.scores(scene)
        monkeypatch.setattr(detection, "Executor", Travelling)
        np.testing.assert_array_equal(self.scores(scene), at_home)

    # -- what scenes are like -------------------------------------------------------------------
    @pytest.mark.parametrize("stored", ["<i2", ">i2", ">f4", "<f8"])
    def test_the_type_that_a_scene_is_stored_in_does_not_matter(self, stored: str) -> None:
        """Equal values give equal scores, big-endian integers with negatives among them."""
        cube, _ = example_cube(bands=self.bands)
        counts = np.round(cube * 5000) - 600
        assert counts.min() < 0
        self._alike(self.scores(counts.astype(stored)), self.scores(counts.astype(np.float32)))

    @pytest.mark.parametrize("value", [0.0, 0.25])
    def test_constant_bands_do_no_harm(self, value: float) -> None:
        """Dead bands are common, and kept on request; the scores stay finite."""
        cube, _ = example_cube(bands=self.bands)
        cube[..., [0, self.bands // 2]] = value
        self._complete(self.scores(cube, keep_constant_bands=True), Scene.from_array(cube))

    @pytest.mark.parametrize(
        ("rows", "cols", "bands"), [(1, 1, 5), (1, 60, 4), (3, 3, 20), (40, 60, 1)], ids=str
    )
    def test_a_tiny_scene_is_scored_or_refused_in_one_line(self, rows: int, cols: int, bands: int) -> None:
        """One pixel, one row, fewer pixels than bands, one band."""
        self._complete_or_refused(example_cube(rows, cols, bands)[0])

    def test_a_constant_scene_is_scored_or_refused_in_one_line(self) -> None:
        """Nothing varies, so there is nothing to compare with."""
        self._complete_or_refused(np.full((30, 30, self.bands), 0.3, np.float32))

    def test_a_scene_without_valid_pixels_is_refused_in_one_line(self) -> None:
        """All nodata: an empty map would look like a result."""
        with pytest.raises(HadError, match=r"\A[^\n]+\Z"):
            self.scores(np.full((30, 30, self.bands), np.nan, np.float32))

    # -- comparisons ----------------------------------------------------------------------------
    def _complete(self, scores: Scores, scene: Scene) -> None:
        assert scores.shape == scene.shape[:2], f"{scores.shape} scores for {scene.shape[:2]} pixels"
        assert scores.dtype == np.float32, f"the scores are {scores.dtype}, not float32"
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
