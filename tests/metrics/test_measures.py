"""Every figure of merit against closed forms, brute force and scikit-learn."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import trapezoid
from sklearn.metrics import average_precision_score, roc_auc_score

from had_cli.results.metrics import measures
from had_cli.results.metrics.curve import Curve

FAMILY = ("auc_df", "auc_dtau", "auc_ftau", "auc_td", "auc_bs", "auc_tdbs", "auc_odp", "auc_oa", "auc_oadp")
NAMES = (*FAMILY, "auc_snpr", "average_precision", "f1", "pd_at_pf_1e_3", "pd_at_pf_1e_2")


def compute(name, truth, scores):
    return getattr(measures, name)(np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64))


def noisy_map(pixels=5000, decimals=2, seed=3):
    """A map of many ties with some anomalies that stand out a little."""
    random = np.random.default_rng(seed)
    truth = random.random(pixels) < 0.03
    return truth, np.round(random.normal(size=pixels) + 1.2 * truth, decimals)


@st.composite
def labelled_maps(draw):
    """Maps of both classes; few distinct scores, so that ties are common."""
    pixels = draw(st.integers(2, 40))
    truth = draw(arrays(bool, pixels))
    truth[0], truth[-1] = True, False
    return truth, draw(arrays(np.float64, pixels, elements=st.integers(-6, 6).map(float)))


def pairs(truth, scores):
    """Count anomaly-background pairs in the right order, ties half, one by one."""
    wins = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    return sum(wins) / len(wins)


def steps_over_tau(part, scores):
    """Integrate the step function P(tau) = share of ``part`` >= tau over [0, 1], step by step."""
    low, high = scores.min(), scores.max()
    scaled = (part - low) / (high - low) if high > low else np.zeros(len(part))
    edges = np.unique(np.concatenate([[0.0, 1.0], scaled]))
    return sum((right - left) * np.mean(scaled >= right) for left, right in pairwise(edges))


def test_values_of_a_map_small_enough_to_work_out_by_hand():
    truth = [True, True, False, False, False, False]
    scores = [10.0, 4.0, 6.0, 2.0, 2.0, 0.0]
    expected = {
        "auc_df": 7 / 8,
        "auc_dtau": 0.7,
        "auc_ftau": 0.25,
        "auc_td": 1.575,
        "auc_bs": 0.625,
        "auc_tdbs": 0.45,
        "auc_odp": 1.45,
        "auc_oa": 1.325,
        "auc_oadp": 2.325,
        "auc_snpr": 2.8,
        "average_precision": 0.5 * 1 + 0.5 * 2 / 3,
        "f1": 0.8,
    }
    for name, value in expected.items():
        assert compute(name, truth, scores) == pytest.approx(value, abs=1e-12), name


@given(labelled_maps())
def test_auc_is_the_share_of_pairs_in_the_right_order(labelled):
    truth, scores = labelled
    assert compute("auc_df", truth, scores) == pytest.approx(pairs(truth, scores), abs=1e-12)


@given(labelled_maps())
def test_auc_is_the_area_by_trapezoids_with_the_origin_in_front(labelled):
    truth, scores = labelled
    points = Curve.of(truth, scores).points()
    area = trapezoid(points.p_d, points.p_f)
    assert points.p_f[0] == points.p_d[0] == 0
    assert compute("auc_df", truth, scores) == pytest.approx(area, abs=1e-12)


@given(labelled_maps())
def test_areas_over_tau_are_areas_under_steps(labelled):
    truth, scores = labelled
    assert compute("auc_dtau", truth, scores) == pytest.approx(
        steps_over_tau(scores[truth], scores), abs=1e-9
    )
    assert compute("auc_ftau", truth, scores) == pytest.approx(
        steps_over_tau(scores[~truth], scores), abs=1e-9
    )


def test_areas_over_tau_are_mean_scaled_scores():
    truth, scores = noisy_map()
    scaled = (scores - scores.min()) / (scores.max() - scores.min())
    assert compute("auc_dtau", truth, scores) == pytest.approx(scaled[truth].mean(), abs=1e-9)
    assert compute("auc_ftau", truth, scores) == pytest.approx(scaled[~truth].mean(), abs=1e-9)


@given(labelled_maps())
def test_the_sums_hold(labelled):
    value = {name: compute(name, *labelled) for name in FAMILY}
    df, true, false = value["auc_df"], value["auc_dtau"], value["auc_ftau"]
    closed_forms = {
        "auc_td": df + true,
        "auc_bs": df - false,
        "auc_tdbs": true - false,
        "auc_odp": true + 1 - false,
        "auc_oa": df + true - false,
        "auc_oadp": df + true - false + 1,
    }
    for name, expected in closed_forms.items():
        assert value[name] == pytest.approx(expected, abs=1e-9), name


@given(labelled_maps(), st.sampled_from([np.exp, np.arctan, lambda s: s**3, lambda s: 5 * s - 7]))
def test_ranking_measures_do_not_change_under_monotone_maps(labelled, monotone):
    truth, scores = labelled
    for name in ("auc_df", "average_precision", "f1", "pd_at_pf_1e_2"):
        assert compute(name, truth, monotone(scores)) == pytest.approx(
            compute(name, truth, scores), abs=1e-12, nan_ok=True
        )


@given(labelled_maps())
def test_turning_the_scores_round_turns_the_auc_round(labelled):
    truth, scores = labelled
    turned = compute("auc_df", truth, -scores)
    assert turned == pytest.approx(1 - compute("auc_df", truth, scores), abs=1e-12)
    assert turned == pytest.approx(compute("auc_df", ~truth, scores), abs=1e-12)


@given(labelled_maps(), st.sampled_from([0.01, 0.1, 0.25, 0.5]))
def test_detection_at_a_false_alarm_rate_is_the_best_threshold_that_keeps_to_it(labelled, limit):
    truth, scores = labelled
    thresholds = [*np.unique(scores), np.inf]
    allowed = [np.mean(scores[truth] >= t) for t in thresholds if np.mean(scores[~truth] >= t) <= limit]
    expected = math.nan if 1 / np.sum(~truth) > limit else max(allowed)
    assert measures.detection_at(Curve.of(truth, scores), limit) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("background", [1000, 3000, 7000, 29000])
def test_one_false_alarm_in_a_thousand_is_counted_exactly(background):
    scores = np.concatenate([np.arange(background), np.full(4, background - background // 1000 - 0.5)])
    truth = np.arange(len(scores)) >= background
    assert compute("pd_at_pf_1e_3", truth, scores) == 1
    assert compute("pd_at_pf_1e_3", truth, scores - truth) == 0


def test_detection_at_a_rate_below_one_background_pixel_is_undefined():
    truth = np.arange(1000) == 0
    assert math.isnan(compute("pd_at_pf_1e_3", truth, np.arange(1000.0)))
    assert compute("pd_at_pf_1e_2", truth, -np.arange(1000.0)) == 1


@given(labelled_maps())
def test_the_best_f1_is_that_of_the_best_of_all_thresholds(labelled):
    truth, scores = labelled
    best, threshold = measures.best_f1(Curve.of(truth, scores))

    def f1_at(t):
        hits = np.sum(scores[truth] >= t)
        return 2 * hits / (np.sum(scores >= t) + truth.sum())

    assert best == pytest.approx(max(f1_at(t) for t in np.unique(scores)))
    assert best == pytest.approx(f1_at(threshold))


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
def test_agreement_with_scikit_learn(decimals):
    truth, scores = noisy_map(decimals=decimals)
    assert compute("auc_df", truth, scores) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert compute("average_precision", truth, scores) == pytest.approx(
        average_precision_score(truth, scores), abs=1e-12
    )


def test_a_perfect_map_reaches_what_is_declared_as_best():
    from had_cli.results import metrics

    truth = np.arange(3000) < 30
    for metric in metrics.had_metrics():
        assert compute(metric.name, truth, truth.astype(float)) == metric.best, metric.name


def test_a_constant_map_scales_to_zero_and_ranks_nothing():
    truth = np.arange(200) < 20
    values = {name: compute(name, truth, np.full(200, 7.0)) for name in NAMES}
    assert (values["auc_df"], values["auc_dtau"], values["auc_ftau"]) == (0.5, 0, 0)
    assert values["auc_snpr"] == math.inf
    assert values["average_precision"] == pytest.approx(0.1)
    assert values["pd_at_pf_1e_2"] == 0


@pytest.mark.parametrize(("label", "defined"), [(True, "auc_dtau"), (False, "auc_ftau")])
def test_a_truth_of_one_class_leaves_only_what_that_class_defines(label, defined):
    truth, scores = np.full(10, label), np.arange(10.0)
    for name in NAMES:
        value = compute(name, truth, scores)
        assert value == pytest.approx(0.5) if name == defined else math.isnan(value), name


def test_infinite_scores_rank_but_have_no_scale():
    truth, scores = [True, True, False, False], [math.inf, 3.0, 2.0, -math.inf]
    assert compute("auc_df", truth, scores) == 1
    assert compute("average_precision", truth, scores) == 1
    assert math.isnan(compute("auc_dtau", truth, scores))
    assert math.isnan(compute("auc_snpr", truth, scores))


def test_scores_as_far_apart_as_doubles_go_still_scale():
    assert compute("auc_dtau", [True, False, False], [1.7e308, -1.7e308, 0.0]) == 1
    assert compute("auc_ftau", [True, False, False], [1.7e308, -1.7e308, 0.0]) == pytest.approx(0.25)
