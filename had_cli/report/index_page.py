"""What the page of several scenes carries: a line for each in a table, and the scenes themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.bench.truths import truth_beside
from had_cli.errors import HadError, message
from had_cli.report.document import carried_json
from had_cli.report.pairs import Pair
from had_cli.report.scene_page import RULE, scene_content
from had_cli.report.sizes import Sizes
from had_cli.results.metrics.evaluation import json_value
from had_cli.results.threshold import Rule
from had_cli.scenes.folders import reader_suffixes
from had_cli.scenes.open import open_scene, open_scores
from had_cli.scenes.ortho import as_scored
from had_cli.scenes.scene import Scene

Progress = Callable[[str], AbstractContextManager[Callable[[str, float], None]]]


@dataclass(frozen=True)
class Index:
    """The page of several scenes, as :func:`had_cli.report.document.document` takes it.

    Attributes
    ----------
    content : title, facts and ``entries``, one for each score map
    parts : the scenes of the page as JSON; an entry's ``number`` counts them from 1
    """

    content: dict[str, Any]
    parts: list[str] = field(repr=False)

    @property
    def failed(self) -> list[str]:
        """Return what went wrong, one line for each entry that has failed."""
        return [entry["error"] for entry in self.content["entries"] if entry["error"] is not None]


def index_content(
    pairs: Sequence[Pair],
    name: str,
    *,
    rule: Rule | str = RULE,
    min_pixels: int = 1,
    opening: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Index:
    """Return what the page ``name`` of several scenes shows; a scene that fails has its line all the same.

    The truth of a scene is ``NAME_gt.*`` beside it, else the one that it carries.

    Parameters
    ----------
    rule
        The threshold that each scene starts with.
    opening
        Options of :func:`had_cli.scenes.open.open_scene`, for every scene.
    progress
        Gives a scene's ``progress(label, fraction)``.
    """
    told = progress or (lambda _name: nullcontext(lambda _label, _fraction: None))
    entries: list[dict[str, Any]] = []
    parts: list[str] = []
    warnings: list[str] = []
    reduced: list[str] = []
    for pair in pairs:
        try:
            part = _scene(pair, len(pairs), rule, min_pixels, opening or {}, told)
        except HadError as error:
            entries.append(_failed(pair, message(error)))
            continue
        parts.append(carried_json(part))
        entries.append(_entry(pair, part, len(parts)))
        where = f"{Path(pair.scene).name}, {Path(pair.scores).name}"
        warnings += [f"{where}: {line}" for line in part["warnings"]]
        reduced += [f"{where}: {line}" for line in part["reduced"]]
    failed = sum(entry["error"] is not None for entry in entries)
    facts = [
        ("Scenes", f"{len({pair.scene for pair in pairs}):,}"),
        ("Score maps", f"{len(pairs):,}"),
        ("Places", f"{sum(entry['places'] or 0 for entry in entries):,}"),
    ]
    facts += [("Failed", f"{failed:,}")] if failed else []
    least = f", {min_pixels} or more," if min_pixels > 1 else ""
    content = {
        "kind": "index",
        "title": name,
        "subtitle": "Anomalies in several scenes",
        "facts": facts,
        "entries": entries,
        "explanation": f"Places are groups of connected pixels{least} at or above the threshold, found in "
        f"each map by {rule}. Choose a scene to see it below.",
        "warnings": warnings,
        "reduced": reduced,
    }
    cleaned: dict[str, Any] = json_value(content)
    return Index(cleaned, parts)


def _scene(
    pair: Pair, scenes: int, rule: Rule | str, min_pixels: int, opening: Mapping[str, Any], told: Progress
) -> dict[str, Any]:
    with open_scene(pair.scene, **opening) as scene, told(scene.name) as progress:
        values, info = open_scores(pair.scores)
        truth = _truth(pair.scene, scene) if opening.get("truth_variable") is None else None
        shown = as_scored(scene, values.shape)
        return scene_content(
            shown,
            values,
            truth=truth,
            rule=rule,
            min_pixels=min_pixels,
            name=pair.scores,
            tags=info.tags,
            progress=progress,
            sizes=Sizes.sharing(*shown.shape, scenes=scenes),
        )


def _truth(path: str, scene: Scene) -> npt.NDArray[np.bool_] | None:
    found = truth_beside(path, reader_suffixes())
    return None if found is None else found.load(scene)


def _entry(pair: Pair, part: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "number": number,
        "scene": part["title"],
        "scores": Path(pair.scores).name,
        "method": part["method"],
        "rows": part["pixels"]["rows"],
        "cols": part["pixels"]["cols"],
        "bands": len(part["axis"]["centres"]),
        "threshold": part["threshold"]["value"],
        "places": part["places"]["count"],
        "auc": None if part["roc"] is None else float(part["roc"]["auc"]),
        "error": None,
    }


def _failed(pair: Pair, error: str) -> dict[str, Any]:
    known = {"number": None, "scene": Path(pair.scene).name, "scores": Path(pair.scores).name, "error": error}
    return {**dict.fromkeys(("method", "rows", "cols", "bands", "threshold", "places", "auc")), **known}
