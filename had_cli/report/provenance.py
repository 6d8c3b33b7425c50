"""Where a report's numbers come from: files, parameters, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from had_cli._version import __version__
from had_cli.foreign.texts import parse_json
from had_cli.results.metrics.evaluation import Evaluation
from had_cli.results.threshold import Threshold
from had_cli.scenes.describe import runs
from had_cli.scenes.scene import Scene

Section = dict[str, Any]

# tags of a map -> what they are called; see had_cli.detection.detect.Detection.tags
_TAGS = {
    "had_method": "Method",
    "had_parameters": "Parameters",
    "had_facts": "Facts",
    "had_weights": "Weights",
    "had_weights_sha256": "Weights, SHA-256",
    "had_seed": "Seed",
    "had_scene": "Made of",
    "had_bands": "Bands used",
    "had_version": "Version of had",
}


def scene_sections(
    scene: Scene, scores: str, tags: Mapping[str, str], start: Threshold, found: Evaluation | None
) -> list[Section]:
    """Return titled lists of (name, text)."""
    sections = [_scene(scene), _map(scores, tags), _threshold(start)]
    if found is not None:
        sections.append(_truth(found))
    return [*sections, {"title": "Report", "rows": [("Written by", f"had {__version__}")]}]


def crs_name(scene: Scene) -> str | None:
    """Return what the scene's coordinate system is called, or None without one."""
    crs = scene.source.info.crs
    return None if crs is None else (crs.split('"')[1] if '"' in crs else crs)


def _scene(scene: Scene) -> Section:
    info = scene.source.info
    rows, cols, bands = info.shape
    lines = [
        ("File", Path(info.path).name),
        ("Format", info.format),
        ("Whole scene", f"{rows:,} rows x {cols:,} columns x {bands} bands, {info.dtype}"),
        ("Bands shown", runs(scene.bands + 1)),
    ]
    if scene.shape[:2] != (rows, cols):
        lines.append(("Window", "column {}, row {}, width {}, height {}".format(*scene.window)))
    crs = crs_name(scene)
    if crs is not None:
        lines.append(("Coordinate system", crs))
    lines += [("Note", note) for note in info.notes]
    return {"title": "Scene", "rows": lines}


def _map(scores: str, tags: Mapping[str, str]) -> Section:
    lines = [("File", Path(scores).name)]
    for tag, name in _TAGS.items():
        if tag in tags:
            lines += _expanded(name, tags[tag])
    lines += [(tag, text) for tag, text in sorted(tags.items()) if tag not in _TAGS]
    return {"title": "Score map", "rows": lines}


def _expanded(name: str, text: str) -> list[tuple[str, str]]:
    """Return a JSON object as one line per entry, any other text as it is."""
    try:
        values = parse_json(text)
    except ValueError:
        return [(name, text)]
    if not isinstance(values, dict):
        return [(name, text)]
    pairs = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return [(name, pairs or "none")]


def _threshold(start: Threshold) -> Section:
    lines = [("Rule", str(start.rule)), ("Score", f"{start.value:.9g}")]
    if start.interval is not None:
        low, high = start.interval
        lines.append(("95 % confidence", f"{low:.9g} to {high:.9g}"))
    lines.append(("Pixels at or above", f"{start.pixels:,} of {start.valid_pixels:,}"))
    lines += [
        (name.replace("_", " ").capitalize(), f"{value:.6g}" if isinstance(value, float) else str(value))
        for name, value in start.details.items()
    ]
    return {"title": "Threshold", "rows": lines}


def _truth(found: Evaluation) -> Section:
    lines = [
        ("Anomalous pixels", f"{found.anomalous:,}"),
        ("Background pixels", f"{found.background:,}"),
        ("Excluded", f"{found.excluded:,}, of them {found.excluded_anomalous:,} anomalous"),
    ]
    return {"title": "Truth", "rows": lines}
