"""What a bench leaves behind, as documents: the figures, the curves, and what they cost.

``results.json`` and ``curves.json`` depend on scenes, methods and seed alone: the same bench writes the
same bytes, whether it ran in one go or was interrupted. What no two runs share stands in
``timings.json``.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from had_cli._version import __version__
from had_cli.bench.cases import Case, Skipped
from had_cli.bench.comparison import compare
from had_cli.bench.configurations import Configuration
from had_cli.bench.repeats import Cell
from had_cli.bench.summary import summarise
from had_cli.errors import OutputError, SceneError
from had_cli.files import read_regular
from had_cli.plugin import host
from had_cli.plugin.descriptions import Metric
from had_cli.results.metrics.evaluation import SCALING_NOTE, json_value

FORMAT = "had-bench"
FORMAT_VERSION = 1
COSTS = ("seconds", "peak_memory")


@dataclass(frozen=True, kw_only=True)
class BenchResults:
    """The documents of ``results.json``, ``curves.json`` and ``timings.json``; docs/guide/bench.md tells all.

    Attributes
    ----------
    results : methods, scenes, cells with their figures, means and ranks
    curves : points of the ROC curve: scene -> label -> ``p_f``, ``p_d``, ``tau``, ``threshold``
    timings : time and memory of each cell, and the machine
    """

    results: dict[str, Any]
    curves: dict[str, Any]
    timings: dict[str, Any]

    @property
    def labels(self) -> list[str]:
        """The labels of the configurations."""
        return [method["label"] for method in self.results["methods"]]

    @property
    def scenes(self) -> list[str]:
        """The names of the scenes."""
        return [scene["name"] for scene in self.results["scenes"]]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The cells that have an error instead of figures."""
        return [cell for cell in self.results["cells"] if cell["error"] is not None]

    def values(self, metric: str) -> dict[str, dict[str, float]]:
        """Return scene -> label -> value of a metric, NaN where it is undefined or the cell failed."""
        table: dict[str, dict[str, float]] = {scene: {} for scene in self.scenes}
        for cell in self.results["cells"]:
            table[cell["scene"]][cell["label"]] = number((cell["metrics"] or {}).get(metric))
        return table

    def trained_on(self, scene: str, label: str) -> bool:
        """Return whether the weights of a configuration were trained on the scene."""
        return any(
            cell["trained_on"] is not None
            for cell in self.results["cells"]
            if (cell["scene"], cell["label"]) == (scene, label)
        )

    @property
    def any_trained_on(self) -> bool:
        """Whether a cell anywhere has weights that were trained on its scene."""
        return any(cell["trained_on"] is not None for cell in self.results["cells"])

    def costs(self, name: str) -> dict[str, dict[str, float]]:
        """Return scene -> label -> ``seconds`` or another number of ``timings.json``; NaN for none."""
        table: dict[str, dict[str, float]] = {
            scene: dict.fromkeys(self.labels, math.nan) for scene in self.scenes
        }
        for cell in self.timings["cells"]:
            table[cell["scene"]][cell["label"]] = number(cell[name])
        return table

    def files(self) -> dict[str, str]:
        """Return the text of the JSON files by name."""
        return {
            "results.json": _text(self.results),
            "curves.json": _text(self.curves),
            "timings.json": _text(self.timings),
        }


def number(value: Any) -> float:
    """Return the float that ``json_value`` wrote: None is NaN, ``"inf"`` infinity."""
    return math.nan if value is None else float(value)


