"""The page ``results.md`` of a bench."""

from __future__ import annotations

import math
from typing import Any

from had_cli.bench.results import BenchResults
from had_cli.bench.tables import (
    BEST,
    MAIN,
    SECOND,
    Marks,
    Rows,
    left_out,
    mean_marks,
    mean_rows,
    scene_marks,
    scene_rows,
    scenes,
)

_LEGEND = "In each row the best figure is **bold**, the second *slanted*.\n"
_MARKED = {BEST: "**{}**", SECOND: "*{}*", "": "{}"}


def markdown(found: BenchResults) -> str:
    """Return the page ``results.md``; its last sections, time and memory, differ from run to run."""
    results = found.results
    parts = [
        "# Benchmark\n",
        _about(found),
        _LEGEND,
    ]
    parts += [
        f"## {metric['symbol']}: {metric['formula']}\n\n"
        f"{_table(scene_rows(found, metric['name']), scene_marks(found, metric['name']))}"
        for metric in results["metrics"]
        if metric["name"] in MAIN
    ]
    parts.append("".join(f"{line}\n" for line in left_out(found)))
    parts.append(f"## Means over the scenes\n\n{_table(mean_rows(found), mean_marks(found))}")
    parts.append(_compared(found))
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


def _compared(found: BenchResults) -> str:
    """Return what the ranks and the scenes say of differences in AUC(D,F)."""
    summary = found.results["summary"]["auc_df"]
    compared: dict[str, Any] | None = summary["comparison"]
    if compared is None:
        return ""
    apart = f"{compared['critical_difference']:.3f}"
    lines = [f"Mean ranks that are further apart than {apart} differ at the level of 0.05 (Nemenyi).\n"]
    if compared["p"] is not None:
        lines.append(f"Friedman's test: chi-square {compared['chi_square']:.3f}, p = {compared['p']:.2g}.\n")
    if compared["difference"]:
        rows = [[f"minus {compared['reference']}", "mean", "95 % from", "to"]]
        rows += [
            [label, *(f"{gap[name]:+.4f}" for name in ("mean", "low", "high"))]
            for label, gap in compared["difference"].items()
        ]
        lines.append(f"Differences by paired bootstrap over {scenes(summary)}:\n\n{_table(rows)}")
    return "## Differences in AUC(D,F)\n\n" + "\n".join(lines)


def _table(rows: Rows, marks: Marks | None = None) -> str:
    marks = marks or [[""] * len(row) for row in rows]
    lines = [
        "| "
        + " | ".join(
            _MARKED[mark].format(cell.replace("|", r"\|")) for cell, mark in zip(row, marked, strict=True)
        )
        + " |"
        for row, marked in zip(rows, marks, strict=True)
    ]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"
