"""A score map judged against a truth: every figure of merit, with what was left out and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from had_cli.plugin.descriptions import Metric
from had_cli.results.metrics.curve import Curve, Float, RocPoints, shared
from had_cli.results.metrics.inputs import paired
from had_cli.results.metrics.measures import best_f1
from had_cli.results.metrics.separability import Separability, separability

SCALING_NOTE = (
    "Scores are scaled to [0, 1] by their extremes, so one extreme pixel changes every measure over tau; "
    "AUC(D,F) is free of that."
)


class Row(NamedTuple):
    """One line of :meth:`Evaluation.table`."""

    symbol: str
    formula: str
    value: float
    best: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a score map is worth against a truth.

    Attributes
    ----------
    metrics : value by metric name, those of plugins included; NaN where undefined
    described : the description of each metric, in the same order
    anomalous, background : numbers of pixels that count
    excluded, excluded_anomalous : pixels without a score or masked out, and the anomalous among them
    f1_threshold : the threshold (score units, >=) that reaches the best F1
    separability : the boxes of both classes on the scale of 0 to 1
    curve : the sorted scores of both classes, for ROC points at any resolution
    warnings : one line each
    """

    metrics: dict[str, float]
    described: tuple[Metric, ...]
    anomalous: int
    background: int
    excluded: int
    excluded_anomalous: int
    f1_threshold: float
    separability: Separability
    curve: Curve = dataclasses.field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def auc(self) -> float:
        """AUC(D,F)."""
        return self.curve.area_df

    @property
    def roc(self) -> RocPoints:
        """The ROC points at every distinct score, computed when asked."""
        return self.curve.points()

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said wherever measures over tau are shown."""
        return (SCALING_NOTE,)

    def table(self) -> list[Row]:
        """Return one row per metric: symbol, formula, value, best; show :attr:`notes` beneath."""
        return [Row(m.symbol or m.name, m.formula, self.metrics[m.name], m.best) for m in self.described]

    def to_json(self, *, roc_points: int = 200) -> dict[str, Any]:
        """Return the JSON document of ``had evaluate --json``.

        JSON has neither NaN nor infinity: null stands for "undefined" (NaN), and the strings
        ``"inf"`` and ``"-inf"`` for the infinities. ``roc`` holds about ``roc_points`` true points of
        the curve; 0 leaves it out.
        """
        document: dict[str, Any] = {
            "metrics": dict(self.metrics),
            "formulas": {m.name: f"{m.symbol or m.name} = {m.formula}" for m in self.described},
            "f1_threshold": self.f1_threshold,
            "pixels": {
                "anomalous": self.anomalous,
                "background": self.background,
                "excluded": self.excluded,
                "excluded_anomalous": self.excluded_anomalous,
            },
            "separability": dataclasses.asdict(self.separability),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
        if roc_points:
            points = self.curve.points(roc_points)
            document["roc"] = {f.name: getattr(points, f.name).tolist() for f in dataclasses.fields(points)}
        cleaned: dict[str, Any] = json_value(document)
        return cleaned


def json_value(value: Any) -> Any:
    """Return ``value`` with NaN as None and the infinities as ``"inf"`` and ``"-inf"``, at any depth."""
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def mean_auc(evaluations: Iterable[Evaluation]) -> float:
    """Return mAUC, the mean of AUC(D,F) over the scenes of a dataset, each counted once.

    NaN where one of them is undefined, or there is none: leaving scenes out is for the caller to say.
    """
    areas = [evaluation.auc for evaluation in evaluations]
    return math.fsum(areas) / len(areas) if areas else math.nan


def evaluate(
    scores: npt.ArrayLike | str | Path,
    truth: npt.ArrayLike | str | Path,
    *,
    mask: npt.ArrayLike | None = None,
) -> Evaluation:
    """Judge ``scores`` against ``truth``.

    Parameters
    ----------
    scores
        rows x cols score map, or the path of one; higher is more anomalous. Pixels that are NaN do
        not count. Infinite scores rank as such, but leave the measures over tau undefined (NaN, with
        a warning), since no scale holds them.
    truth
        Array of the same shape, or a path; 0 is background, all else anomalous.
    mask
        True where a pixel takes part; default: everywhere.

    Raises
    ------
    SceneError
        When the shapes differ, the truth is none, or no pixel is left to be judged.
    """
    pairs = paired(scores, truth, mask)
    curve = Curve.of(pairs.truth, pairs.scores)
    values = pairs.scores.astype(np.float64, copy=False)
    metrics, described, failures = _compute(curve, pairs.truth, values)
    return Evaluation(
        metrics=metrics,
        described=described,
        anomalous=len(curve.anomalous),
        background=len(curve.background),
        excluded=pairs.excluded,
        excluded_anomalous=pairs.excluded_anomalous,
        f1_threshold=best_f1(curve)[1],
        separability=separability(curve),
        curve=curve,
        warnings=(*pairs.warnings, *_warnings(curve), *failures),
    )


def _warnings(curve: Curve) -> list[str]:
    found = []
    if not curve.both:
        absent = "background" if len(curve.anomalous) else "anomalous"
        found.append(
            f"the truth marks no {absent} pixel among the valid ones: measures of both classes are undefined"
        )
    if math.isinf(curve.low) or math.isinf(curve.high):
        found.append("some scores are infinite: they rank as such, but measures over tau are undefined")
    elif curve.low == curve.high:
        found.append("the score map is constant: it ranks no pixel above another, and scales to 0")
    return found


def _compute(
    curve: Curve, truth: npt.NDArray[np.bool_], scores: Float
) -> tuple[dict[str, float], tuple[Metric, ...], list[str]]:
    """Return the values of all metrics on offer, their descriptions, and a line for each that failed."""
    from had_cli.plugin import host

    values, described, failures = {}, [], []
    truth.flags.writeable = scores.flags.writeable = False  # no plugin may change what the next one sees
    with shared(truth, scores, curve):
        for metric in host.metrics().values():
            try:
                value = float(host.resolve(metric.compute)(truth, scores))
            except Exception as error:  # noqa: BLE001 - a plugin may fail in any way; it is told as a warning
                reason = str(error).splitlines()[:1]
                failures.append(f"metric {metric.name} failed: {': '.join([type(error).__name__, *reason])}")
                continue
            values[metric.name] = value
            described.append(metric)
    return values, tuple(described), failures
