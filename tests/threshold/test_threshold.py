"""A threshold without labels holds what its rule says, and says how sure it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chi2, genpareto

from had_cli.errors import SceneError, UsageError
from had_cli.results.threshold import threshold
from had_cli.results.threshold.tail import Tail

BACKGROUNDS = {
    "chi-square": lambda rng, n: rng.chisquare(100, n),
    "heavy tails": lambda rng, n: rng.chisquare(100, n) / (rng.chisquare(10, n) / 10),
    "lognormal": lambda rng, n: np.exp(rng.normal(size=n)),
    "exponential": lambda rng, n: rng.exponential(size=n),
}


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("rate", [1e-2, 1e-3])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_cfar_keeps_its_rate_on_a_background_without_anomalies(rng, background, rate):
    draw = BACKGROUNDS[background]
    found = threshold(draw(rng, 150 * 150).reshape(150, 150), f"cfar:{rate}")
    actual = np.mean(draw(rng, 2_000_000) >= found.value)
    assert rate / 1.7 < actual < rate * 1.7


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_cfar_keeps_within_a_factor_of_two_beside_anomalies(rng, background):
    draw = BACKGROUNDS[background]
    scores = draw(rng, 150 * 150)
    highest = scores.max()
    scores[:45] = highest * rng.uniform(1, 4, 45)  # 0.2 % of the pixels, twice the false alarms asked for
    found = threshold(scores.reshape(150, 150), "cfar:1e-3")
    actual = np.mean(draw(rng, 2_000_000) >= found.value)
    assert 1e-3 / 2.2 < actual < 2.2e-3
    empirical = np.mean(draw(rng, 2_000_000) >= np.quantile(scores, 1 - 1e-3))
    assert empirical < 2e-4  # what the plain quantile makes of it


def test_the_interval_of_cfar_holds_the_true_threshold_and_narrows_with_more_pixels(rng):
    truth = chi2.isf(1e-3, 100)
    widths = []
    for edge in (60, 240):
        found = threshold(rng.chisquare(100, (edge, edge)), "cfar:1e-3")
        low, high = found.interval
        assert low <= found.value <= high
        assert low < truth < high
        widths.append(high - low)
    assert widths[1] < 0.75 * widths[0]


def test_neighbours_that_resemble_one_another_make_the_threshold_less_sure(rng):
    single = rng.chisquare(20, (160, 160))
    coarse = np.kron(rng.chisquare(20, (20, 20)), np.ones((8, 8))) + 1e-3 * rng.random((160, 160))
    widths = [np.ptp(threshold(scores, "cfar:1e-2").interval) for scores in (single, coarse)]
    assert widths[1] > 2 * widths[0]


def test_the_same_seed_gives_the_same_threshold_and_interval(rng):
    scores = rng.chisquare(50, (80, 80))
    one, other = (threshold(scores, "cfar:1e-3", seed=3) for _ in range(2))
    assert one == other
    assert threshold(scores, "cfar:1e-3", seed=4).value == one.value


def test_scaling_the_scores_scales_the_threshold(rng):
    scores = rng.chisquare(50, (80, 80))
    plain, scaled = (threshold(values, "cfar:1e-3").value for values in (scores, 1000 * scores - 7))
    assert scaled == pytest.approx(1000 * plain - 7, rel=1e-3)


def test_pixels_without_a_score_take_no_part(rng):
    scores = rng.chisquare(50, (90, 90))
    holed = np.full((120, 90), np.nan)
    holed[:90] = scores
    assert threshold(holed, "quantile:0.9").value == threshold(scores, "quantile:0.9").value
    assert threshold(holed, "cfar:1e-2").value == pytest.approx(threshold(scores, "cfar:1e-2").value)
    assert not threshold(holed, "value:0").mask(holed)[90:].any()


def test_infinite_scores_reach_every_threshold(rng):
    scores = rng.chisquare(50, (90, 90))
    scores[3, 3] = np.inf
    found = threshold(scores, "cfar:1e-3")
    assert np.isfinite(found.value)
    assert found.mask(scores)[3, 3]


def test_a_quantile_has_a_distribution_free_interval(rng):
    hits = 0
    for _ in range(200):
        low, high = threshold(rng.random(500), "quantile:0.9").interval
        hits += low <= 0.9 <= high
    assert hits >= 180  # 95 % of 200, less three standard deviations


def test_a_value_is_taken_as_it_is():
    found = threshold(np.arange(10.0).reshape(2, 5), "value:7")
    assert (found.value, found.interval, found.pixels, found.valid_pixels) == (7.0, None, 3, 10)


def test_chi_square_takes_its_freedom_from_the_tags_and_warns(rng):
    tags = {"had_method": "grx", "had_facts": json.dumps({"chi_square_freedom": 37})}
    found = threshold(rng.chisquare(37, (50, 50)), "chi2:1e-3", tags=tags)
    assert found.value == pytest.approx(chi2.isf(1e-3, 37))
    assert found.details == {"degrees_of_freedom": 37}
    assert "0.05 to 0.17" in found.warnings[0]


@pytest.mark.parametrize("tags", [{}, {"had_facts": "{}"}, {"had_facts": json.dumps({"rank": 9})}])
def test_chi_square_is_refused_for_other_maps(rng, tags):
    with pytest.raises(UsageError, match=r"use cfar:0\.001"):
        threshold(rng.random((9, 9)), "chi2:1e-3", tags=tags)


@pytest.mark.parametrize(
    "scores",
    [
        np.full((5, 5), np.nan),
        np.zeros((50, 50)),
        np.arange(20.0),
        np.random.default_rng(1).integers(0, 4, 5000),
    ],
    ids=["invalid", "constant", "few", "discrete"],
)
def test_a_map_without_a_tail_is_refused_in_one_line(scores):
    with pytest.raises(SceneError) as caught:
        threshold(scores, "cfar:1e-3")
    assert "\n" not in str(caught.value)


def test_a_rate_beyond_the_scene_is_told_to_be_extrapolated(rng):
    (warning,) = threshold(rng.chisquare(50, (60, 60)), "cfar:1e-5").warnings
    assert "extrapolated" in warning


def test_the_document_is_json(rng):
    document = json.loads(
        json.dumps(threshold(rng.chisquare(9, (60, 60)), "cfar:1e-2").to_json(), allow_nan=False)
    )
    assert document["rule"] == "cfar:0.01"
    assert document["interval"][0] < document["value"] < document["interval"][1]
    assert document["fraction"] == document["pixels"] / document["valid_pixels"]


def test_a_tail_is_its_own_inverse():
    tail = Tail(3.0, 0.1, 0.2, 1.5)
    assert tail.rate_at(tail.score_at(1e-4)) == pytest.approx(1e-4)
    assert tail.score_at(0.1) == 3.0
    assert tail.score_at(1e-4) == pytest.approx(3 + genpareto.isf(1e-3, 0.2, scale=1.5))