def assemble(
    cases: Sequence[Case],
    skipped: Sequence[Skipped],
    configurations: Sequence[Configuration],
    cells: Sequence[Cell],
    conditions: Mapping[str, Any],
) -> BenchResults:
    """Return the results of cells in the order of scenes, then configurations."""
    metrics = list(host.metrics().values())
    labels = [configuration.label for configuration in configurations]
    names = [case.name for case in cases]
    uneven = uneven_scenes(cells)

    def summary(best: float, value: Callable[[Cell], Any], *, judged: bool) -> dict[str, Any]:
        rows: dict[str, dict[str, float]] = {name: {} for name in names if not judged or name not in uneven}
        for cell in cells:
            if cell.scene in rows:
                rows[cell.scene][cell.label] = number(value(cell))
        found = summarise(rows, labels, best)
        document: dict[str, Any] = {
            "scenes": list(found.scenes),
            "mean": found.mean,
            "rank": found.rank,
        }
        if judged:
            compared = compare(rows, found, best)
            document["comparison"] = None if compared is None else compared.to_json()
        return document

    def metric_of(name: str) -> Callable[[Cell], Any]:
        return lambda cell: (cell.outcome or {}).get("metrics", {}).get(name)

    def cost_of(name: str) -> Callable[[Cell], Any]:
        return lambda cell: (cell.cost or {}).get(name)

    results = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": __version__,
        **conditions,
        "metrics": [_metric(metric) for metric in metrics],
        "methods": [configuration.to_json() for configuration in configurations],
        "scenes": [{**case.to_json(), "uneven": uneven.get(case.name)} for case in cases],
        "skipped": [{"path": item.path, "reason": item.reason} for item in skipped],
        "cells": [_cell(cell) for cell in cells],
        "summary": {
            metric.name: summary(metric.best, metric_of(metric.name), judged=True) for metric in metrics
        },
        "notes": [SCALING_NOTE],
    }
    curves: dict[str, Any] = {name: {} for name in names}
    for cell in cells:
        if cell.outcome is not None:
            curves[cell.scene][cell.label] = cell.outcome["roc"]
    timings = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "cells": [
            {"scene": cell.scene, "label": cell.label, **cell.cost} for cell in cells if cell.cost is not None
        ],
        "summary": {name: summary(0.0, cost_of(name), judged=False) for name in COSTS},
        "machine": _hardware(),
    }
    return BenchResults(results=json_value(results), curves=json_value(curves), timings=json_value(timings))


def uneven_scenes(cells: Sequence[Cell]) -> dict[str, str]:
    """Return, for scenes on which configurations are judged over different pixels, over how many each."""
    pixels: dict[str, dict[str, tuple[int, int]]] = {}
    for cell in cells:
        if cell.outcome is not None:
            counts = cell.outcome["pixels"]
            pixels.setdefault(cell.scene, {})[cell.label] = counts["anomalous"], counts["background"]
    return {
        scene: ", ".join(f"{label} {a} anomalous and {b} background" for label, (a, b) in by_label.items())
        for scene, by_label in pixels.items()
        if len(set(by_label.values())) > 1
    }


def load_results(folder: str | Path) -> BenchResults:
    """Return the results that ``had bench`` left in ``folder``.

    Raises
    ------
    SceneError
        When there are none, or they are damaged or of another version.
    """
    documents = {}
    for name in ("results", "curves", "timings"):
        path = Path(folder, f"{name}.json")
        try:
            documents[name] = json.loads(read_regular(path))
        except FileNotFoundError:
            raise SceneError(
                f"{folder}: holds no {path.name}; run had bench -o {folder} to its end"
            ) from None
        except OSError as error:
            raise OutputError(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise SceneError(f"{path}: is damaged; run had bench -o {folder} again") from error
    found = documents["results"]
    if not isinstance(found, dict) or (found.get("format"), found.get("format_version")) != (
        FORMAT,
        FORMAT_VERSION,
    ):
        raise SceneError(f"{folder}: its results.json is not of this version's had bench; run that again")
    return BenchResults(**documents)


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "symbol": metric.symbol or metric.name,
        "formula": metric.formula,
        "summary": metric.summary,
        "best": metric.best,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    outcome = cell.outcome or {}
    fields = ("rows", "cols", "bands", "bands_used", "valid_pixels", "metrics", "pixels", "f1_threshold")
    return {
        "scene": cell.scene,
        "label": cell.label,
        "error": cell.error,
        **{name: outcome.get(name) for name in (*fields, "separability", "facts")},
        "warnings": list(outcome.get("warnings", ())),
        "trained_on": outcome.get("trained_on"),
        "repeats": list(cell.repeats),
        "spread": dict(cell.spread),
        "map": cell.map,
    }


def _hardware() -> dict[str, Any]:
    from had_cli.engine.devices import list_devices
    from had_cli.engine.threads import cores

    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": cores(),
        "devices": [{"name": device.name, "model": device.model} for device in list_devices()],
    }


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
