"""The separability box plot."""

import math

import numpy as np
import pytest

from had_cli.results.metrics.curve import Curve
from had_cli.results.metrics.separability import separability


def test_boxes_hold_ten_to_ninety_percent_and_whiskers_the_extremes():
    random = np.random.default_rng(5)
    truth, scores = random.random(999) < 0.2, random.gamma(2.0, size=999)
    scaled = (scores - scores.min()) / (scores.max() - scores.min())
    boxes = separability(Curve.of(truth, scores))
    for box, part in ((boxes.anomalous, scaled[truth]), (boxes.background, scaled[~truth])):
        found = (box.minimum, box.p10, box.median, box.p90, box.maximum)
        assert found == pytest.approx(np.quantile(part, [0, 0.1, 0.5, 0.9, 1]), abs=1e-12)


def test_one_extreme_pixel_is_not_dropped():
    scores = np.append(np.zeros(100), 1e6)
    assert separability(Curve.of(np.arange(101) < 10, scores)).background.maximum == 1


def test_separated_classes_have_a_positive_gap():
    truth = np.arange(100) < 10
    assert separability(Curve.of(truth, truth + np.linspace(0, 0.5, 100))).gap > 0
    assert separability(Curve.of(truth, np.linspace(0, 0.5, 100))).gap < 0


def test_an_absent_class_has_no_box():
    boxes = separability(Curve.of(np.zeros(5, bool), np.arange(5.0)))
    assert math.isnan(boxes.anomalous.median)
    assert boxes.background.median == 0.5
