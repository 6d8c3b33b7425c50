"""The shape of what ``had bench`` writes, as far as a report reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from had_cli.foreign.shapes import Each, Maybe, differs, number

_SUMMARY = {"scenes": [str], "mean": Each(number), "rank": Each(number)}
_BOX = dict.fromkeys(("minimum", "p10", "median", "p90", "maximum"), number)
_METRIC = {"name": str, "symbol": str, "formula": str, "summary": str, "best": number}
_METHOD = {
    "label": str,
    "method": str,
    "plugin": str,
    "parameters": dict,
    "weights": Maybe(str),
    "weights_sha256": Maybe(str),
}
_CELL = {
    "scene": str,
    "label": str,
    "error": Maybe(str),
    "metrics": Maybe(Each(number)),
    "separability": Maybe({"anomalous": _BOX, "background": _BOX}),
    "warnings": [str],
}
_SIZE = {"rows": int, "cols": int, "bands": int, "truth": str}


def _scene(value: Any) -> bool:
    described = {"name": str, "path": str, "error": Maybe(str)}
    return differs(value, described) is None and (value["error"] is not None or differs(value, _SIZE) is None)


RESULTS = {
    "version": str,
    "seed": int,
    "selection": Maybe(dict),
    "metrics": [_METRIC],
    "methods": [_METHOD],
    "scenes": [_scene],
    "skipped": [{"path": str, "reason": str}],
    "cells": [_CELL],
    "summary": Each(_SUMMARY),
    "notes": [str],
}
CURVES = Each(Each({"p_f": [number], "p_d": [number]}))
TIMINGS = {
    "cells": [{"scene": str, "label": str, "seconds": number, "peak_memory": number}],
    "summary": {"seconds": _SUMMARY, "peak_memory": _SUMMARY},
    "machine": {
        "system": str,
        "python": str,
        "cores": int,
        "devices": [{"name": str, "model": Maybe(str)}],
    },
}
SHAPES = {"results": RESULTS, "curves": CURVES, "timings": TIMINGS}


def contradiction(documents: Mapping[str, Any]) -> str | None:
    """Return what the documents, each of its shape, name without listing it."""
    results = documents["results"]
    scenes = {scene["name"] for scene in results["scenes"]}
    labels = {method["label"] for method in results["methods"]}
    cells = [*results["cells"], *documents["timings"]["cells"]]
    named = {(cell["scene"], cell["label"]) for cell in cells}
    named |= {(scene, label) for scene, row in documents["curves"].items() for label in row}
    stray = next((pair for pair in sorted(named) if pair[0] not in scenes or pair[1] not in labels), None)
    if stray is not None:
        return f"a cell of {stray[0]} and {stray[1]}, which it does not list"
    missing = next((m["name"] for m in results["metrics"] if m["name"] not in results["summary"]), None)
    return None if missing is None else f"no summary of {missing}"
