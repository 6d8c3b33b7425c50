"""Ranks on a logarithmic scale, sorted or counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import rankdata

from had_ssf.ranks import Bins, average_ranks, log_rank

finite = arrays.arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0, 1, -2]),
)


@settings(deadline=None)
@given(finite)
def test_ties_share_the_mean_of_their_ranks(values):
    np.testing.assert_array_equal(average_ranks(values), rankdata(values))


@settings(deadline=None)
@given(finite)
def test_counting_keeps_the_order(values):
    ranks = Bins.of([values[:7], values[7:]]).ranks(values)
    order = np.argsort(values)
    assert (np.diff(ranks[order]) >= 0).all()
    assert ranks.min() >= 0.5
    assert ranks.max() < len(values) + 0.5


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e5]))
def test_counted_ranks_and_quantiles_are_near_the_exact_ones(seed, scale):
    values = (np.random.default_rng(seed).lognormal(size=20_000) * scale).astype(np.float32)
    bins = Bins.of([values])
    error = np.abs(bins.ranks(values) - rankdata(values)) / len(values)
    assert error.max() < 0.002
    parts = np.linspace(0, 1, 64)
    below = np.searchsorted(np.sort(values), bins.quantiles(parts)) / len(values)
    np.testing.assert_allclose(below, parts, atol=0.002)


def test_the_highest_rank_is_the_logarithm_of_the_number():
    np.testing.assert_allclose(log_rank(np.array([1.0, 50, 100]), 100), [0, -np.log(0.51), np.log(100)])
