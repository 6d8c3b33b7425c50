"""Measure what SSF is made of on scenes that carry a truth, and print tables.

    python docs/measurements/ssf_parts.py FOLDER

FOLDER holds the scenes as .mat files. The first table has the AUC(D,F) of each map, of their sum F, of sums
without one of them, and of SSF; the second that of SSF with other seeds and settings. The truth is used to
measure and for nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

import had_cli
from had_cli.engine.executor import Executor
from had_ssf import detector, features, opening, ring
from had_ssf.components import components
from had_ssf.fusion import fused
from had_ssf.moments import scene_moments

OTHERS: dict[str, tuple[ModuleType, str, Any]] = {
    "one draw": (features, "DRAWS", 1),
    "64 channels": (features, "CHANNELS", 64),
    "ridge 1e-2": (features, "RIDGE", 1e-2),
    "ridge 1e-4": (features, "RIDGE", 1e-4),
    "10 nearest": (ring, "NEAREST", 10),
    "large from 150 pixels": (detector, "AREA", 150),
    "large from 600 pixels": (detector, "AREA", 600),
    "32 levels": (opening, "LEVELS", 32),
    "256 levels": (opening, "LEVELS", 256),
    "half of the opening": (detector, "LARGE", 0.5),
    "the whole opening": (detector, "LARGE", 1.0),
}


def main(folder: Path) -> None:
    """Print both tables."""
    scenes = [had_cli.open_scene(path) for path in sorted(folder.glob("*.mat"))]
    scenes = [scene for scene in scenes if scene.truth is not None]
    rows = {}
    for scene in scenes:
        rows[Path(scene.path).stem] = parts_of(scene)
        if len(rows) == 1:
            print("| scene |", " | ".join(next(iter(rows.values()))), "|")
            print("|---|" + "---|" * len(next(iter(rows.values()))))
        print(f"| {Path(scene.path).stem} |", _shown(list(rows[Path(scene.path).stem].values())), flush=True)
    print("| mean |", _shown(np.mean([list(row.values()) for row in rows.values()], axis=0)))
    print("\n| setting | mean | least |\n|---|---|---|")
    for seed in range(5):
        _line(f"seed {seed}", [_auc(scene, seed=seed) for scene in scenes])
    for name, (module, constant, value) in OTHERS.items():
        with mock.patch.object(module, constant, value):
            _line(name, [_auc(scene) for scene in scenes])


def parts_of(scene: had_cli.Scene) -> dict[str, float]:
    """Return the AUC of the maps and of their sums."""
    with Executor(scene) as run:
        moments, extrema = scene_moments(run)
        spectra = components(moments, extrema)
        members = detector.fused_members(spectra.variances, 0)
        derived = run.through(spectra, bands=len(spectra.variances))
        layers = np.array(detector.maps(derived, members))
    names = [member.name for member in members]
    found = {name: _measured(layers[..., index], scene) for index, name in enumerate(names)}
    for index, name in enumerate(names):
        found[f"F less {name}"] = _measured(_sum(np.delete(layers, index, axis=-1)), scene)
    found["F"] = _measured(_sum(layers), scene)
    found["SSF"] = _auc(scene)
    return found


def _sum(layers: np.ndarray) -> np.ndarray:
    total = np.empty(layers.shape[:2], np.float32)
    fused(layers, total)
    return total


def _auc(scene: had_cli.Scene, seed: int = 0) -> float:
    scores = had_cli.detect(scene, "ssf", seed=seed, device="cpu", wide=False).scores
    return _measured(scores, scene)


def _measured(scores: np.ndarray, scene: had_cli.Scene) -> float:
    return float(had_cli.evaluate(scores, scene.truth).auc)


def _line(name: str, values: list[float]) -> None:
    print(f"| {name} |", _shown([float(np.mean(values)), min(values)]), flush=True)


def _shown(values: Any) -> str:
    return " | ".join(f"{value:.4f}" for value in values) + " |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
