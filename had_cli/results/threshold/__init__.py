"""Thresholds without labels: from a score map to a mask.

A rule says what is wanted (``cfar:1e-3``: one false alarm in a thousand background pixels), and
:func:`threshold` finds the score at which that holds, with its uncertainty.
"""

from had_cli.results.threshold.choice import Threshold, threshold
from had_cli.results.threshold.rules import Rule, parse_rule

__all__ = ["Rule", "Threshold", "parse_rule", "threshold"]
