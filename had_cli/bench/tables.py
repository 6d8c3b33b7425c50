"""The figures of a bench as tables: text, Markdown and CSV."""

from __future__ import annotations

import csv as comma
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from had_cli.bench.results import BenchResults, number

MAIN = ("auc_df", "average_precision", "pd_at_pf_1e_2", "pd_at_pf_1e_3")
"""The metrics that are shown scene by scene; the others are shown by their means."""

Rows = list[list[str]]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that spreadsheets compute


def scene_rows(found: BenchResults, metric: str) -> Rows:
    """Return a table of one metric: scenes by configurations, then mean and mean rank."""
    described = _described(found, metric)
    summary = found.results["summary"][metric]
    rows = [[described["symbol"], *found.labels]]
    for scene, values in found.values(metric).items():
        failed = {cell["label"] for cell in found.failed if cell["scene"] == scene}
        rows.append(
            [scene, *("failed" if label in failed else figure(values[label]) for label in found.labels)]
        )
    rows.append([f"mean of {scenes(summary)}", *_over(summary["mean"], found.labels, figure)])
    rows.append(["mean rank", *_over(summary["rank"], found.labels, lambda value: f"{value:.2f}")])
    return rows


def mean_rows(found: BenchResults) -> Rows:
    """Return a table of the means of all metrics, with time and memory: measures by configurations."""
    rows = [["mean", "best", "scenes", *found.labels]]
    for metric in found.results["metrics"]:
        summary = found.results["summary"][metric["name"]]
        best = f"{number(metric['best']):g}"
        rows.append(
            [
                metric["symbol"],
                best,
                str(len(summary["scenes"])),
                *_over(summary["mean"], found.labels, figure),
            ]
        )
    for name, title, scale in (("seconds", "time (s)", 1.0), ("peak_memory", "peak memory (MiB)", 2.0**20)):
        summary = found.timings["summary"][name]
        digits = 2 if name == "seconds" else 0
        rows.append(
            [
                title,
                "",
                str(len(summary["scenes"])),
                *_over(summary["mean"], found.labels, lambda v, s=scale, d=digits: f"{v / s:.{d}f}"),
            ]
        )
    return rows


def figure(value: float) -> str:
    """Return a figure with four decimals, ``-`` where it is undefined."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def scenes(summary: Mapping[str, Any]) -> str:
    """Return how many scenes are counted, in words."""
    count = len(summary["scenes"])
    return f"{count} scene{'' if count == 1 else 's'}"


def left_out(found: BenchResults) -> list[str]:
    """Return a line on what the means of AUC(D,F) leave out, if anything."""
    summary = found.results["summary"]["auc_df"]
    lines = []
    unused = [label for label in found.labels if label not in summary["mean"]]
    if unused:
        lines.append(f"No figures at all: {', '.join(unused)}.")
    missing = [scene for scene in found.scenes if scene not in summary["scenes"]]
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
    rows: list[Sequence[Any]] = [("scene", "label", "method", *metrics, *pixels, "error")]
    for cell in found.results["cells"]:
        head = (cell["scene"], cell["label"], methods[cell["label"]])
        if cell["metrics"] is None:
            rows.append((*head, *[""] * (len(metrics) + len(pixels)), cell["error"]))
            continue
        figures = (repr(number(cell["metrics"].get(name))) for name in metrics)
        rows.append((*head, *figures, *(cell["pixels"][name] for name in pixels), ""))
    return _comma(rows)


def timings_csv(found: BenchResults) -> str:
    """Return a line per cell with its time and memory."""
    names = ("scene", "label", "seconds", "peak_memory", "memory_before", "device_memory", "device", "engine")
    rows: list[Sequence[Any]] = [names]
    rows += [["" if cell[name] is None else cell[name] for name in names] for cell in found.timings["cells"]]
    return _comma(rows)


def markdown(found: BenchResults) -> str:
    """Return the page ``results.md``; its last sections, time and memory, differ from run to run."""
    results = found.results
    parts = ["# Benchmark\n", _about(found)]
    parts += [
        f"## {metric['symbol']}: {metric['formula']}\n\n{_table(scene_rows(found, metric['name']))}"
        for metric in results["metrics"]
        if metric["name"] in MAIN
    ]
    parts.append("".join(f"{line}\n" for line in left_out(found)))
    parts.append(f"## Means over the scenes\n\n{_table(mean_rows(found))}")
    parts.append("".join(f"- {m['symbol']}: {m['formula']}\n" for m in results["metrics"]))
    parts.append("".join(f"{note}\n" for note in results["notes"]))
    if found.failed:
        lines = (f"- {cell['scene']}, {cell['label']}: {cell['error']}\n" for cell in found.failed)
        parts.append("## Failed\n\n" + "".join(lines))
    if results["skipped"]:
        parts.append(
            "## Skipped\n\n" + "".join(f"- {item['path']}: {item['reason']}\n" for item in results["skipped"])
        )
    for name, title, digits, scale in (
        ("seconds", "Time of detection in s", 2, 1.0),
        ("peak_memory", "Peak memory of the process in MiB", 0, 2.0**20),
    ):
        rows = [["", *found.labels]]
        for scene, values in found.costs(name).items():
            cells = (values[label] for label in found.labels)
            rows.append([scene, *("-" if math.isnan(v) else f"{v / scale:.{digits}f}" for v in cells)])
        parts.append(f"## {title}\n\n{_table(rows)}")
    return "\n".join(part for part in parts if part)


def _about(found: BenchResults) -> str:
    lines = []
    for method in found.results["methods"]:
        values = (
            ", ".join(f"{name}={value}" for name, value in method["parameters"].items()) or "no parameters"
        )
        weights = f"; weights {method['weights']}" if method["weights"] else ""
        lines.append(f"- {method['label']}: {method['method']} of {method['plugin']}; {values}{weights}\n")
    chosen = {name: value for name, value in found.results["selection"].items() if value is not None}
    selected = f", selection {chosen}" if chosen else ""
    lines.append(
        f"\nhad {found.results['version']}, seed {found.results['seed']}, "
        f"device {found.results['device']}{selected}\n"
    )
    return "".join(lines)


def _described(found: BenchResults, name: str) -> dict[str, Any]:
    described: dict[str, Any] = next(m for m in found.results["metrics"] if m["name"] == name)
    return described


def _over(values: Mapping[str, Any], labels: Sequence[str], show: Any) -> list[str]:
    return [show(number(values[label])) if label in values else "-" for label in labels]


def _table(rows: Rows) -> str:
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def _comma(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    comma.writer(text, lineterminator="\n").writerows([map(_harmless, row) for row in rows])
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: a name such as ``=1+1`` gets an apostrophe."""
    if not isinstance(cell, str) or _is_number(cell):
        return cell
    line = cell.replace("\r", " ").replace("\n", " ")  # a new line would begin a cell of its own
    return f"'{line}" if cell.startswith(_FORMULA) else line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
