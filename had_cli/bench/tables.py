"""The figures of a bench as rows of cells, for text, Markdown and LaTeX, and as CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from had_cli.bench.results import BenchResults, number
from had_cli.bench.summary import distance
from had_cli.bench.trained import MARK, NOTE
from had_cli.results.spreadsheet import comma_separated

MAIN = ("auc_df", "average_precision", "pd_at_pf_1e_2", "pd_at_pf_1e_3")
"""The metrics that are shown scene by scene; the others are shown by their means."""

COSTS = (("seconds", "time (s)", 2, 1.0), ("peak_memory", "peak memory (MiB)", 0, 2.0**20))
"""Name in ``timings.json``, title, decimals, and what one unit of the table is."""

Rows = list[list[str]]

# of what is marked in a row: nothing, the best, the second
Marks = list[list[str]]
BEST, SECOND = "best", "second"


def scene_rows(found: BenchResults, metric: str) -> Rows:
    """Return a table of one metric: scenes by configurations, then mean and mean rank.

    A dagger stands at cells whose weights were trained on the scene, and a standard deviation where a cell
    ran with several seeds.
    """
    described = metric_of(found, metric)
    summary = found.results["summary"][metric]
    rows = [[described["symbol"], *found.labels]]
    for scene, values in found.values(metric).items():
        failed = {cell["label"] for cell in found.failed if cell["scene"] == scene}
        shown = []
        for label in found.labels:
            mark = MARK if found.trained_on(scene, label) else ""
            text = "failed" if label in failed else figure(values[label])
            shown.append(text + _spread(found, scene, label, metric) + mark)
        rows.append([scene, *shown])
    rows.append([f"mean of {scenes(summary)}", *_over(summary["mean"], found.labels, figure)])
    rows.append(["mean rank", *_over(summary["rank"], found.labels, lambda value: f"{value:.2f}")])
    return rows


def scene_marks(found: BenchResults, metric: str) -> Marks:
    """Return which cells of :func:`scene_rows` are best and second, the head without any."""
    best = number(metric_of(found, metric)["best"])
    summary = found.results["summary"][metric]
    lines = [(best, [values[label] for label in found.labels]) for values in found.values(metric).values()]
    lines += [(best, [number(summary["mean"].get(label)) for label in found.labels])]
    lines += [(1.0, [number(summary["rank"].get(label)) for label in found.labels])]
    digits = [4] * (len(lines) - 1) + [2]
    return [
        [""] * (1 + len(found.labels)),
        *(["", *_marked(v, b, d)] for (b, v), d in zip(lines, digits, strict=True)),
    ]


def mean_rows(found: BenchResults) -> Rows:
    """Return a table of the means of all metrics, with time and memory: measures by configurations."""
    rows = [["mean", "best", "scenes", *found.labels]]
    for metric in found.results["metrics"]:
        summary = found.results["summary"][metric["name"]]
        shown = _over(summary["mean"], found.labels, figure)
        rows.append([metric["symbol"], f"{number(metric['best']):g}", str(len(summary["scenes"])), *shown])
    for name, title, digits, scale in COSTS:
        summary = found.timings["summary"][name]
        shown = _over(summary["mean"], found.labels, lambda v, s=scale, d=digits: f"{v / s:.{d}f}")
        rows.append([title, "", str(len(summary["scenes"])), *shown])
    return rows


def mean_marks(found: BenchResults) -> Marks:
    """Return which cells of :func:`mean_rows` are best and second."""
    marks = [[""] * (3 + len(found.labels))]
    for metric in found.results["metrics"]:
        values = found.results["summary"][metric["name"]]["mean"]
        row = [number(values.get(label)) for label in found.labels]
        marks.append(["", "", "", *_marked(row, number(metric["best"]), 4)])
    for name, _, digits, scale in COSTS:
        values = found.timings["summary"][name]["mean"]
        row = [number(values.get(label)) / scale for label in found.labels]
        marks.append(["", "", "", *_marked(row, 0.0, digits)])
    return marks


def _marked(values: Sequence[float], best: float, digits: int) -> list[str]:
    """Return the mark of each value; those that read alike are marked alike, and one alone not at all."""
    far = [math.nan if math.isnan(v) else distance(round(v, digits), best) for v in values]
    order = sorted({value for value in far if not math.isnan(value)})
    marks = dict(zip(order, (BEST, SECOND), strict=False)) if sum(not math.isnan(v) for v in far) > 1 else {}
    return [marks.get(value, "") for value in far]


def _spread(found: BenchResults, scene: str, label: str, metric: str) -> str:
    for cell in found.results["cells"]:
        if (cell["scene"], cell["label"]) == (scene, label) and cell["repeats"]:
            value = number(cell["spread"].get(metric))
            return "" if math.isnan(value) else f" ± {value:.4f}"
    return ""


def figure(value: float) -> str:
    """Return a figure with four decimals, ``-`` where it is undefined."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def scenes(summary: Mapping[str, Any]) -> str:
    """Return how many scenes are counted, in words."""
    count = len(summary["scenes"])
    return f"{count} scene{'' if count == 1 else 's'}"


