"""Methods as scikit-learn's estimators: its own checks, its signs, and where it cannot be followed."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import had_cli
from had_cli import HadDetector
from had_cli.errors import HadError
from had_cli.plugin.testing import example_cube

# what cannot hold of a method that judges a scene by the scene
NOT_KEPT = {
    "check_methods_subset_invariance": "a part of a scene has another background, and one pixel has none",
}


@parametrize_with_checks(
    [HadDetector("grx", device="cpu")], expected_failed_checks=lambda estimator: NOT_KEPT
)
@pytest.mark.filterwarnings("ignore")  # of pixels fewer than bands, and scikit-learn's own
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def test_scores_are_those_of_detect_with_the_sign_of_scikit_learn():
    cube, truth = example_cube()
    pixels = cube.reshape(-1, cube.shape[2])
    found = HadDetector("grx", device="cpu").fit(pixels)
    expected = had_cli.detect(cube, "grx", device="cpu").scores.ravel()
    np.testing.assert_allclose(found.scores_, expected, rtol=1e-5)
    np.testing.assert_array_equal(found.score_samples(pixels), -found.scores_.astype(float))
    assert (found.score_samples(pixels)[truth.ravel()] < np.median(found.score_samples(pixels))).all()


def test_a_cube_keeps_its_neighbours():
    cube, _ = example_cube()
    found = HadDetector("slrx", params={"block_size": 5}, device="cpu").fit(cube)
    expected = had_cli.detect(cube, "slrx", block_size=5, device="cpu").scores
    np.testing.assert_array_equal(found.scores_, expected)
    assert found.predict(cube).shape == cube.shape[:2]
    assert found.n_features_in_ == 16


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.5])
def test_the_share_that_was_asked_for_is_called_anomalous(contamination):
    cube, _ = example_cube()
    called = HadDetector(contamination=contamination, device="cpu").fit(cube).predict(cube) == -1
    assert called.mean() == pytest.approx(contamination, abs=1 / called.size)


def test_a_pixel_without_a_value_has_no_score():
    cube, _ = example_cube()
    cube[3, 4, 2] = np.nan
    cube[5, 6, 0] = np.inf
    found = HadDetector(device="cpu").fit(cube)
    assert np.isnan(found.score_samples(cube)[[3, 5], [4, 6]]).all()
    assert np.isnan(found.scores_).sum() == 2
    assert found.predict(cube)[3, 4] == 1


def test_it_has_its_place_in_a_pipeline_and_a_grid():
    cube, truth = example_cube()
    pixels = cube.reshape(-1, 16)
    pipeline = make_pipeline(StandardScaler(), HadDetector(device="cpu"))
    scores = pipeline.fit(pixels).score_samples(pixels)
    assert had_cli.evaluate(-scores, truth.ravel()).auc > 0.9
    for values in ParameterGrid({"method": ["grx", "ssf"], "seed": [0, 1]}):
        assert HadDetector().set_params(**values).get_params()["method"] == values["method"]


def test_the_seed_reaches_the_method(monkeypatch):
    seen = []
    real = had_cli.detection.detect.detect

    def detect(cube, method, **options):
        seen.append(options)
        return real(cube, method, **options)

    monkeypatch.setattr("had_cli.detection.estimator.detect", detect)
    HadDetector(seed=5, device="cpu", keep_constant_bands=True).fit(example_cube()[0])
    assert (seen[0]["seed"], seen[0]["device"], seen[0]["keep_constant_bands"]) == (5, "cpu", True)


@pytest.mark.parametrize("contamination", [0, 0.6, -1])
def test_a_contamination_that_is_no_share_is_refused(contamination):
    with pytest.raises(ValueError, match="contamination is over 0 and up to"):
        HadDetector(contamination=contamination).fit(example_cube()[0])


def test_an_unknown_method_and_an_unknown_parameter_are_refused_in_one_line():
    for detector in (HadDetector("nothing"), HadDetector("grx", params={"nothing": 1})):
        with pytest.raises(HadError) as raised:
            detector.fit(example_cube()[0])
        assert len(str(raised.value).splitlines()) == 1


def test_without_scikit_learn_the_remedy_is_named():
    code = "import sys; sys.modules.update({'sklearn': None, 'sklearn.base': None}); "
    code += "import had_cli; had_cli.HadDetector"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "had[sklearn]"' in done.stderr.splitlines()[-1]


def test_dir_has_the_functions_and_imports_nothing():
    code = (
        "import sys, had_cli; names = set(dir(had_cli));"
        "assert {'detect', 'open_scene', 'HadDetector'} <= names;"
        "assert not {'numpy', 'sklearn', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
