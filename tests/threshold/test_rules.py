"""The text of a threshold rule is understood, or told to be wrong in one line."""

from __future__ import annotations

import pytest

from had_cli.errors import UsageError
from had_cli.results.threshold import Rule, parse_rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("cfar:1e-3", Rule("cfar", 1e-3)),
        ("quantile:0.99", Rule("quantile", 0.99)),
        ("value:12.5", Rule("value", 12.5)),
        ("value:-3", Rule("value", -3.0)),
        (" chi2:1e-3 ", Rule("chi2", 1e-3)),
    ],
)
def test_rules_are_read_and_written_alike(text, rule):
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "text",
    [
        *("", "cfar", "cfar:", "cfar:x", "cfar:0", "cfar:1", "cfar:nan", "chi2:2", "otsu:1", "1e-3"),
        *("quantile:1", "quantile:-0.1", "value:inf", "value:nan"),
    ],
)
def test_anything_else_is_wrong_usage_in_one_line(text):
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)
