"""A score that is a sum of log-ranks has a known tail, which anomalies do not hide."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import genpareto, rankdata

from had_cli.results.threshold import threshold
from had_cli.results.threshold.log_ranks import fit_below
from had_cli.results.threshold.tail import Excesses

TAGS = {"had_facts": json.dumps({"log_ranks": True})}


def ranked(anomalous, correlation, seed, size=20_000):
    """Return the sum of three maps' log-ranks, and which pixels are anomalous: these lie far up in each."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=size)
    truth = np.arange(size) < anomalous * size
    total = np.zeros(size)
    for _ in range(3):
        values = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=size)
        values[truth] = rng.normal(4, 1.5, truth.sum())
        total -= np.log(1 - rankdata(values) / size + 1 / size)
    return total, truth


@pytest.mark.parametrize("correlation", [0.3, 0.6])
def test_false_alarms_are_as_many_as_asked_for_within_two_times(correlation):
    found = []
    for seed in range(3):
        scores, truth = ranked(0.01, correlation, seed)
        found.append(np.mean(scores[~truth] >= threshold(scores, "cfar:0.01", tags=TAGS).value))
    assert 0.005 < np.median(found) < 0.02


@pytest.mark.parametrize("rate", [1e-2, 1e-3])
def test_the_threshold_is_nearer_to_the_truth_than_a_fit_to_the_whole_tail(rate):
    scores, truth = ranked(0.01, 0.5, 7)
    wanted = np.quantile(scores[~truth], 1 - rate)
    known = threshold(scores, f"cfar:{rate}", tags=TAGS).value
    plain = threshold(scores, f"cfar:{rate}").value
    assert wanted * 0.9 < known < plain


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 30), st.integers(0, 50))
def test_an_exponential_tail_is_found_though_its_end_is_not_looked_at(scale, seed):
    rng = np.random.default_rng(seed)
    values = genpareto.rvs(0, scale=scale, size=2000, random_state=rng)
    values[:200] += 100 * scale  # what is set aside may be anything
    found = fit_below(Excesses.of(values, 0.1))
    assert found.shape == pytest.approx(0, abs=0.15)
    assert found.scale == pytest.approx(scale, rel=0.35)
    assert found.anomalies == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize("facts", ["{", "[]", '{"log_ranks": "yes"}', "[" * 5000])
def test_damaged_tags_are_those_of_another_map(facts):
    scores, _ = ranked(0.01, 0.3, 0)
    assert (
        threshold(scores, "cfar:0.01", tags={"had_facts": facts}).value
        == threshold(scores, "cfar:0.01").value
    )
