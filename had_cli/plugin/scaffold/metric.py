"""A metric: one more figure of merit in every evaluation and bench."""

DESCRIPTION = '''\
"""@NAME@, as a plugin of had. Nothing heavy is imported here: this is read on every `had plugins`."""

from had_cli.plugin import Metric, hookimpl

HAD_CONTRACT = (1, 0)  # the plugin contract that this is written for


@hookimpl
def had_metrics() -> list[Metric]:
    """Offer the metric ``@METRIC@``."""
    return [
        Metric(
            name="@METRIC@",
            symbol="@NAME@",
            summary="Share of the anomalous pixels above all of the background",
            compute="@PACKAGE@.metric:compute",
            formula="P_D at P_F = 0",
            best=1.0,
        )
    ]
'''

METRIC = '''\
"""The figure itself."""

import math


def compute(truth, scores):
    """Return the figure of 1-D arrays of the valid pixels; NaN where a class is absent."""
    if truth.all() or not truth.any():
        return math.nan
    return float((scores[truth] > scores[~truth].max()).mean())
'''

TEST = '''\
"""The figure on cases that can be counted by hand, and its place in an evaluation."""

import math

import numpy as np
import pytest
from @PACKAGE@.metric import compute
from had_cli import evaluate

TRUTH = np.array([True, True, True, False, False])


@pytest.mark.parametrize(
    ("scores", "expected"), [([5, 4, 3, 2, 1], 1), ([5, 1, 1, 2, 1], 1 / 3), ([2, 1, 1, 2, 1], 0)]
)
def test_it_is_the_share_above_all_of_the_background(scores, expected):
    """Ties with the background do not count."""
    assert compute(TRUTH, np.array(scores, float)) == pytest.approx(expected)


@pytest.mark.parametrize("truth", [np.ones(5, bool), np.zeros(5, bool)])
def test_one_class_leaves_it_undefined(truth):
    """There is nothing to compare with."""
    assert math.isnan(compute(truth, np.arange(5.0)))


def test_it_stands_in_every_evaluation():
    """Under its name, with the others."""
    assert evaluate(np.array([[5.0, 4, 3, 2, 1]]), TRUTH[None]).metrics["@METRIC@"] == 1
'''

FILES = {"__init__.py": DESCRIPTION, "metric.py": METRIC, "test": TEST}
