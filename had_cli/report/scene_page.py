"""What the page of a scene and its score map carries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.report.encoding import packed, packed_bits, png, quantised
from had_cli.report.gathering import Background, Gathered, gather
from had_cli.report.panels import panels
from had_cli.report.places_table import places_listed
from had_cli.report.provenance import crs_name, scene_sections
from had_cli.report.sizes import Sizes
from had_cli.report.tally import tally
from had_cli.results.metrics.evaluation import Evaluation, evaluate, json_value
from had_cli.results.picture import composite_bands, thin_maximum
from had_cli.results.threshold import Rule, Threshold, threshold
from had_cli.scenes.scene import Scene
from had_cli.scenes.validity import Mask

RULE = "cfar:1e-3"
ROC_POINTS = 600

Map = npt.NDArray[np.float32]
Progress = Callable[[str, float], None]


def scene_content(
    scene: Scene,
    scores: npt.NDArray[np.floating[Any]],
    *,
    truth: Mask | None = None,
    rule: Rule | str = RULE,
    min_pixels: int = 1,
    name: str = "the score map",
    tags: Mapping[str, str] | None = None,
    progress: Progress = lambda _label, _fraction: None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """Return what the page of ``scene`` shows, as JSON values.

    Parameters
    ----------
    scores
        rows x cols, NaN where there is no score.
    truth
        rows x cols, True on anomalies; default: the one that the scene carries.
    rule
        The threshold that the page starts with, and that its places reach.
    tags
        Of the score map's file: its provenance.

    Raises
    ------
    SceneError
        When sizes differ, or the map holds no score.
    UsageError
        When the rule is not understood.
    """
    rows, cols, bands = scene.shape
    if scores.shape != (rows, cols):
        raise SceneError(
            f"{name}: the map has {scores.shape[0]} x {scores.shape[1]} pixels, {scene.path} has "
            f"{rows} x {cols}; give the scene and window that it was made of"
        )
    truth = scene.truth if truth is None else truth
    tags = dict(tags or {})
    start = threshold(scores, rule, tags=tags)
    warnings = [*start.warnings]
    values: Map = scores.astype(np.float32, copy=False)
    sizes = sizes or Sizes.fitting(rows, cols, bands)
    reduced = sizes.notes()
    if scores.dtype != np.float32 and not np.array_equal(values, scores, equal_nan=True):
        reduced.append("Scores are rounded to single precision.")
    found = evaluate(scores, truth) if truth is not None else None
    if found is not None:
        warnings += found.warnings
    gathered = gather(scene, values, start.value, sizes, progress=progress)
    progress("places", 0.0)
    listed = places_listed(scores, start, min_pixels, scene)
    progress("places", 1.0)
    added, failures = panels(scene, values)
    warnings += failures
    method = tags.get("had_method")
    content = {
        "kind": "scene",
        "method": method,
        "title": scene.name,
        "subtitle": f"Anomalies by {method}" if method else f"Score map {Path(name).name}",
        "facts": _facts(scene, values, found),
        "pixels": _pixels(scene),
        "map": _map(scene, values, truth, gathered, sizes),
        "spectra": _spectra(gathered, sizes),
        "axis": _axis(scene),
        "background": _background(gathered.background, start),
        "tallies": _tallies(values, truth),
        "threshold": {"value": start.value, "explanation": _threshold_explanation(start)},
        "roc": _roc(found),
        "measures": _measures(found),
        "measureNotes": [] if found is None else list(found.notes),
        "places": listed,
        "panels": added,
        "start": _first_cell(values, sizes.map_step),
        "provenance": scene_sections(scene, name, tags, start, found),
        "warnings": warnings,
        "reduced": reduced,
    }
    cleaned: dict[str, Any] = json_value(content)
    return cleaned


def _facts(scene: Scene, scores: Map, found: Evaluation | None) -> list[tuple[str, str]]:
    rows, cols, bands = scene.shape
    centres = scene.wavelengths
    scored = int(np.count_nonzero(~np.isnan(scores)))
    spectrum = "" if centres is None else f", {centres.min():.0f} to {centres.max():.0f} nm"
    facts = [
        ("Pixels", f"{rows:,} rows x {cols:,} columns"),
        ("With a score", f"{scored:,}"),
        ("Bands", f"{bands}{spectrum}"),
    ]
    if found is not None:
        facts += [("Truth", f"{found.anomalous:,} anomalous pixels"), ("AUC(D,F)", f"{found.auc:.4f}")]
    return facts


def _pixels(scene: Scene) -> dict[str, Any]:
    return {
        "rows": scene.shape[0],
        "cols": scene.shape[1],
        "transform": scene.info.transform,
        "crs": crs_name(scene) or "Map coordinates",
    }


def _map(scene: Scene, scores: Map, truth: Mask | None, gathered: Gathered, sizes: Sizes) -> dict[str, Any]:
    step = sizes.map_step
    shown = thin_maximum(scores, step)
    finite = shown[np.isfinite(shown)]
    # a few extreme pixels would otherwise leave the rest of the map dark
    low, high = np.percentile(finite, [2, 99.8]) if finite.size else (0.0, 1.0)
    marked = None
    if truth is not None:
        marked = packed_bits(thin_maximum(truth.astype(np.float32), step) > 0)
    return {
        "rows": shown.shape[0],
        "cols": shown.shape[1],
        "pixelRows": scores.shape[0],
        "pixelCols": scores.shape[1],
        "step": step,
        "score": packed(shown, "f4"),
        "composite": png(gathered.composite),
        "colours": _colours(scene),
        "truth": marked,
        "range": [float(low), float(high)],
    }


def _colours(scene: Scene) -> str:
    chosen, centres = composite_bands(scene), scene.wavelengths
    if centres is None:
        return "bands " + ", ".join(str(int(scene.bands[band]) + 1) for band in chosen)
    return ", ".join(f"{centres[band]:.0f}" for band in chosen) + " nm"


def _spectra(gathered: Gathered, sizes: Sizes) -> dict[str, Any]:
    rows, cols = sizes.grid(sizes.spectrum_step)
    return {
        "rows": rows,
        "cols": cols,
        "step": sizes.spectrum_step,
        "values": quantised(gathered.spectra),
        # where every pixel has its spectrum, there is nothing to tell
        "peaks": packed(gathered.peaks, "i4") if sizes.spectrum_step > 1 else None,
    }


def _axis(scene: Scene) -> dict[str, Any]:
    """Return where the bands stand, and which of them are neighbours."""
    centres = scene.wavelengths
    numbers = scene.bands + 1
    apart = np.diff(numbers) != 1
    if centres is not None:
        steps = np.diff(centres) * (1 if centres[-1] >= centres[0] else -1)
        apart |= steps <= 0  # another spectrometer begins
    breaks = np.flatnonzero(apart) + 1
    stretches = list(zip([0, *breaks.tolist()], [*breaks.tolist(), len(numbers)], strict=True))
    if centres is None:
        return {
            "centres": numbers.tolist(),
            "unit": "band",
            "label": "band",
            "value": "value",
            "stretches": stretches,
        }
    return {
        "centres": centres.tolist(),
        "unit": "nm",
        "label": "wavelength, nm",
        "value": "value",
        "stretches": stretches,
    }


def _background(background: Background, start: Threshold) -> dict[str, Any]:
    sampled = (
        ""
        if background.sampled == background.pixels
        else f"; percentiles from {background.sampled:,} of them, drawn at random"
    )
    return {
        "mean": background.mean.tolist(),
        "deviation": background.deviation.tolist(),
        "low": background.low.tolist(),
        "high": background.high.tolist(),
        "explanation": f"Background: the {background.pixels:,} valid pixels with a score below "
        f"{start.value:.6g}, the threshold that this report starts with{sampled}.",
    }


def _tallies(scores: Map, truth: Mask | None) -> dict[str, Any]:
    scored = ~np.isnan(scores)
    parts = {"all": scored}
    if truth is not None and (truth & scored).any() and (~truth & scored).any():
        parts |= {"anomalous": scored & truth, "background": scored & ~truth}
    return {name: tally(np.sort(scores[part])) for name, part in parts.items()}


def _threshold_explanation(start: Threshold) -> str:
    text = f"The report starts with {start.rule}: score ≥ {start.value:.6g}"
    if start.interval is not None:
        low, high = start.interval
        text += f" (95 % confidence: {low:.6g} to {high:.6g})"
    return f"{text}. No truth was consulted."


def _roc(found: Evaluation | None) -> dict[str, Any] | None:
    if found is None or not found.curve.both:
        return None
    points = found.curve.points(ROC_POINTS)
    return {"p_f": points.p_f.tolist(), "p_d": points.p_d.tolist(), "auc": f"{found.auc:.6g}"}


def _measures(found: Evaluation | None) -> list[dict[str, str]]:
    if found is None:
        return []
    return [
        {
            "symbol": row.symbol,
            "value": "undefined" if math.isnan(row.value) else f"{row.value:.6g}",
            "best": f"{row.best:g}",
            "formula": row.formula,
        }
        for row in found.table()
    ]


def _first_cell(scores: Map, step: int) -> list[int]:
    """Return the cell that the cursor starts on: that of the highest score."""
    if np.isnan(scores).all():
        return [0, 0]
    row, col = np.unravel_index(int(np.nanargmax(scores)), scores.shape)
    return [int(row) // step, int(col) // step]
