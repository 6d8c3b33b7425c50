"""What the page of a bench carries."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from had_cli._version import __version__
from had_cli.bench.results import BenchResults, number
from had_cli.bench.tables import left_out
from had_cli.results.metrics.evaluation import json_value

MOST_POINTS = 400_000
"""Points of ROC curves in all; each takes about 20 bytes."""

# what is shown beside the metrics: name in timings.json, title, what one unit of the page is
_COSTS = (("seconds", "Time, s", 1.0), ("peak_memory", "Peak memory, MiB", 2.0**20))


def bench_content(found: BenchResults, name: str) -> dict[str, Any]:
    """Return what the page of the bench in the folder ``name`` shows, as JSON values."""
    results = found.results
    scenes, labels = found.scenes, found.labels
    curves, thinned = _curves(found)
    content = {
        "kind": "bench",
        "title": name,
        "subtitle": "Bench: methods compared on scenes with a truth",
        "facts": [
            ("Scenes", f"{len(scenes):,}"),
            ("Configurations", f"{len(labels):,}"),
            ("Failed", f"{len(found.failed):,} of {len(results['cells']):,}"),
            ("Seed", str(results["seed"])),
        ],
        "scenes": scenes,
        "labels": labels,
        "trained": [[found.trained_on(scene, label) for label in labels] for scene in scenes],
        "measures": [*_measures(found), *_costs(found)],
        "curves": curves,
        "separability": _separability(found),
        "failed": [f"{cell['scene']}, {cell['label']}: {cell['error']}" for cell in found.failed],
        "notes": [*left_out(found), *results["notes"]],
        "provenance": _sections(found),
        "warnings": [
            *(f"{cell['scene']}, {cell['label']}: failed: {cell['error']}" for cell in found.failed),
            *(
                f"{cell['scene']}, {cell['label']}: {warning}"
                for cell in results["cells"]
                for warning in cell["warnings"]
            ),
        ],
        "reduced": thinned,
    }
    cleaned: dict[str, Any] = json_value(content)
    return cleaned


def _measures(found: BenchResults) -> list[dict[str, Any]]:
    return [
        {
            "symbol": metric["symbol"],
            "formula": metric["formula"],
            "summary": metric["summary"],
            "best": number(metric["best"]),
            **_table(found, found.values(metric["name"]), found.results["summary"][metric["name"]]),
        }
        for metric in found.results["metrics"]
    ]


def _costs(found: BenchResults) -> list[dict[str, Any]]:
    return [
        {
            "symbol": title,
            "formula": "detection alone, in a process of its own",
            "summary": "Differs from run to run and machine to machine",
            "best": 0.0,
            **_table(found, found.costs(name), found.timings["summary"][name], unit),
        }
        for name, title, unit in _COSTS
    ]


def _table(
    found: BenchResults, values: dict[str, dict[str, float]], summary: dict[str, Any], unit: float = 1.0
) -> dict[str, Any]:
    """Return rows of values by scene, and means and ranks, each in the order of the labels."""

    def line(row: dict[str, Any], by: float) -> list[float]:
        return [number(row.get(label)) / by for label in found.labels]

    return {
        "values": [line(values[scene], unit) for scene in found.scenes],
        "counted": len(summary["scenes"]),
        "mean": line(summary["mean"], unit),
        "rank": line(summary["rank"], 1.0),
    }


def _curves(found: BenchResults) -> tuple[dict[str, Any], list[str]]:
    """Return P_F and P_D by scene and label, of long lists every few points, and what is to be said of it."""
    total = sum(len(curve["p_f"]) for row in found.curves.values() for curve in row.values())
    step = max(1, math.ceil(total / MOST_POINTS))

    def thinned(values: list[Any]) -> list[float]:
        last = [] if (len(values) - 1) % step == 0 else values[-1:]
        return [round(number(value), 7) for value in [*values[::step], *last]]

    curves = {
        scene: {
            label: {name: thinned(curve[name]) for name in ("p_f", "p_d")} for label, curve in row.items()
        }
        for scene, row in found.curves.items()
    }
    notes = [f"Of the points of the ROC curves, one in {step} is kept."] if step > 1 else []
    return curves, notes


def _separability(found: BenchResults) -> dict[str, dict[str, Any]]:
    boxes: dict[str, dict[str, Any]] = {scene: {} for scene in found.scenes}
    for cell in found.results["cells"]:
        if cell["separability"] is not None:
            boxes[cell["scene"]][cell["label"]] = cell["separability"]
    return boxes


def _sections(found: BenchResults) -> list[dict[str, Any]]:
    results, machine = found.results, found.timings["machine"]
    options = ("device", "engine", "memory", "seed")
    run = [(name.capitalize(), str(results[name])) for name in options if results.get(name) is not None]
    chosen = {key: value for key, value in (results.get("selection") or {}).items() if value is not None}
    run += [("Selection", _pairs(chosen) or "whole scenes, bands not marked bad")]
    run += [("Version of had", results["version"])]
    sections = [{"title": "Run", "rows": run}]
    for method in results["methods"]:
        lines = [
            ("Method", method["method"]),
            ("Plugin", method["plugin"]),
            ("Parameters", _pairs(method["parameters"]) or "none"),
        ]
        if method["weights"] is not None:
            lines += [("Weights", method["weights"]), ("Weights, SHA-256", method["weights_sha256"])]
        sections.append({"title": method["label"], "rows": lines})
    scenes = [
        (
            scene["name"],
            scene["error"]
            or f"{Path(scene['path']).name}: {scene['rows']} rows x {scene['cols']} columns x "
            f"{scene['bands']} bands; truth: "
            f"{'its own' if scene['truth'] == 'own' else Path(scene['truth']).name}",
        )
        for scene in results["scenes"]
    ]
    sections.append({"title": "Scenes", "rows": scenes})
    if results["skipped"]:
        skipped = [(Path(item["path"]).name, item["reason"]) for item in results["skipped"]]
        sections.append({"title": "Passed over", "rows": skipped})
    where = [("System", machine["system"]), ("Python", machine["python"]), ("Cores", str(machine["cores"]))]
    where += [("Device", f"{device['name']}: {device['model']}") for device in machine["devices"]]
    where += [("Report written by", f"had {__version__}")]
    return [*sections, {"title": "Machine", "rows": where}]


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
