"""The score at which a rule holds, and how sure that is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, chi2

from had_cli.errors import HadError, PluginError, SceneError, UsageError
from had_cli.results.metrics.evaluation import json_value
from had_cli.results.threshold.constant_rate import constant_rate
from had_cli.results.threshold.rules import Rule, parse_rule

Scores = npt.NDArray[np.floating[Any]]

CONFIDENCE = 0.95

_CHI2_WARNING = (
    "real backgrounds have heavier tails than the chi-square law: measured on 13 public scenes, its "
    "threshold at a false-alarm rate of 1e-3 gave 0.05 to 0.17; use cfar:{rate:g} instead"
)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold on a score map: pixels with score >= ``value`` are anomalous.

    Attributes
    ----------
    value : in score units
    rule : the rule it follows
    interval : 95 % confidence limits of ``value`` (its uncertainty by sampling), or None where the
        rule leaves none (``value``, ``chi2``)
    pixels, valid_pixels : with score >= ``value``, and with a score at all
    details : what the rule found, JSON values: for ``cfar`` the fitted tail
    warnings : one line each
    """

    value: float
    rule: Rule
    interval: tuple[float, float] | None
    pixels: int
    valid_pixels: int
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def mask(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """Return where ``scores`` reach the threshold; False where there is no score."""
        return np.asarray(scores >= self.value)  # a comparison with NaN is False

    def to_json(self) -> dict[str, Any]:
        """Return the threshold as JSON values."""
        document: dict[str, Any] = json_value(
            {
                "rule": str(self.rule),
                "value": self.value,
                "interval": self.interval,
                "confidence": None if self.interval is None else CONFIDENCE,
                "pixels": self.pixels,
                "valid_pixels": self.valid_pixels,
                "fraction": self.pixels / self.valid_pixels,
                "details": dict(self.details),
                "warnings": list(self.warnings),
            }
        )
        return document


def threshold(
    scores: npt.ArrayLike | str | Path,
    rule: Rule | str,
    *,
    tags: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Threshold:
    """Return the threshold that ``rule`` asks for on ``scores``; no truth is looked at.

    Parameters
    ----------
    scores
        Score map, rows x cols, or the path of one; higher is more anomalous, NaN takes no part.
    rule
        A :class:`Rule` or its text (:func:`parse_rule`).
    tags
        Tags of the score map's file, which tell the degrees of freedom to the rule ``chi2``;
        default: those of the file, where ``scores`` is a path.
    seed
        Of the bootstrap that gives the interval of ``cfar``.

    Raises
    ------
    UsageError
        When the rule is not understood, or ``chi2`` is asked of a map whose tags tell no such law.
    SceneError
        When the map holds no valid score, or too few, or too equal ones, for the rule.
    PluginError
        When a plugin's rule fails or gives no number.
    """
    rule = parse_rule(rule) if isinstance(rule, str) else rule
    name, array = "the score map", scores
    if isinstance(scores, str | Path):
        from had_cli.scenes.open import open_scores

        name = str(scores)
        array, info = open_scores(scores)
        tags = info.tags if tags is None else tags
    values = np.asarray(array)
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    valid = int(np.count_nonzero(~np.isnan(values)))
    if not valid:
        raise SceneError(f"{name}: no pixel has a valid score, so there is nothing to threshold")
    value, interval, details, warnings = _found(name, values, rule, tags or {}, seed)
    return Threshold(
        value=value,
        rule=rule,
        interval=interval,
        pixels=int(np.count_nonzero(values >= value)),
        valid_pixels=valid,
        details=details,
        warnings=warnings,
    )


_Found = tuple[float, tuple[float, float] | None, dict[str, Any], tuple[str, ...]]


def _found(name: str, values: Scores, rule: Rule, tags: Mapping[str, str], seed: int) -> _Found:
    match rule.kind:
        case "value":
            return rule.number, None, {}, ()
        case "quantile":
            return _quantile(values[~np.isnan(values)], rule.number)
        case "chi2":
            return _chi_square(name, rule.number, tags)
        case "cfar":
            found = constant_rate(
                values,
                rule.number,
                name=name,
                seed=seed,
                confidence=CONFIDENCE,
                log_ranks=_facts(tags).get("log_ranks") is True,
            )
            return found.value, found.interval, found.details, found.warnings
        case _:
            return _by_plugin(name, values, rule, tags)


def _by_plugin(name: str, values: Scores, rule: Rule, tags: Mapping[str, str]) -> _Found:
    """Return the threshold that a plugin's rule gives.

    Raises
    ------
    PluginError
        When it fails, or gives no number.
    """
    from had_cli.plugin import host

    ordered = np.sort(values[~np.isnan(values)].astype(np.float64))
    ordered.flags.writeable = False
    compute = host.resolve(host.thresholds()[rule.kind].compute)
    try:
        value = float(compute(ordered, rule.number, dict(tags)))
    except HadError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise PluginError(f"{name}: threshold rule {rule} failed: {reason}") from error
    if math.isnan(value):
        raise PluginError(f"{name}: threshold rule {rule} gave no number; this is an error in its plugin")
    return value, None, {}, ()


def _quantile(valid: Scores, fraction: float) -> _Found:
    """Return a quantile; its interval lies between order statistics, whatever the distribution."""
    count = len(valid)
    ranks = binom.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], count, fraction)
    low, high = np.clip(ranks, 0, count - 1).astype(np.intp)
    ordered = np.partition(valid, (low, high))
    value = float(np.quantile(valid, fraction))
    return value, (float(ordered[low]), float(ordered[high])), {}, ()


def _facts(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return what the method recorded of its map; nothing where tags are damaged or another tool's."""
    try:
        facts = json.loads(tags.get("had_facts", "{}"))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _chi_square(name: str, rate: float, tags: Mapping[str, str]) -> _Found:
    """Return the chi-square threshold (Reed & Yu 1990), with the degrees of freedom in the map's tags."""
    try:
        freedom = int(json.loads(tags["had_facts"])["chi_square_freedom"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{name}: its tags tell no chi-square law of its scores (plain grx records one); "
            f"use cfar:{rate:g}"
        ) from error
    details = {"degrees_of_freedom": freedom}
    return float(chi2.isf(rate, freedom)), None, details, (_CHI2_WARNING.format(rate=rate),)
