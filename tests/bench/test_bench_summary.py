"""Means and ranks over scenes, and the tables and pictures made of them."""

import math

import numpy as np
import pytest

from had_cli.bench.plots import roc_figure, separability_figure
from had_cli.bench.summary import mean, ranked, summarise
from had_cli.results.metrics.evaluation import evaluate

NAN = math.nan


def test_means_and_mean_ranks():
    values = {"one": {"a": 0.9, "b": 0.7, "c": 0.8}, "two": {"a": 0.5, "b": 0.6, "c": 0.6}}
    found = summarise(values, ["a", "b", "c"], 1.0)
    assert found.scenes == ("one", "two")
    assert found.mean == pytest.approx({"a": 0.7, "b": 0.65, "c": 0.7})
    assert found.rank == {"a": 2.0, "b": 2.25, "c": 1.75}


def test_the_value_nearest_to_a_perfect_one_ranks_first():
    assert ranked({"a": 0.1, "b": 0.3}, best=0.0) == {"a": 1, "b": 2}
    assert ranked({"a": 0.1, "b": 0.3}, best=1.0) == {"a": 2, "b": 1}
    assert ranked({"a": 5.0, "b": math.inf, "c": math.inf}, best=math.inf) == {"a": 3, "b": 1.5, "c": 1.5}


def test_a_scene_counts_for_all_or_none():
    values = {"one": {"a": 0.9, "b": 0.7}, "two": {"a": NAN, "b": 0.1}, "three": {"a": 0.8, "b": 0.9}}
    found = summarise(values, ["a", "b"], 1.0)
    assert found.scenes == ("one", "three")
    assert found.mean == pytest.approx({"a": 0.85, "b": 0.8})


def test_a_configuration_without_any_value_does_not_take_the_others_with_it():
    values = {"one": {"a": 0.9, "b": NAN}, "two": {"a": 0.7, "b": NAN}}
    found = summarise(values, ["a", "b"], 1.0)
    assert found.mean == pytest.approx({"a": 0.8})
    assert found.rank == {"a": 1}
    nothing = summarise({"one": {"a": NAN}}, ["a"], 1.0)
    assert (nothing.scenes, nothing.mean) == ((), {})


def test_means_do_not_depend_on_the_order():
    values = list(np.random.default_rng(1).random(1000))
    assert mean(values) == mean(values[::-1]) == pytest.approx(np.mean(values), abs=1e-15)
    assert mean([1.0, math.inf]) == math.inf


def curve(truth, scores):
    return evaluate(scores, truth).to_json()


def test_the_logarithmic_curve_begins_before_the_first_false_alarm():
    rng, truth = np.random.default_rng(2), np.arange(2000).reshape(40, 50) % 100 == 0
    document = curve(truth, rng.normal(size=truth.shape) + 4 * truth)
    figure = roc_figure("scene", {"a": document["roc"]})
    linear, logarithmic = figure.axes
    assert (linear.get_xscale(), logarithmic.get_xscale()) == ("linear", "log")
    line = logarithmic.lines[0].get_xydata()
    points = np.array([document["roc"]["p_f"], document["roc"]["p_d"]])
    first = points[1][points[0] == 0].max()
    assert first > 0
    assert line[0, 1] == first
    assert line[0, 0] == pytest.approx(points[0][points[0] > 0].min() / 2)
    assert (line[-1] == 1).all()


def test_the_boxes_are_those_of_the_evaluation():
    rng, truth = np.random.default_rng(2), np.arange(2000).reshape(40, 50) % 100 == 0
    document = curve(truth, rng.normal(size=truth.shape) + 4 * truth)
    axis = separability_figure("scene", {"a": document["separability"]}).axes[0]
    heights = sorted(float(y) for line in axis.lines for y in line.get_ydata())
    for box in document["separability"].values():
        for value in box.values():
            assert any(abs(value - height) < 1e-12 for height in heights)


def test_a_truth_of_one_class_is_drawn_as_far_as_it_goes():
    document = curve(np.zeros((9, 9), bool), np.arange(81.0).reshape(9, 9))
    roc_figure("scene", {"a": document["roc"]}).canvas.draw()
    separability_figure("scene", {"a": document["separability"]}).canvas.draw()
