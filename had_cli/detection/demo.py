"""``had demo``: a scene with known anomalies, the maps of the built-in detectors, figures and pictures.

Everything goes through the functions that the commands call, on files that any command can open
afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.detection.default import DEFAULT_METHOD
from had_cli.detection.detect import Detection, detect
from had_cli.engine.devices import choose_device
from had_cli.results.metrics.evaluation import Evaluation, evaluate
from had_cli.results.picture import MatplotlibMissingError, quicklook
from had_cli.scenes.demo import SEED, DemoScene, make_scene
from had_cli.scenes.open import open_scene, open_truth
from had_cli.scenes.scene import Scene

METHODS = (DEFAULT_METHOD, "grx", "slrx")


@dataclass(frozen=True, kw_only=True)
class DemoMap:
    """One method's result: where map and picture lie, and what they are worth.

    ``picture`` is None where matplotlib is not installed.
    """

    map: Path
    picture: Path | None
    detection: Detection
    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Everything the demo made; ``maps`` by method."""

    files: DemoScene
    maps: dict[str, DemoMap]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document of ``had demo --json``."""
        return {
            "scene": str(self.files.scene),
            "truth": str(self.files.truth),
            "maps": [
                {
                    "method": method,
                    "map": str(made.map),
                    "picture": None if made.picture is None else str(made.picture),
                    "auc": made.evaluation.auc,
                }
                for method, made in self.maps.items()
            ],
        }


def run_demo(
    folder: str | Path = "demo",
    *,
    seed: int = SEED,
    device: str = "auto",
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> DemoResult:
    """Make a scene in ``folder``, detect by every built-in method, evaluate and draw.

    ``say`` is handed one line at a time as things are done.

    Raises
    ------
    HadError
        As :func:`make_scene` and :func:`had_cli.detect`.
    """
    device = choose_device(device)  # before anything is written
    files = make_scene(folder, seed=seed, overwrite=overwrite)
    maps: dict[str, DemoMap] = {}
    with open_scene(files.scene) as scene:
        rows, cols, bands = scene.shape
        objects = open_truth(files.truth, (rows, cols))
        say(f"scene  {files.scene}: {rows} rows x {cols} columns, {bands} bands in use")
        say(f"truth  {files.truth}: {int(objects.sum())} anomalous pixels")
        for method in METHODS:
            detection = detect(scene, method, device=device)
            path = detection.save(files.scene.with_name(f"{scene.name}_{method}.tif"), overwrite=overwrite)
            # from the file, as anyone would who was handed the map
            evaluation = evaluate(path, files.truth)
            found = evaluation.metrics["pd_at_pf_1e_2"]
            say(
                f"{method:<6} AUC(D,F) {evaluation.auc:.4f}; at 1 % false alarms it finds {found:.0%} of them"
            )
            say(f"       map {path}")
            picture = _draw(scene, detection, objects, path.with_suffix(".png"), overwrite=overwrite, say=say)
            maps[method] = DemoMap(map=path, picture=picture, detection=detection, evaluation=evaluation)
    return DemoResult(files=files, maps=maps)


def _draw(
    scene: Scene,
    detection: Detection,
    truth: npt.NDArray[np.bool_],
    path: Path,
    *,
    overwrite: bool,
    say: Callable[[str], None],
) -> Path | None:
    try:
        quicklook(
            scene, path, scores=detection.scores, truth=truth, title=detection.method, overwrite=overwrite
        )
    except MatplotlibMissingError as error:  # an extra: the maps are worth having without it
        say(f"       no picture: {error}")
        return None
    say(f"       picture {path}")
    return path