def left_out(found: BenchResults) -> list[str]:
    """Return a line on what the means of AUC(D,F) leave out, and on what is marked, if anything."""
    summary = found.results["summary"]["auc_df"]
    lines = [NOTE] if found.any_trained_on else []
    unused = [label for label in found.labels if label not in summary["mean"]]
    if unused and summary["scenes"]:
        lines.append(f"No figures at all: {', '.join(unused)}.")
    uneven = {scene["name"]: scene["uneven"] for scene in found.results["scenes"] if scene["uneven"]}
    lines += [
        f"Not in the means, because configurations are judged over different pixels there: {name} ({over})."
        for name, over in uneven.items()
    ]
    missing = [scene for scene in found.scenes if scene not in summary["scenes"] and scene not in uneven]
    if missing and summary["scenes"]:
        lines.append(
            f"Not in the means, because a configuration has no AUC(D,F) there: {', '.join(missing)}."
        )
    return lines


def csv(found: BenchResults) -> str:
    """Return a line per cell with all figures in all their digits; undefined is ``nan``, failed is empty."""
    metrics = [metric["name"] for metric in found.results["metrics"]]
    methods = {method["label"]: method["method"] for method in found.results["methods"]}
    pixels = ("anomalous", "background", "excluded")
    rows: list[Sequence[Any]] = [("scene", "label", "method", *metrics, *pixels, "trained_on", "error")]
    for cell in found.results["cells"]:
        head = (cell["scene"], cell["label"], methods[cell["label"]])
        if cell["metrics"] is None:
            rows.append((*head, *[""] * (len(metrics) + len(pixels) + 1), cell["error"]))
            continue
        figures = (repr(number(cell["metrics"].get(name))) for name in metrics)
        rows.append(
            (*head, *figures, *(cell["pixels"][name] for name in pixels), cell["trained_on"] or "", "")
        )
    return comma_separated(rows)


def timings_csv(found: BenchResults) -> str:
    """Return a line per cell with its time and memory."""
    names = ("scene", "label", "seconds", "peak_memory", "memory_before", "device_memory", "device", "engine")
    rows: list[Sequence[Any]] = [names]
    rows += [["" if cell[name] is None else cell[name] for name in names] for cell in found.timings["cells"]]
    return comma_separated(rows)


def metric_of(found: BenchResults, name: str) -> dict[str, Any]:
    """Return the description of a metric as ``results.json`` has it."""
    described: dict[str, Any] = next(m for m in found.results["metrics"] if m["name"] == name)
    return described


def _over(values: Mapping[str, Any], labels: Sequence[str], show: Any) -> list[str]:
    return [show(number(values[label])) if label in values else "-" for label in labels]
