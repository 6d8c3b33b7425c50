"""The ROC points, in full and thinned, and the sorting that is done once."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from had_cli.results.metrics.curve import Curve, curve_of, shared


def example(pixels=20000, anomalous=0.01):
    random = np.random.default_rng(11)
    truth = random.random(pixels) < anomalous
    return truth, (random.normal(size=pixels) + 2 * truth).astype(np.float32)


def test_full_points_are_those_of_scikit_learn():
    truth, scores = example()
    points = Curve.of(truth, scores).points()
    p_f, p_d, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    np.testing.assert_allclose(points.p_f, p_f, atol=1e-12)
    np.testing.assert_allclose(points.p_d, p_d, atol=1e-12)
    np.testing.assert_array_equal(points.threshold, thresholds)


def test_tau_runs_from_one_at_the_highest_score_to_zero_at_the_lowest():
    points = Curve.of(*example()).points()
    assert (points.tau[0], points.tau[1], points.tau[-1]) == (np.inf, 1, 0)
    assert (np.diff(points.tau[1:]) < 0).all()


def test_thinned_points_lie_on_the_curve_and_keep_its_ends():
    truth, scores = example()
    curve = Curve.of(truth, scores)
    full, thin = curve.points(), curve.points(60)
    on_curve = set(zip(full.p_f, full.p_d, full.threshold, strict=True))
    assert set(zip(thin.p_f, thin.p_d, thin.threshold, strict=True)) <= on_curve
    assert 30 <= len(thin.p_f) <= 61
    assert (thin.p_f[0], thin.p_d[0], thin.p_f[-1], thin.p_d[-1]) == (0, 0, 1, 1)


def test_thinned_points_resolve_low_false_alarm_rates():
    thin = Curve.of(*example()).points(90)
    assert np.sum((thin.p_f > 0) & (thin.p_f <= 1e-2)) >= 10


def test_a_map_with_fewer_scores_than_points_asked_for_comes_in_full():
    curve = Curve.of(*example(pixels=50, anomalous=0.1))
    np.testing.assert_array_equal(curve.points(200).p_f, curve.points().p_f)


@pytest.mark.parametrize("label", [True, False])
def test_the_rate_of_an_absent_class_is_undefined(label):
    curve = Curve.of(np.full(500, label), np.arange(500.0))
    for points in (curve.points(), curve.points(30)):
        present, absent = (points.p_d, points.p_f) if label else (points.p_f, points.p_d)
        assert present[-1] == 1
        assert np.isnan(absent[1:]).all()


def test_many_metrics_of_one_map_share_one_sort():
    truth, scores = example(100)
    scores = scores.astype(np.float64)
    curve = Curve.of(truth, scores)
    with shared(truth, scores, curve):
        assert curve_of(truth, scores) is curve
        assert curve_of(truth, scores.copy()) is not curve
    assert curve_of(truth, scores) is not curve
